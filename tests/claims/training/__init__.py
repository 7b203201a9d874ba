"""Claims of training: the language, the log, the exports, the rewards and the compact agent."""

"""Training rows: conversations, preference pairs and prompts, as pure functions of the log."""

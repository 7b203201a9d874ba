"""What the agent is judged on: datasets, scorers, statistics, the runner and its report."""

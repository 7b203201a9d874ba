"""What the agent is judged on: suites, scorers, statistics, the runner and its report."""

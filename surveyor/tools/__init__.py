"""What a planner may call: typed specs, the registry, expert clients, measuring geometry."""

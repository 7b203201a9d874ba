"""Who decides: the loop, its limits and the planners. No skill policy and no scoring in here."""

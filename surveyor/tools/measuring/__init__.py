"""Tools that turn evidence into numbers and words."""

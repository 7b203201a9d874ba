"""Rewards: parts in [0, 1], each with its formula and source, each logged apart."""

"""Measuring the agent itself: what `surveyor proofs agent` prints."""

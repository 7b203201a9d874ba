"""Measured proofs of the four companion systems."""

"""Proofs: each file measures one group of claims and prints it beside its bound."""

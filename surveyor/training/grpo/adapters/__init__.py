"""Thin adapters from our environment to other frameworks' rollout loops, one module each."""

"""Measures the serving promises: load against a plain server, soak, fuzz, faults.

Every module yields `memory.claims.Claim` rows; nothing here asserts.
"""

"""Measures the serving promises: load against a plain server, soak, fuzz, faults.

Every module yields `tests.claims.claim.Claim` rows; nothing here asserts.
"""

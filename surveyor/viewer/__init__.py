"""Seeing runs, episodes, scenes and skills. Writes nothing into a run."""

"""Depth from two eyes: measured, not guessed, where a rectified pair is at hand."""

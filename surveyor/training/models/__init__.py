"""Checkpoints of the families that are trained and served: Qwen3 and Qwen3-VL."""

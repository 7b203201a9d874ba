"""GRPO: the environment around the real tools, and the trainers that use it."""

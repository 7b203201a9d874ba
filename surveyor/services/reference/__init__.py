"""Reference experts: they answer for known scenes from exact truth through a seeded error model.

They are a test world and an upper bound, never a neural result, and say so in ``/v1/info``.
"""

"""Claims of the skill library: the gate, recall, faults, scale."""

from __future__ import annotations

from training.proofs_skills import measure

__all__ = ["measure"]

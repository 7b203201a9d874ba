"""The made-up world that evolution is tested in; the proofs use it too."""

from __future__ import annotations

from tests.claims.skills.world import SyntheticPlay, cases, chance, draw, say, settings

__all__ = ["SyntheticPlay", "cases", "chance", "draw", "say", "settings"]

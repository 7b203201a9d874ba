"""Which groups of claims there are. Each module has ``measure() -> Iterator[Claim]``."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import cast

from surveyor.core.errors import UserError
from tests.claims.claim import Claim

GROUPS: dict[str, str] = {
    "skeleton": "one command measures real rooms end to end",
    "start": "the reference experts of a run answer soon and weigh little",
    "rooms": "the embedded world is exact, true and hard to cheat",
    "experts": "the services are fast, bounded and clear about what went wrong",
    "agent": "any model can drive, and nothing that it says breaks a run",
    "found": "what broke when others tried it stays mended",
    "skills": "skills earn their place: gate, recall, faults, scale",
    "models": "any model drives: every manner measured, one call that looks, grammars",
    "real": "captured rooms and measured depth, fetched from packages",
    "far": "what a run's start and a second run cost",
    "evolution": "skills evolve by themselves: lift, errors, chat models, kill -9",
    "walks": "does the scene decide how to look, on long walks through many rooms",
    "companions": "the four companion systems, proof by proof",
    "training": "what was logged can be learnt from, and nobody is rewarded for cheating",
    "view": "the viewer is fast and leads to pixels; ask answers as a run does",
}
APART = frozenset({"evolution", "real", "walks"})
"""Groups that `all` leaves out: they take long, or fetch packages (into ``SURVEYOR_REAL``)."""


def measure(group: str) -> Iterator[Claim]:
    """Rows of one group, each as soon as it is measured; `UserError` for an unknown group."""
    if group not in GROUPS:
        raise UserError(
            f"there is no group of claims called {group!r}; choose from {', '.join(GROUPS)} or all"
        )
    module = importlib.import_module(f"tests.claims.groups.{group}")
    return cast("Iterator[Claim]", module.measure())

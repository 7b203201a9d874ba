"""Which groups of claims there are. Each module has ``measure() -> Iterator[Claim]``."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import cast

from surveyor.core.errors import UserError
from tests.claims.claim import Claim

GROUPS: dict[str, str] = {
    "skeleton": "one command measures real rooms end to end",
    "rooms": "the embedded world is exact, true and hard to cheat",
    "experts": "the services are fast, bounded and clear about what went wrong",
    "agent": "any model can drive, and nothing that it says breaks a run",
    "skills": "skills earn their place: gate, recall, faults, scale",
    "real": "captured rooms and measured depth, fetched from packages",
    "far": "what a run's start and a second run cost",
    "lift": "skills earn their place: evolved on some rooms, judged on others",
}
APART = frozenset({"lift", "real"})
"""Groups that `all` leaves out: they take long, or fetch packages (into ``SURVEYOR_REAL``)."""


def measure(group: str) -> Iterator[Claim]:
    """Rows of one group, each as soon as it is measured; `UserError` for an unknown group."""
    if group not in GROUPS:
        raise UserError(
            f"there is no group of claims called {group!r}; choose from {', '.join(GROUPS)} or all"
        )
    module = importlib.import_module(f"tests.claims.groups.{group}")
    return cast("Iterator[Claim]", module.measure())

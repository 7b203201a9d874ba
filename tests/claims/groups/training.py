"""Claims of training: a log that can be trusted, rows, rewards, and the compact agent's language.

What a trained agent scores is measured by ``scripts/recipes/compact_on_cpu.sh``, whose runs are
judged here when ``SURVEYOR_COMPACT`` names them; token exactness needs torch, and is judged where
that is installed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from tests.claims.claim import Claim
from tests.claims.training.agent import reinforced, trained
from tests.claims.training.record import recorded
from tests.claims.training.rooms import exporting, language, rolled_out, teacher_adheres
from tests.claims.training.tokens import exact
from tests.training.test_rewards import ADVERSARIES, GOOD, alone


def measure() -> Iterator[Claim]:
    """Every claim that needs no torch; a few minutes."""
    with tempfile.TemporaryDirectory(prefix="surveyor-claims-") as name:
        root = Path(name)
        yield from recorded(root / "record")
        yield from _rewards()
        source = rolled_out(root)
        yield from language(list(source.rows()))
        yield from exporting(source, root)
        yield from teacher_adheres(rolled_out(root, held_out=True))
        if find_spec("trl") is not None:
            yield from exact(root / "tokens")
            yield from _beside_trl(root / "throughput")
    if folder := os.environ.get("SURVEYOR_COMPACT"):
        yield from trained(Path(folder))
        yield from reinforced(Path(folder))


def _beside_trl(root: Path) -> Iterator[Claim]:
    from tests.claims.training.throughput import beside_trl

    root.mkdir()
    yield from beside_trl(root)


def _rewards() -> Iterator[Claim]:
    honest = alone(GOOD).total
    best = max(ADVERSARIES, key=lambda name: alone(ADVERSARIES[name]).total)
    value = alone(ADVERSARIES[best]).total
    yield Claim.at_most(
        f"best of {len(ADVERSARIES)} adversaries' rewards, of honest work's",
        value / honest,
        0.97,
        best,
    )

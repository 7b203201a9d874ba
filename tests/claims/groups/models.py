"""Must-show of the models' work: every question type measured, one call that looks, grammars, and
cells of code."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.claims.benchmarks import published
from tests.claims.claim import Claim
from tests.claims.models import cells, composed
from tests.claims.models.grammar import grammars
from tests.claims.models.manners import PICTURED, manners
from tests.claims.models.survey import claims, played

MANNER_ROOMS = range(61_000, 61_024)
SURVEY_ROOMS = range(62_000, 62_015)
"""Room seeds that nothing else in the project uses."""


def measure() -> Iterator[Claim]:
    """Every claim, each as soon as it is measured; about an hour on two quiet cores."""
    yield from grammars()
    yield from cells.idle()
    yield from cells.escapes()
    with tempfile.TemporaryDirectory(prefix="surveyor-claims-") as name:
        yield from published.roads(Path(name))
    with tempfile.TemporaryDirectory(prefix="surveyor-claims-") as name:
        folder = Path(name)
        yield from manners(folder, MANNER_ROOMS)
        yield from _survey(folder)
        yield from _cells(folder)


def _survey(folder: Path) -> Iterator[Claim]:
    from surveyor.compose.demo import make_rooms
    from surveyor.scenes.datasets.embedded import RoomsSettings
    from surveyor.scenes.questions.vsi import GENERATORS

    settings = RoomsSettings(
        n_frames=16,
        size=(320, 240),
        light_rays=1,
        types=(*GENERATORS, *PICTURED),
        per_type=1,
        balance=False,
    )
    make_rooms(folder / "survey", SURVEY_ROOMS, settings)
    yield from claims(asyncio.run(played(folder / "work", [folder / "survey"], limit=300)))


def _cells(folder: Path) -> Iterator[Claim]:
    """On the rooms of `_survey`."""
    dataset = folder / "survey"
    yield from cells.parity(asyncio.run(cells.coded(folder / "cells", [dataset], limit=300)))
    yield from composed.claims(folder / "composed", dataset, per_kind=2)

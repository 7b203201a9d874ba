"""Claims of the embedded world: exactness, truth, blind audit, perception bound, markers, speed."""

from __future__ import annotations

from collections.abc import Iterator

from memory.claims import Claim
from scripts.proofs.skeleton_meta import metadata

FIRST = 8000
"""First room seed of the measurements; no test uses seeds from here on."""


def measure() -> Iterator[Claim]:
    """Every claim of the embedded world; about a quarter of an hour on two cores."""
    from scenes.proofs_truth import (
        blind_audit,
        film_many,
        markers_hold,
        official_counts,
        perception_bound,
        truth_from_pixels,
    )
    from scenes.selfcheck import exactness, soundness
    from scenes.selfcheck_speed import speed

    yield from speed(range(FIRST, FIRST + 24), range(FIRST + 500, FIRST + 506))
    yield from exactness(range(FIRST, FIRST + 50))
    yield from soundness(range(FIRST, FIRST + 50))
    scenes = film_many(range(FIRST, FIRST + 300))
    yield from truth_from_pixels(scenes)
    yield from blind_audit(scenes[:200])
    yield from perception_bound(range(FIRST + 400, FIRST + 450))
    yield from markers_hold(range(FIRST, FIRST + 10))
    meta = metadata()
    if meta is not None:
        yield from official_counts(meta)

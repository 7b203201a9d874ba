"""Claims of the embedded world: exactness, truth, blind audit, perception bound, markers, speed."""

from __future__ import annotations

from collections.abc import Iterator

from tests.claims.claim import Claim
from tests.claims.rooms.bad_input import bad_rooms
from tests.claims.rooms.perception_bound import planner_bound
from tests.claims.runner.vsi_meta import META, metadata

FIRST = 8000
"""First room seed of the measurements; no test uses seeds from here on."""
ROOMS = 500


def measure() -> Iterator[Claim]:
    """Every claim of the embedded world; about half an hour on two cores.

    Five hundred rooms are filmed without pictures once, which is timed. The first three hundred
    are asked about for the truth, the other two hundred for the blind audit.
    """
    from tests.claims.rooms.alignment import alignment
    from tests.claims.rooms.exactness import exactness, soundness
    from tests.claims.rooms.speed import in_workers, silent_speed, video_speed
    from tests.claims.rooms.truth import (
        blind_audit,
        categories_shown,
        film_and_ask,
        film_for_bound,
        markers_hold,
        official_counts,
        perception_bound,
        truth_from_pixels,
    )

    took = in_workers(film_and_ask, range(FIRST, FIRST + ROOMS))
    yield categories_shown(took.made[:12])
    yield from silent_speed(took)
    yield from video_speed(range(FIRST + 500, FIRST + 506))
    yield from exactness(range(FIRST, FIRST + 50))
    yield alignment(range(FIRST, FIRST + 6))
    yield from soundness(range(FIRST, FIRST + 50))
    yield from truth_from_pixels(took.made[:300])
    meta = metadata()
    if meta is None:
        yield Claim.holds("VSI-Bench metadata is at hand", False, note=f"set {META} to its folder")
    else:
        yield from official_counts(meta)
    yield from blind_audit(took.made[300:])
    bound = in_workers(film_for_bound, range(FIRST + 600, FIRST + 650))
    yield from perception_bound(bound.made)
    yield from planner_bound(range(FIRST + 600, FIRST + 650))
    yield from markers_hold(range(FIRST, FIRST + 10))
    yield from bad_rooms()

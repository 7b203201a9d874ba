"""Claims of the viewer and of `ask`: size, speed, evidence, answers as in runs, marks by hand."""

from __future__ import annotations

from collections.abc import Iterator

from tests.claims.claim import Claim


def measure() -> Iterator[Claim]:
    """Every claim of the viewer; about a quarter of an hour on two cores, with OpenCV.

    ``SURVEYOR_CLAIMS=full`` asks in 60 places instead of 8.
    """
    from tests.claims.view.asking import asked_as_run
    from tests.claims.view.by_hand import marked_lengths
    from tests.claims.view.intervals import expert_intervals
    from tests.claims.view.large_run import large_run
    from tests.claims.view.pixels import evidence

    yield from large_run()
    yield from evidence()
    yield from asked_as_run()
    yield from expert_intervals()
    yield from marked_lengths()

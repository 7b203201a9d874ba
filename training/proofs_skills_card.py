"""What a scene card costs."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from memory.claims import Claim
from scenes.suite import Suite
from scenes.suite_rooms import RoomsSettings, make_rooms_suite
from skills.card import PIXEL_FRAMES, CardMaker

FRAMES = 16
REPEATS = 9


def measure() -> Iterator[Claim]:
    """Milliseconds of a card for each frame that it opens, decoding included."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "room"
        settings = RoomsSettings(n_frames=FRAMES, size=(640, 480), types=("object_counting",))
        make_rooms_suite(path, [54_000], settings=settings, name="card")
        suite = Suite.open(path)
        task = next(iter(suite.tasks()))
        opened: set[str] = set()

        def load(sha256: str) -> bytes:
            opened.add(sha256)
            return suite.blobs.get(sha256)

        times = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            CardMaker(load)(task)  # a new maker, which has no frame in memory
            times.append(1e3 * (time.perf_counter() - start))
    yield Claim.at_most(
        "scene card: ms for each frame opened (640 x 480)",
        statistics.median(times) / len(opened),
        5.0,
        f"{statistics.median(times):.1f} ms a card; {len(opened)} of {FRAMES} frames opened,"
        f" {PIXEL_FRAMES} measured and their followers compared",
    )

"""What a scene profile costs."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from surveyor.core.dataset import Dataset
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.skills.scene_profile import PIXEL_FRAMES, ProfileMaker
from tests.claims.claim import Claim

FRAMES = 16
REPEATS = 9


def measure() -> Iterator[Claim]:
    """Milliseconds of a card for each frame that it opens, decoding included."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "room"
        settings = RoomsSettings(n_frames=FRAMES, size=(640, 480), types=("object_counting",))
        make_rooms_dataset(path, [54_000], settings=settings, name="card")
        dataset = Dataset.open(path)
        task = next(iter(dataset.tasks()))
        opened: set[str] = set()

        def load(sha256: str) -> bytes:
            opened.add(sha256)
            return dataset.blobs.get(sha256)

        times = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            ProfileMaker(load)(task)  # a new maker, which has no frame in memory
            times.append(1e3 * (time.perf_counter() - start))
    yield Claim.at_most(
        "scene profile: ms for each frame opened (640 x 480)",
        statistics.median(times) / len(opened),
        5.0,
        f"{statistics.median(times):.1f} ms a card; {len(opened)} of {FRAMES} frames opened,"
        f" {PIXEL_FRAMES} measured and their followers compared",
    )

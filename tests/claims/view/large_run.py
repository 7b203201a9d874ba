"""A run of 10,000 episodes: how soon its list is there, how fast it filters, what it holds."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles

from surveyor.viewer.api import WEB
from surveyor.viewer.index import Filter, RunIndex
from tests.claims.claim import Claim
from tests.viewer.stage import make_run

EPISODES = 10_000


def large_run() -> Iterator[Claim]:
    """Seconds to the first page without and with an index, to a filtered page, and memory."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = make_run(Path(scratch) / "run", EPISODES)
        began = time.monotonic()
        index = RunIndex(folder, Path(scratch) / "cache")
        assert index.page(Filter())["total"] == EPISODES
        yield Claim.at_most("first page of 10,000, no index, s", time.monotonic() - began, 3)
        index.refresh()
        whole = time.monotonic() - began
        yield Claim.at_most("index of 10,000 complete, s", whole, 10, "beside the requests")
        began = time.monotonic()
        again = RunIndex(folder, Path(scratch) / "cache")
        again.page(Filter())
        yield Claim.at_most("first page of 10,000, with an index, s", time.monotonic() - began, 1)
        took = []
        for k in range(40):
            began = time.monotonic()
            again.page(Filter(q=f"chair {k}", type="kind_0", sort="worst"))
            took.append(1000 * (time.monotonic() - began))
        yield Claim.at_most("filtered page of 10,000, p95, ms", quantiles(took, n=20)[-1], 100)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Claim.at_most("peak memory, making the run included, MB", peak, 300)
    size = sum(path.stat().st_size for path in WEB.iterdir()) / 1000
    yield Claim.at_most("the viewer's own files, kB", size, 250)

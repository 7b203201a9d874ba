"""What broke when others tried it: every kind of fault stays mended."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.claims.claim import Claim
from tests.claims.experts.test_runs import ROOT, pytest_outcome
from tests.claims.found import lenient, serving

TESTS = {
    "images and videos, whole and broken, through every door": (
        "tests/memory/test_images.py",
        "tests/memory/test_videos.py",
        "tests/services/test_images.py",
        "tests/benchmarks/test_upright.py",
        "tests/benchmarks/test_loaders_pictures.py",
    ),
    "135 model replies through the real loop": ("tests/agent/test_replies.py",),
    "keys, proxies, bounds and foreign tools": (
        "tests/agent/test_environment.py",
        "tests/agent/test_bounds.py",
        "tests/agent/test_mcp_untrusted.py",
    ),
    "81 tables of rows through `surveyor load`": ("tests/benchmarks/test_rows_replayed.py",),
    "79 troublesome requests against every expert": ("tests/services/test_request_seeds.py",),
    "20 double starts: no first run is killed": ("tests/scripts/test_double_start.py",),
    "published benchmarks: load, run without tools, score": ("tests/scripts/test_run_loaded.py",),
    "blobs, caches, locks, paths and names heal or refuse": (
        "tests/memory/test_blobs.py",
        "tests/tools/test_cache_damage.py",
        "tests/memory/test_locks.py",
        "tests/memory/test_paths.py",
        "tests/memory/test_names.py",
    ),
    "what a planner may know: no table of objects where there is something to look at": (
        "tests/scripts/test_offered.py",
        "tests/services/test_table_errors.py",
    ),
}
"""Corpora under ``tests/fixtures`` and what the attacks were: each row is a test run."""


def measure() -> Iterator[Claim]:
    """About ten minutes on two quiet cores."""
    yield from lenient.measure()
    yield from serving.measure()
    for name, files in TESTS.items():
        yield pytest_outcome([sys.executable], files, ROOT).claim(name)

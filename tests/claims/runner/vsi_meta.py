"""Real scanned scenes: the official rules against our measuring, over HTTP."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.run import Job
from surveyor.compose.session import finish, reference_experts
from tests.claims.claim import Claim

META = "SURVEYOR_VSI_META"
BESIDE = Path(__file__).resolve().parents[4] / "shared" / "data" / "vsi_meta"


def metadata() -> Path | None:
    """VSI-Bench's metadata: ``SURVEYOR_VSI_META``, or beside the checkout, or nowhere."""
    given = os.environ.get(META)
    found = Path(given) if given else BESIDE
    return found if found.is_dir() else None


def real_scenes(folder: Path) -> Iterator[Claim]:
    """Must-show 3."""
    source = metadata()
    if source is None:
        yield Claim.holds("VSI-Bench metadata is at hand", False, note=f"set {META} to its folder")
        return
    from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset

    dataset = folder / "dataset"
    manifest = make_vsi_meta_dataset(dataset, source)
    config = RunConfig(dataset="vsi-meta", concurrency=16)
    with reference_experts(dataset, "perfect", folder / "experts") as endpoints:
        began = time.monotonic()
        report = finish(Job(dataset, folder / "run", config, endpoints, folder / "cache"))
        elapsed = time.monotonic() - began
    asked = report.tally.scheduled
    yield Claim.at_least("vsi-meta: scenes", len(manifest.scenes), 288)
    yield Claim.at_least("vsi-meta: questions", asked, 3000)
    yield Claim.at_least("vsi-meta: mean score, by construction", report.overall.value / 100, 0.97)
    for row in report.types:
        yield Claim.holds(
            f"vsi-meta: {row.question_type}",
            True,
            f"{row.score.value:.1f}",
            f"{row.tally.scheduled} questions, published {OFFICIAL.get(row.question_type, '-')}",
        )
    yield Claim.at_least(
        "vsi-meta: questions/s with HTTP, log, scoring and report", asked / elapsed, 50
    )


OFFICIAL = {
    "object_counting": 565,
    "object_abs_distance": 834,
    "object_size_estimation": 953,
    "room_size_estimation": 288,
    "object_rel_distance": 710,
    "object_rel_direction_easy": 217,
    "object_rel_direction_medium": 378,
    "object_rel_direction_hard": 373,
}
"""Questions of each type in the published benchmark (arXiv 2412.14171)."""

"""Claims on real places: captured rooms beside embedded ones, and depth in metres.

Packages are fetched by their ordinary clients (docs/real.md); what cannot be had is said in a row.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tests.claims.claim import Claim
from tests.claims.runner.rooms import answered
from tests.claims.skills import captured
from tests.real import fetch

EMBEDDED = range(8700, 8705)
PRESETS = ("perfect", "realistic")


def measure() -> Iterator[Claim]:
    """Every row; about ten minutes on two quiet cores."""
    with tempfile.TemporaryDirectory(prefix="surveyor-claims-") as name:
        for part in (captured_rooms, captured_lift, metric_depth):
            try:
                yield from part(Path(name))
            except fetch.NotHad as reason:
                yield Claim.holds(f"real: {part.__name__}", False, note=str(reason))


def captured_rooms(folder: Path) -> Iterator[Claim]:
    """Must-show 1: five captured rooms by table and by frames, beside five embedded rooms."""
    from surveyor.compose.demo import make_rooms
    from surveyor.scenes.datasets.embedded import RoomsSettings
    from surveyor.scenes.datasets.scans import SPLITS, make_scans_dataset, scan_settings
    from surveyor.scenes.formats.webxr import read_webxr

    rooms = read_webxr(fetch.captures())
    for split in SPLITS:
        make_scans_dataset(folder / split, rooms, settings=scan_settings(split))
    make_rooms(folder / "embedded", EMBEDDED, RoomsSettings(balance=False, light_rays=1))
    table = answered(folder / "table", folder, "perfect", "plain", name="table-run")
    asked = table.tally.scheduled
    yield Claim.at_least("captured rooms: questions by the official rules", asked, 60, "five rooms")
    yield Claim.at_least("captured rooms, object table: score", table.overall.value, 100)
    bounds = {"official": (80, 45), "recoverable": (92, 55), "embedded": (98, 70)}
    for place, bound in bounds.items():
        for preset, least in zip(PRESETS, bound, strict=True):
            run = answered(folder / place, folder, preset, "plain", name=f"{place}-{preset}")
            title = "embedded rooms" if place == "embedded" else f"captured rooms, {place}"
            types = ", ".join(f"{t.question_type} {t.score.value:.0f}" for t in run.types)
            note = f"{run.tally.scheduled} questions: {types}"
            yield Claim.at_least(
                f"{title}, frames, {preset} experts", run.overall.value, least, note
            )


def captured_lift(folder: Path) -> Iterator[Claim]:
    """Must-show 1: skills' lift in captured rooms with its interval."""
    from surveyor.scenes.formats.webxr import read_webxr

    yield from captured.lift(folder / "lift", read_webxr(fetch.captures()))


def metric_depth(folder: Path) -> Iterator[Claim]:
    """Must-show 2: every depth route that has weights here, beside answers that need no eyes."""
    from surveyor.services.contract import RightView
    from surveyor.services.depth_check import judge_depth, read_pair, trivial
    from surveyor.services.images import inline

    del folder
    pair = read_pair(fetch.depth_pair())
    for title, guess in trivial(pair.depth):
        score = judge_depth(guess, pair.depth)
        note = f"delta1 {score.delta1:.1%}, scale {score.scale:.3f}"
        yield Claim.at_least(f"trivial depth, {title}: abs-rel", score.abs_rel, 0.1, note)
    try:
        from surveyor.services.stereo.depth import stereo_depth

        left, right = (
            np.asarray(Image.open(io.BytesIO(d)).convert("RGB")) for d in (pair.left, pair.right)
        )
        eyes = RightView(image=inline(left[:8, :8]), baseline=pair.baseline, offset=pair.offset)
        found = stereo_depth(left, right, pair.focal, eyes)
    except ImportError:
        yield Claim.holds("stereo depth", False, note="OpenCV is not installed: extra `stereo`")
        return
    score = judge_depth(found, pair.depth)
    yield Claim.at_most("stereo depth: median error", score.median, 0.005)
    yield Claim.at_most("stereo depth: abs-rel", score.abs_rel, 0.03)
    yield Claim.at_least("stereo depth: delta1", score.delta1, 0.95)
    yield Claim.at_most("stereo depth: |scale - 1|", abs(score.scale - 1), 0.005)
    yield Claim.at_least("stereo depth: share of true pixels answered", score.covered, 0.75)

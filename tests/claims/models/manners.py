"""The `program` planner on questions in the manner of CV-Bench, BLINK, MMSI, and of actions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from surveyor.benchmarks.report.record import RunReport
from surveyor.compose.demo import make_rooms
from surveyor.memory.runs import RunFolder
from tests.claims.claim import Claim
from tests.claims.runner.rooms import answered

MANNERS = {
    "CV-Bench 3D": ("cvbench3d_depth", "cvbench3d_distance"),
    "BLINK": ("blink_relative_depth", "blink_multi_view"),
    "MMSI": (
        "mmsi_camera_camera",
        "mmsi_camera_object",
        "mmsi_object_object",
        "mmsi_camera_region",
        "mmsi_object_region",
        "mmsi_region_region",
    ),
    "anchors": ("roomplan_action",),
    "reasoning masks": ("reason_seg",),
}
PICTURED = tuple(name for names in MANNERS.values() for name in names)
BOUND = {"CV-Bench 3D": 95.0, "BLINK": 95.0, "MMSI": 95.0}
"""Scores that perfect experts must bring; the other manners are told without a bound."""


def manners(folder: Path, seeds: Sequence[int]) -> Iterator[Claim]:
    """Scores and guesses of every manner, with perfect and with realistic experts."""
    from surveyor.scenes.datasets.embedded import RoomsSettings

    dataset = folder / "manners"
    settings = RoomsSettings(n_frames=24, light_rays=1, types=PICTURED, per_type=2, balance=False)
    make_rooms(dataset, seeds, settings)
    for preset in ("perfect", "realistic"):
        report = answered(dataset, folder, preset, "plain")
        guessed = _guesses(RunFolder.open(folder / f"{preset}-plain"))
        for name, types in MANNERS.items():
            yield from _rows(name, types, preset, report, guessed)


def _rows(
    name: str, types: Sequence[str], preset: str, report: RunReport, guessed: dict[str, int]
) -> Iterator[Claim]:
    rows = [row for row in report.types if row.question_type in types]
    mean = sum(row.score.value for row in rows) / max(len(rows), 1)
    parts = ", ".join(
        f"{row.question_type} {row.score.value:.1f} "
        f"[{row.score.low or 0:.0f}, {row.score.high or 0:.0f}]"
        for row in rows
    )
    bound = BOUND.get(name, 0.0) if preset == "perfect" else 0.0
    yield Claim.at_least(f"program, {name}, {preset} experts", mean, bound, parts)
    guesses = sum(guessed.get(one, 0) for one in types)
    if preset == "perfect" and name in BOUND:
        yield Claim.at_most(f"program, {name}, {preset} experts: guesses", guesses, 0)


def _guesses(folder: RunFolder) -> dict[str, int]:
    """Guessed answers of a run by question type."""
    found: dict[str, int] = {}
    for task, epoch in folder.scheduled():
        episode = folder.episode(task.id, epoch)
        if episode is not None and episode.given is not None and episode.given.guess:
            found[task.question_type] = found.get(task.question_type, 0) + 1
    return found

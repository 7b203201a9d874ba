"""RoomPlan's actions and geometry: C1 to C4, and C6 where torch is installed.

C4 is measured with reference experts through the program planner, the tools and the services; the
presets err as their names say. Nothing here is a neural result.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np

from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.compose.demo import make_rooms
from surveyor.compose.run import Job
from surveyor.compose.session import finish, reference_experts
from surveyor.core.anchor_actions import AnchorAction, faults
from surveyor.core.dataset import Dataset
from surveyor.core.geometry_tokens import view_geometry
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.embedded import RoomsSettings
from surveyor.scenes.datasets.roomplan import make_roomplan_dataset
from surveyor.scenes.datasets.truth import frame_maps, scene_truth, targets
from surveyor.scenes.formats.arkitscenes import read_arkit_rows
from surveyor.scenes.formats.registry import export_dataset
from tests.claims.claim import Claim

ROOMS = range(6100, 6104)
SETTINGS = RoomsSettings(light_rays=1, types=("roomplan_action",), per_type=3, balance=False)
_NOISE = "perfect:reconstruct.step={step},reconstruct.turn={turn}"
PRESETS = {
    "perfect": "perfect",
    "cameras off 1 cm a joint": _NOISE.format(step=0.01, turn=0.003),
    "cameras off 4 cm a joint": _NOISE.format(step=0.04, turn=0.012),
    "cameras off 16 cm a joint": _NOISE.format(step=0.16, turn=0.048),
}
"""From exact to bad. The other presets reconstruct in axes of their own, as networks do from frames
alone: there no anchor can be compared with the scene's axes, whatever its quality."""
_METRIC = metric_named("roomplan")


def measure() -> Iterator[Claim]:
    """Rows of the proofs, each as soon as it is measured."""
    yield from metrics()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_rooms(folder / "rooms", ROOMS, SETTINGS)
        yield from tokens(folder / "rooms")
        yield from suite(folder)
        yield from placed(folder)
    if find_spec("torch") is not None:
        yield from projector()


def tokens(dataset: Path) -> Iterator[Claim]:
    """C1: what a token says of filmed frames, and that it tells scales apart."""
    worst = off = 0.0
    least = np.inf
    for name in Dataset.open(dataset).manifest.scenes:
        truth = scene_truth(dataset, name)
        for index, camera in enumerate(truth.cameras):
            depth = frame_maps(dataset, name, index).depth
            told = view_geometry(camera, depth)
            R = np.array(told.R).reshape(3, 3)
            worst = max(worst, float(np.abs(R @ R.T - np.eye(3)).max()))
            off = max(off, abs(sum(told.depth_hist) - 1))
            twice = view_geometry(camera, depth * np.float32(2))
            least = min(least, float(np.abs(np.subtract(told.depth_hist, twice.depth_hist)).sum()))
    yield Claim.at_most("C1 rotations' distance from orthonormal", worst, 1e-6)
    yield Claim.at_most("C1 histograms' distance from sum 1", off, 1e-9)
    note = "of 2, the least over all frames; a room twice as large"
    yield Claim.at_least("C1 histogram mass that doubling the scale moves", least, 0.2, note)


def suite(folder: Path) -> Iterator[Claim]:
    """C2: a suite from ARKitScenes' layout, some rows of it damaged."""
    export_dataset(folder / "rooms", folder / "arkit", "arkitscenes")
    damaged = 0
    worst = 0.0
    for name in Dataset.open(folder / "rooms").manifest.scenes:
        file = folder / "arkit" / name / f"{name}_3dod_annotation.json"
        truth = scene_truth(folder / "rooms", name)
        found, _ = read_arkit_rows(file, name)
        for ours, theirs in zip(truth.objects, found, strict=True):
            worst = max(worst, float(np.abs(ours.box.corners() - theirs.box.corners()).max()))
        whole = json.loads(file.read_text())
        whole["data"][0]["segments"] = {}
        whole["data"][1]["segments"]["obb"]["axesLengths"] = [0, 1, 1]
        whole["data"][1]["segments"].pop("obbAligned")
        file.write_text(json.dumps(whole))
        damaged += 2
    _, rejected = make_roomplan_dataset(folder / "arkit", folder / "suite", views=10)
    boxes = [row for row in rejected if "box" in row.reason or "obb" in row.reason]
    yield Claim.at_most("C2 corners' distance from the rooms' own, metres", worst, 0.001)
    missed = damaged - len(boxes)
    note = f"{damaged} damaged, {len(rejected)} rejected with a reason"
    yield Claim.at_most("C2 damaged rows that were not rejected", missed, 0, note)
    asked = list(
        zip(Dataset.open(folder / "suite").tasks(), targets(folder / "suite"), strict=True)
    )
    listed = [target.payload["admissible"] for _, target in asked]
    bad = sum(bool(faults(one)) for actions in listed for one in actions)  # type: ignore[union-attr]
    unique = sum(len(actions) == 1 for actions in listed)  # type: ignore[arg-type]
    note = f"{len(asked)} instructions, {unique} with one target"
    yield Claim.at_most("C2 admissible actions that are not whole", bad, 0, note)
    texts = {(task.scene_id, task.question) for task, _ in asked}
    yield Claim.at_most("C2 instructions asked twice of a scene", len(asked) - len(texts), 0)


def metrics() -> Iterator[Claim]:
    """C3: the truth passes everything, each fault fails what it is named by, tricks score 0."""
    truth = AnchorAction("s", (1.0, 2.0, 0.5), (0.0, 1.0, 0.0), (0.5, 1.0, 0.8)).record()
    whole = _scored(json.dumps(truth), truth)
    yield Claim.holds("C3 the truth is whole and exact", set(whole.values()) == {1.0})
    wrong = {
        "valid_json": "put it at the table",
        "keys": json.dumps({k: v for k, v in truth.items() if k != "extent"}),
        "arity": json.dumps({**truth, "center": [0.5, 0.5]}),
        "schema": json.dumps({**truth, "normal": [0, 2, 0]}),
        "scene_match": json.dumps({**truth, "scene": "other"}),
    }
    failed = [name for name, text in wrong.items() if _scored(text, truth)[name] == 0]
    yield Claim.at_least("C3 faults that fail the part they are named by", len(failed), len(wrong))
    tricks = ("", "a", "place_anchor", "[1, 2, 3]", json.dumps(truth)[:-1])
    best = max(max(_scored(text, truth).values()) for text in tricks)
    yield Claim.at_most("C3 the most that partial-match tricks score", best, 0.0)


def _scored(prediction: str, truth: Mapping[str, object]) -> dict[str, float]:
    return dict(_METRIC.score({"admissible": [truth], "prediction": prediction}).values)


def placed(folder: Path) -> Iterator[Claim]:
    """C4: anchors by the program planner and the services, from exact experts to bad ones."""
    errors = []
    for name, preset in PRESETS.items():
        rows = _errors(folder, preset)
        errors.append(float(np.mean(rows)))
        note = (
            f"mean of {len(rows)}, a missing one counts 1 m; median {100 * np.median(rows):.2f} cm"
        )
        if preset == "perfect":
            worst = float(np.max(rows))
            yield Claim.at_most("C4 perfect experts: anchors that are missing", _missing(rows), 0)
            yield Claim.at_most("C4 perfect experts: centre error, cm", 100 * errors[0], 1.0, note)
            note = f"worst {100 * worst:.2f} cm"
            within = float(np.mean(np.array(rows) < 0.01))
            yield Claim.at_least("C4 perfect experts: share within 1 cm", within, 0.9, note)
        else:
            yield Claim(f"C4 {name}: centre error, cm", 100 * errors[-1], "", True, note)
    grows = all(a < b for a, b in pairwise(errors))
    said = " < ".join(f"{100 * value:.1f}" for value in errors)
    yield Claim.holds("C4 the error grows with the experts' noise", grows, note=f"{said} cm")


def _missing(rows: list[float]) -> int:
    return sum(row >= 1.0 for row in rows)


def _errors(folder: Path, preset: str) -> list[float]:
    """Metres between each anchor and its nearest admissible target, at most 1."""
    number = list(PRESETS.values()).index(preset)
    dataset, run = folder / "rooms", folder / f"anchors-{number}"
    config = RunConfig(dataset=str(dataset), expert_options={"preset": preset})
    with reference_experts(dataset, preset, folder / f"x-{number}") as endpoints:
        finish(Job(dataset, run, config, endpoints, folder / "cache"))
    answers = {target.task_id: target for target in targets(dataset)}
    found = []
    opened = RunFolder.open(run)
    for task, epoch in opened.scheduled():
        episode = opened.episode(task.id, epoch)
        said = episode.given.text if episode is not None and episode.given is not None else ""
        row = {"admissible": answers[task.id].payload["admissible"], "prediction": said}
        found.append(1 - _METRIC.score(row).values["center_close"])
    return found


def projector() -> Iterator[Claim]:
    """C6, tiny: that the road is whole, not what VGGT and Qwen3-4B would score."""
    import subprocess
    import sys

    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-m",
        "models",
        "tests/models/test_geometry.py",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = (done.stdout.strip().splitlines() or [""])[-1]
    yield Claim.holds(
        "C6 a tiny projector is trained, resumed and decoded", done.returncode == 0, note=last
    )

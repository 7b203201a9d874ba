"""A dataset on disk, its hidden side: answers, exact scenes and exact maps.

For scorers, reference experts and the viewer. The agent's side must never import this module.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue, TypeAdapter, ValidationError

from surveyor.core.blobs import BlobStore, sha256_of
from surveyor.core.dataset import read_bytes, read_manifest
from surveyor.core.errors import UserError
from surveyor.core.negatives import develop
from surveyor.scenes.capture.depth_maps import FrameMaps, decode_maps
from surveyor.scenes.records import SceneTruth
from surveyor.scenes.targets import Target

if TYPE_CHECKING:
    from surveyor.core.geometry import Float
    from surveyor.scenes.capture.visibility import SeenBoxes

TRUTH = "truth"
TARGETS = f"{TRUTH}/targets.jsonl"
FRAMES = f"{TRUTH}/frames.json"
SCENES = f"{TRUTH}/scenes"
CLEAN = f"{TRUTH}/blobs"
POINTS = "points.npy"
FILM = "film.json"
"""Of a scene whose frames are developed on demand: how."""

AlikeRooms = list[list[tuple[float, float, float, float]]]
FrameIndex = dict[str, tuple[str, int]]
_FRAMES: TypeAdapter[FrameIndex] = TypeAdapter(FrameIndex)
_ALIKE: TypeAdapter[AlikeRooms] = TypeAdapter(AlikeRooms)
_FILM: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


def check_truth(path: Path) -> None:
    """`UserError` where the hidden side of a dataset is not there or may not be read."""
    try:
        next((path / SCENES).iterdir(), None)
    except OSError as error:
        raise UserError(
            f"{path / TRUTH}, which experts of the embedded world answer from, cannot be read "
            f"({error.strerror}); put it back, or make the dataset again"
        ) from None


def targets(path: Path) -> list[Target]:
    """Answers of every task, in the order of the tasks."""
    manifest = read_manifest(path)
    data = read_bytes(path / TARGETS)
    if sha256_of(data) != manifest.targets_hash:
        raise UserError(
            f"the answers in {path} were changed since it was made; make the dataset again"
        )
    return [Target.model_validate_json(line) for line in data.splitlines()]


def scene_truth(path: Path, scene_id: str) -> SceneTruth:
    """The exact scene; `UserError` when the dataset has no such scene or its file is damaged."""
    if scene_id not in read_manifest(path).scenes:
        raise UserError(f"the dataset in {path} has no scene {scene_id!r}")
    return load_truth(path, scene_id)


def scene_truths(path: Path) -> list[SceneTruth]:
    """Every exact scene of a dataset, in its order."""
    return [load_truth(path, name) for name in read_manifest(path).scenes]


def load_truth(path: Path, scene_id: str) -> SceneTruth:
    """The exact scene of a folder that may still be in the making."""
    file = path / SCENES / scene_id / "truth.json"
    try:
        truth = SceneTruth.model_validate_json(read_bytes(file))
    except ValidationError as error:
        raise UserError(
            f"{file} is damaged ({error.error_count()} faults); make the dataset again"
        ) from None
    if truth.scene_id != scene_id:  # exports name files after it
        raise UserError(
            f"{file} is about another scene, {truth.scene_id!r}; make the dataset again"
        )
    return truth


def load_seen(path: Path, scene_id: str) -> SeenBoxes | None:
    """What exact perception of a scene's frames gets; ``None`` where it was not worked out."""
    from surveyor.scenes.capture.visibility import (
        SeenBoxes,  # brings scipy.spatial, which an expert never needs
    )

    file = path / SCENES / scene_id / "seen.json"
    return SeenBoxes.model_validate_json(read_bytes(file)) if file.exists() else None


def scan_points(path: Path, scene_id: str) -> Float | None:
    """The scan's vertices (n, 3) in metres that masks are told in; ``None`` where none are kept."""
    file = path / SCENES / scene_id / POINTS
    if not file.exists():
        return None
    import numpy as np

    try:
        points: Float = np.load(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{file} is damaged ({error}); make the dataset again") from None
    return points


def maps_path(path: Path, scene_id: str, index: int) -> Path:
    """Where the exact maps of one frame lie."""
    return path / SCENES / scene_id / f"{index:05d}.maps"


def frame_maps(path: Path, scene_id: str, index: int) -> FrameMaps:
    """Exact depth and ids of one frame; of a long walk they are made when first wanted."""
    file = maps_path(path, scene_id, index)
    if not file.exists() and (file.parent / FILM).exists():
        develop(path, scene_id, index)
    return decode_maps(read_bytes(file))


def film_of(path: Path, scene_id: str) -> dict[str, JsonValue]:
    """How the frames of a scene are developed; `UserError` where it is not known."""
    file = path / SCENES / scene_id / FILM
    try:
        return _FILM.validate_json(read_bytes(file))
    except ValidationError:
        raise UserError(f"{file} is damaged; make the dataset again") from None


def alike_rooms(path: Path, scene_id: str) -> AlikeRooms:
    """Groups of rooms that are built alike, each as (x0, y0, x1, y1) in metres; none of a scene
    that is a room of its own."""
    if not (path / SCENES / scene_id / FILM).exists():
        return []
    return _ALIKE.validate_python(film_of(path, scene_id).get("alike", []))


def frame_index(path: Path) -> FrameIndex:
    """Scene id and frame index by sha256 of the frame's bytes, for experts that are sent pixels."""
    try:
        return _FRAMES.validate_json(read_bytes(path / FRAMES))
    except ValidationError:
        raise UserError(f"{path / FRAMES} is damaged; make the dataset again") from None


def clean_blobs(path: Path) -> BlobStore:
    """The undegraded twins of degraded frames."""
    return BlobStore(path / CLEAN)

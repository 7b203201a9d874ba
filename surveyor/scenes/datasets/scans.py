"""Datasets of scanned rooms: filmed from their own mesh, asked by the official rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from surveyor.core.dataset import DatasetManifest
from surveyor.core.errors import UserError
from surveyor.core.geometry import Intrinsics
from surveyor.scenes.capture.depth_maps import FrameMaps
from surveyor.scenes.capture.rendering import HFOV, encode_jpeg
from surveyor.scenes.capture.trajectory import CameraTrajectory, plan_on
from surveyor.scenes.capture.visibility import fuse, objects_in
from surveyor.scenes.datasets.embedded import FPS, Side
from surveyor.scenes.datasets.writer import (
    DatasetPlan,
    EncodedFrame,
    Progress,
    SceneBundle,
    write_dataset,
)
from surveyor.scenes.questions.asking import PER_SCENE
from surveyor.scenes.questions.vsi import MEASURED_TYPES
from surveyor.scenes.records import SceneTruth
from surveyor.scenes.rooms.free_space import polygon_area
from surveyor.scenes.scans.film import ScanFilm
from surveyor.scenes.scans.room import ScannedRoom
from surveyor.scenes.scans.stage import stage_of


class ScanSettings(BaseModel):
    """How scans are filmed and asked about. Without frames (0) only the table of objects is known.

    ``recoverable`` keeps only the questions that exact perception of the mesh answers as the
    labelled boxes do, which is the filter that embedded rooms pass; published benchmarks have none.
    ``types`` are VSI-Bench's. ``walk`` numbers the ways through a room: another number films it
    along another one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_frames: int = Field(default=24, ge=0, le=512)
    size: tuple[Side, Side] = (480, 360)
    per_type: int = Field(default=PER_SCENE, ge=1)
    recoverable: bool = False
    types: tuple[str, ...] = MEASURED_TYPES
    walk: int = Field(default=0, ge=0)


SPLITS = ("official", "recoverable", "table")


def scan_settings(split: str | None = None, n_frames: int | None = None) -> ScanSettings:
    """Settings by the name of a split: ``official`` asks by the published rules, ``recoverable``
    what the mesh shows, ``table`` films nothing. Raises `UserError` for another name."""
    chosen = split or SPLITS[0]
    if chosen not in SPLITS:
        raise UserError(f"captured rooms have no split {chosen!r}; choose from {', '.join(SPLITS)}")
    frames = ScanSettings().n_frames if n_frames is None else n_frames
    frames = 0 if chosen == "table" else frames
    try:
        return ScanSettings(n_frames=frames, recoverable=chosen == "recoverable")
    except ValueError:
        raise UserError(f"a room is filmed in 1 to 512 frames, not {frames}") from None


def make_scans_dataset(
    path: Path,
    rooms: Sequence[ScannedRoom],
    *,
    settings: ScanSettings | None = None,
    name: str = "webxr",
    split: str = "test",
    seed: int = 0,
    progress: Progress | None = None,
) -> DatasetManifest:
    """Make (or finish) a dataset of these rooms. Raises `UserError` where two share a name."""
    chosen = settings or ScanSettings()
    by_name = {room.scene_id: room for room in rooms}
    if len(by_name) != len(rooms) or not rooms:
        raise UserError("give at least one scanned room, and each name once")
    plan = DatasetPlan(
        name=name,
        generator="scans",
        seed=seed,
        split=split,
        settings=chosen.model_dump(mode="json"),
        scenes=tuple(by_name),
    )
    asker = plan.asker(chosen.types, chosen.per_type)
    return write_dataset(path, plan, lambda key: film_scan(by_name[key], chosen), asker, progress)


def film_scan(room: ScannedRoom, settings: ScanSettings) -> SceneBundle:
    """Film a scan, or only tell its objects where no frames are wanted."""
    if settings.n_frames == 0:
        return SceneBundle(_truth(room, None, ()))
    film = ScanFilm(room)
    intrinsics = Intrinsics.from_hfov(float(HFOV), *settings.size)
    stage = stage_of(room, film, settings.walk)
    trajectory = plan_on(stage, settings.n_frames, intrinsics=intrinsics)
    frames = [film.render(camera) for camera in trajectory.cameras]
    maps = [FrameMaps(frame.depth, frame.ids) for frame in frames]
    seen = None
    if settings.recoverable:
        views = tuple(objects_in(view) for view in maps)
        seen = fuse(trajectory.cameras, maps).measured().model_copy(update={"views": views})
    pictures = tuple(
        EncodedFrame(k / FPS, encode_jpeg(frame.rgb), "image/jpeg", *settings.size, view)
        for k, (frame, view) in enumerate(zip(frames, maps, strict=True))
        if frame.rgb is not None
    )
    return SceneBundle(_truth(room, trajectory, maps), fps=FPS, pictures=pictures, seen=seen)


def _truth(
    room: ScannedRoom, trajectory: CameraTrajectory | None, maps: Sequence[FrameMaps]
) -> SceneTruth:
    outline = tuple((float(x), float(y)) for x, y in room.polygon)
    ids = [item.instance_id for item in room.objects]
    counted = [np.bincount(view.ids.ravel(), minlength=max(ids, default=0) + 1) for view in maps]
    return SceneTruth(
        scene_id=room.scene_id,
        source=room.source,
        rooms=(outline,),
        height=room.height,
        room_area=polygon_area(outline),
        objects=room.objects,
        cameras=trajectory.cameras if trajectory else (),
        visible_pixels=tuple(tuple(int(row[k]) for k in ids) for row in counted),
        capture_style=trajectory.style if trajectory else None,
    )

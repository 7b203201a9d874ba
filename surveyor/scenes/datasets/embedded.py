"""Datasets of procedural rooms: built, filmed, measured and asked about, all from seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from surveyor.core.dataset import DatasetManifest
from surveyor.core.errors import UserError
from surveyor.core.geometry import Intrinsics
from surveyor.scenes.capture.conditions import CapturePlan, Condition, degrade, plan_capture
from surveyor.scenes.capture.depth_maps import FrameMaps
from surveyor.scenes.capture.rendering import HFOV, RenderedFrame, encode_jpeg, renderer
from surveyor.scenes.capture.tone_mapping import CaptureStyle
from surveyor.scenes.capture.trajectory import CameraTrajectory, plan_trajectory
from surveyor.scenes.capture.visibility import fuse, objects_in
from surveyor.scenes.datasets.writer import (
    DatasetPlan,
    EncodedFrame,
    Progress,
    SceneBundle,
    write_dataset,
)
from surveyor.scenes.questions.asking import PER_SCENE, check_types
from surveyor.scenes.questions.vsi import MEASURED_TYPES
from surveyor.scenes.records import SceneTruth
from surveyor.scenes.rooms.layout.floor_plan import Shape
from surveyor.scenes.rooms.light.baking import BakeQuality
from surveyor.scenes.rooms.room import Room, RoomSpec, build_room

FPS = 1.0
Side = Annotated[int, Field(ge=16, le=4096)]


class RoomControls(BaseModel):
    """What every room of a dataset has in common; what is None is drawn from the room's seed.

    See `surveyor.scenes.rooms.room.RoomSpec`, whose names these are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str | None = None
    shape: Shape | None = None
    area: float | None = None
    objects: int | None = None
    clutter: float | None = None
    vocabulary: tuple[str, ...] | None = None

    def spec(self, seed: int) -> RoomSpec:
        """The specification of the room with this seed."""
        words = None if self.vocabulary is None else frozenset(self.vocabulary)
        fields = self.model_dump(exclude={"vocabulary"})
        return RoomSpec(seed, vocabulary=words, **fields)


class RoomsSettings(BaseModel):
    """How rooms are built, filmed and asked about.

    ``size`` is the (width, height) of a frame in pixels; ``conditions`` are taken in turn, room by
    room; ``types`` the question types, each asked up to ``per_type`` times a room. ``balance``
    drops what a blind reader answers too easily. ``light_rays`` (per light sample) and
    ``antialias`` buy beauty with time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_frames: int = Field(default=24, ge=1, le=512)
    size: tuple[Side, Side] = (480, 360)
    conditions: tuple[Condition, ...] = ("clean",)
    types: tuple[str, ...] = MEASURED_TYPES
    per_type: int = Field(default=PER_SCENE, ge=1)
    balance: bool = True
    light_rays: int = Field(default=16, ge=1)
    antialias: bool = False
    controls: RoomControls | None = None

    def spec(self, seed: int) -> RoomSpec:
        """The specification of the room with this seed."""
        return (self.controls or RoomControls()).spec(seed)

    def recorded(self) -> dict[str, JsonValue]:
        """The settings as a dataset's plan keeps them; what was never set is left out."""
        return self.model_dump(mode="json", exclude_none=True)


def make_rooms_dataset(
    path: Path,
    seeds: Sequence[int],
    *,
    settings: RoomsSettings | None = None,
    name: str = "rooms",
    split: str = "test",
    seed: int = 0,
    progress: Progress | None = None,
    workers: int = 1,
) -> DatasetManifest:
    """Make (or finish) a dataset of one room per seed. ``seed`` steers the questions; ``workers``
    as in `write_dataset`."""
    settings = settings or RoomsSettings()
    if not seeds or len(set(seeds)) != len(seeds):
        raise UserError("give at least one room seed, and each seed once")
    check_types(settings.types)
    turn = cycle(settings.conditions)
    planned = {
        scene_name(k): plan_capture(settings.spec(k), condition, settings.n_frames)
        for k, condition in zip(seeds, turn, strict=False)
    }
    plan = DatasetPlan(
        name=name,
        generator="rooms",
        seed=seed,
        split=split,
        settings=settings.recorded(),
        scenes=tuple(planned),
    )
    return write_dataset(
        path,
        plan,
        partial(_capture_planned, planned, settings),
        plan.asker(settings.types, settings.per_type, balance=settings.balance),
        progress,
        workers=workers,
    )


def _capture_planned(
    planned: Mapping[str, CapturePlan], settings: RoomsSettings, scene_id: str
) -> SceneBundle:
    return capture_room(scene_id, planned[scene_id], settings)


def scene_name(seed: int) -> str:
    """The scene id of the room with this seed."""
    return f"room_{seed:06d}"


def capture_room(
    scene_id: str, plan: CapturePlan, settings: RoomsSettings, rgb: bool = True
) -> SceneBundle:
    """Build and film a room and measure what its frames show; without ``rgb`` no pictures."""
    room = build_room(plan.spec)
    intrinsics = Intrinsics.from_hfov(float(HFOV), *settings.size)
    trajectory = plan_trajectory(room, plan.n_frames, style=plan.style, intrinsics=intrinsics)
    return capture_along(scene_id, room, trajectory, plan, settings, rgb=rgb)


def capture_along(
    scene_id: str,
    room: Room,
    trajectory: CameraTrajectory,
    plan: CapturePlan,
    settings: RoomsSettings,
    *,
    rgb: bool = True,
) -> SceneBundle:
    """Film a room along a given trajectory, under the conditions of a plan."""
    film = renderer(room)
    if rgb:
        film.shader(BakeQuality(rays=settings.light_rays))
    look = CaptureStyle(antialias=settings.antialias)
    frames = [film.render(camera, rgb, look) for camera in trajectory.cameras]
    maps = [FrameMaps(frame.depth, frame.ids) for frame in frames]
    truth = room_truth(scene_id, room, trajectory, maps)
    seen = fuse(trajectory.cameras, maps).measured()
    return SceneBundle(
        truth=truth.model_copy(update={"conditions": plan.tags}),
        fps=FPS,
        pictures=tuple(map(partial(_picture, plan), range(len(frames)), frames, maps)),
        seen=seen.model_copy(update={"views": tuple(objects_in(view) for view in maps)}),
    )


def room_truth(
    scene_id: str, room: Room, trajectory: CameraTrajectory, maps: Sequence[FrameMaps]
) -> SceneTruth:
    """The exact record of a filmed room."""
    ids = [item.instance_id for item in room.objects]
    counted = [np.bincount(view.ids.ravel(), minlength=max(ids) + 1) for view in maps]
    outline = tuple((float(x), float(y)) for x, y in room.polygon)
    return SceneTruth(
        scene_id=scene_id,
        source="rooms",
        seed=room.spec.seed,
        rooms=(outline,),
        height=room.height,
        room_area=room.area,
        objects=room.objects,
        cameras=trajectory.cameras,
        visible_pixels=tuple(tuple(int(row[k]) for k in ids) for row in counted),
        capture_style=trajectory.style,
    )


def _picture(plan: CapturePlan, index: int, frame: RenderedFrame, maps: FrameMaps) -> EncodedFrame:
    """The encoded frame; where it was degraded, its clean twin goes along."""
    height, width = frame.depth.shape
    data, clean = b"", None
    if frame.rgb is not None:
        steps = plan.steps[index]
        data = encode_jpeg(degrade(frame.rgb, steps, plan.spec.seed * 1000 + index))
        clean = encode_jpeg(frame.rgb) if steps else None
    return EncodedFrame(index / FPS, data, "image/jpeg", width, height, maps, clean)

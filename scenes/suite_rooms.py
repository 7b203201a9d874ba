"""Suites of procedural rooms: built, filmed, measured and asked about, all from seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from memory.errors import UserError
from scenes.camera import HFOV, RenderedFrame, encode_jpeg, render_frame
from scenes.geometry import Intrinsics
from scenes.maps import FrameMaps
from scenes.questions.vsi import MEASURED_TYPES, PER_SCENE, ask
from scenes.records import SceneTruth
from scenes.room import Room, RoomSpec, build_room
from scenes.seen import fuse
from scenes.suite import SuiteManifest
from scenes.suite_write import Picture, Progress, SceneBundle, SuitePlan, write_suite
from scenes.walk import Walk, plan_walk

FPS = 1.0


class RoomsSettings(BaseModel):
    """How rooms are filmed and asked about.

    ``size`` is the (width, height) of a frame in pixels; ``types`` the question types, each asked
    up to ``per_type`` times a room. ``balance`` drops what a blind reader answers too easily.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_frames: int = Field(default=24, ge=1, le=512)
    size: tuple[int, int] = (480, 360)
    types: tuple[str, ...] = MEASURED_TYPES
    per_type: int = Field(default=PER_SCENE, ge=1)
    balance: bool = True


def make_rooms_suite(
    path: Path,
    seeds: Sequence[int],
    *,
    settings: RoomsSettings | None = None,
    name: str = "rooms",
    split: str = "test",
    seed: int = 0,
    progress: Progress | None = None,
) -> SuiteManifest:
    """Make (or finish) a suite of one room per seed. ``seed`` steers the questions."""
    settings = settings or RoomsSettings()
    if not seeds or len(set(seeds)) != len(seeds):
        raise UserError("give at least one room seed, and each seed once")
    specs = {scene_name(k): RoomSpec(k) for k in seeds}
    plan = SuitePlan(
        name=name,
        generator="rooms",
        seed=seed,
        split=split,
        settings=settings.model_dump(mode="json"),
        scenes=tuple(specs),
    )
    return write_suite(
        path,
        plan,
        lambda scene_id: film_room(scene_id, build_room(specs[scene_id]), settings),
        partial(
            ask,
            suite=name,
            split=split,
            seed=seed,
            per_type=limits(settings),
            balance=settings.balance,
        ),
        progress,
    )


def scene_name(seed: int) -> str:
    """The scene id of the room with this seed."""
    return f"room_{seed:06d}"


def limits(settings: RoomsSettings) -> Mapping[str, int | None]:
    """Questions per type, as `ask` wants them."""
    return dict.fromkeys(settings.types, settings.per_type)


def film_room(scene_id: str, room: Room, settings: RoomsSettings, rgb: bool = True) -> SceneBundle:
    """Film a room and measure what its frames show; without ``rgb`` there are no pictures."""
    intrinsics = Intrinsics.from_hfov(float(HFOV), *settings.size)
    walk = plan_walk(room, settings.n_frames, intrinsics=intrinsics)
    frames = [render_frame(room, camera, rgb=rgb) for camera in walk.cameras]
    maps = [FrameMaps(frame.depth, frame.ids) for frame in frames]
    return SceneBundle(
        truth=room_truth(scene_id, room, walk, maps),
        fps=FPS,
        pictures=tuple(
            _picture(k, f, m) for k, (f, m) in enumerate(zip(frames, maps, strict=True))
        ),
        seen=fuse(walk.cameras, maps).measured(),
    )


def room_truth(scene_id: str, room: Room, walk: Walk, maps: Sequence[FrameMaps]) -> SceneTruth:
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
        cameras=walk.cameras,
        visible_pixels=tuple(tuple(int(row[k]) for k in ids) for row in counted),
        capture_style=walk.style,
    )


def _picture(index: int, frame: RenderedFrame, maps: FrameMaps) -> Picture:
    height, width = frame.depth.shape
    data = b"" if frame.rgb is None else encode_jpeg(frame.rgb)
    return Picture(index / FPS, data, "image/jpeg", width, height, maps)

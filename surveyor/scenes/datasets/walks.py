"""Datasets of long walks: places of many rooms, filmed in hundreds of frames, developed on demand.

Making one builds the place, plans the walk and traces which objects every frame shows, so that
questions are asked as exactly as of a single room; no picture is made. The frames' blobs are
negatives (`surveyor.core.negatives`): only what somebody looks at is ever rendered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from surveyor.core.blobs import sha256_of
from surveyor.core.cameras import Camera
from surveyor.core.dataset import DatasetManifest
from surveyor.core.errors import UserError
from surveyor.core.geometry import Intrinsics
from surveyor.core.negatives import negative
from surveyor.scenes.capture.depth_maps import FrameMaps
from surveyor.scenes.capture.long_walk import plan_walk
from surveyor.scenes.capture.rendering import HFOV, Renderer, renderer
from surveyor.scenes.capture.visibility import fuse
from surveyor.scenes.datasets.embedded import Side
from surveyor.scenes.datasets.writer import (
    DatasetPlan,
    EncodedFrame,
    Progress,
    SceneBundle,
    write_dataset,
)
from surveyor.scenes.questions import vsi
from surveyor.scenes.questions.asking import PER_SCENE
from surveyor.scenes.records import SceneTruth
from surveyor.scenes.rooms.light.baking import BakeQuality
from surveyor.scenes.rooms.place import PlaceSpec, alike_in, build_place
from surveyor.scenes.rooms.room import Room

FPS = 2.0
FUSED = 5
"""Every fifth frame is fused for what exact perception gets of a walk: neighbours show the same,
and to ask less than could be asked is the safe side."""
REPEATING = "repeating"
"""The tag of places whose rooms are alike."""
VERSION = 1
"""Counts changes of how a negative is developed."""


class WalkSettings(BaseModel):
    """How places are built, walked through and asked about.

    ``size`` is the (width, height) of a frame in pixels; ``rooms`` besides the corridor and
    ``repeating`` are drawn from a place's seed where they are None; ``types`` must be of
    VSI-Bench's ten. ``light_rays`` as in `surveyor.scenes.datasets.embedded.RoomsSettings`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_frames: int = Field(default=360, ge=32, le=4096)
    size: tuple[Side, Side] = (480, 360)
    rooms: int | None = None
    repeating: bool | None = None
    types: tuple[str, ...] = vsi.MEASURED_TYPES
    per_type: int = Field(default=PER_SCENE, ge=1)
    balance: bool = True
    light_rays: int = Field(default=4, ge=1)

    def place(self, seed: int) -> PlaceSpec:
        """The place with this seed, everything decided."""
        return PlaceSpec(seed, self.rooms, self.repeating).drawn()


def make_walks_dataset(
    path: Path,
    seeds: Sequence[int],
    *,
    settings: WalkSettings | None = None,
    name: str = "walks",
    split: str = "test",
    seed: int = 0,
    progress: Progress | None = None,
) -> DatasetManifest:
    """Make (or finish) a dataset of one place per seed. ``seed`` steers the questions."""
    settings = settings or WalkSettings()
    if not seeds or len(set(seeds)) != len(seeds):
        raise UserError("give at least one seed of a place, and each seed once")
    strange = [kind for kind in settings.types if kind not in vsi.GENERATORS]
    if strange:
        known = ", ".join(vsi.GENERATORS)
        raise UserError(f"walks are not asked {strange[0]!r}; choose from {known}")
    planned = {scene_name(k): k for k in seeds}
    for each in seeds:
        settings.place(each)  # refuses what can't be built before anything is
    plan = DatasetPlan(
        name=name,
        generator="walks",
        seed=seed,
        split=split,
        settings=settings.model_dump(mode="json", exclude_none=True),
        scenes=tuple(planned),
    )
    asker = plan.asker(settings.types, settings.per_type, balance=settings.balance)
    return write_dataset(
        path, plan, lambda scene: film_walk(scene, planned[scene], settings), asker, progress
    )


def scene_name(seed: int) -> str:
    """The scene id of the place with this seed."""
    return f"walk_{seed:06d}"


def film_walk(scene_id: str, seed: int, settings: WalkSettings) -> SceneBundle:
    """Build a place, walk through it and note what every frame shows; no picture is made."""
    spec = settings.place(seed)
    room = build_place(spec)
    intrinsics = Intrinsics.from_hfov(float(HFOV), *settings.size)
    walk = plan_walk(room, settings.n_frames, intrinsics=intrinsics, repeating=bool(spec.repeating))
    film = renderer(room)
    ids = [item.instance_id for item in room.objects]
    shown = tuple(_shown(film, camera, ids) for camera in walk.cameras)
    told = walk.cameras[::FUSED]
    frames = (film.render(camera, rgb=False) for camera in told)
    seen = fuse(told, (FrameMaps(frame.depth, frame.ids) for frame in frames)).measured()
    truth = SceneTruth(
        scene_id=scene_id,
        source="rooms",
        seed=seed,
        rooms=(tuple((float(x), float(y)) for x, y in room.polygon),),
        height=room.height,
        room_area=room.area,
        objects=room.objects,
        cameras=walk.cameras,
        visible_pixels=shown,
        conditions=(REPEATING,) if spec.repeating else (),
        capture_style=walk.style,
    )
    made: dict[str, JsonValue] = {
        "version": VERSION,
        "seed": seed,
        "settings": settings.model_dump(mode="json"),
        "alike": [[[r.x0, r.y0, r.x1, r.y1] for r in group] for group in alike_in(room, spec)],
    }
    salt = sha256_of(f"{truth.model_dump_json()}{made}".encode())[:16]
    pictures = tuple(
        EncodedFrame(k / FPS, negative(scene_id, k, salt), "image/jpeg", *settings.size)
        for k in range(len(walk.cameras))
    )
    return SceneBundle(truth=truth, fps=FPS, pictures=pictures, seen=seen, film=made)


def _shown(film: Renderer, camera: Camera, ids: Sequence[int]) -> tuple[int, ...]:
    """Visible pixels of each object in one frame."""
    found = film.caster.hit(*film.rays(camera))
    instance = film.mesh.instance[found.triangle[found.triangle >= 0]]
    counted = np.bincount(instance, minlength=max(ids, default=0) + 1)
    return tuple(int(counted[k]) for k in ids)


def renderer_of(film: Mapping[str, JsonValue]) -> Renderer:
    """The renderer of a place by what `film_walk` noted, lit as its settings say."""
    settings = WalkSettings.model_validate(film["settings"])
    room: Room = build_place(settings.place(int(str(film["seed"]))))
    made = Renderer(room)
    made.shader(BakeQuality(rays=settings.light_rays, bounces=2, reach=REACH))
    return made


REACH = 5.0
"""Metres to which a source's own light is followed: what is farther away is in another room."""

"""Datasets of captures that come with camera poses and depth: ScanNet, ScanNet++, ARKitScenes.

What can be asked follows from what a capture brings. Poses alone tell where the camera went; boxes
of objects tell what VSI-Bench asks of objects. Which pixels show an object follows from its box and
the measured depth: it is a pixel's point that must lie in the box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from surveyor.core.dataset import DatasetManifest
from surveyor.core.errors import UserError
from surveyor.core.geometry import Depth, Vec2
from surveyor.core.images import opened
from surveyor.scenes.capture.depth_maps import FrameMaps
from surveyor.scenes.capture.visibility import SeenBoxes, objects_in
from surveyor.scenes.datasets.writer import DatasetPlan, EncodedFrame, SceneBundle, write_dataset
from surveyor.scenes.formats.posed_images import PosedView
from surveyor.scenes.questions.asking import PER_SCENE, ask
from surveyor.scenes.questions.vsi import MEASURED_TYPES
from surveyor.scenes.records import SceneObject, SceneTruth
from surveyor.scenes.rooms.free_space import polygon_area

BY_POSES = ("mmsi_camera_camera",)
"""What poses alone answer."""
BY_OBJECTS = tuple(name for name in MEASURED_TYPES if name != "room_size_estimation")
_MARGIN = 0.02


@dataclass(frozen=True, slots=True)
class PosedScene:
    """One capture: its views, and its objects and floor polygons where the layout has them."""

    scene_id: str
    views: tuple[PosedView, ...] = ()
    objects: tuple[SceneObject, ...] = ()
    rooms: tuple[tuple[Vec2, ...], ...] = ()


def make_posed_dataset(
    path: Path, scenes: Sequence[PosedScene], *, name: str, split: str = "test", frames: int = 32
) -> DatasetManifest:
    """Make (or finish) a dataset of these captures with at most ``frames`` views each.

    Raises `UserError` where scenes share a name, and where nothing can be asked.
    """
    by_name = {scene.scene_id: scene for scene in scenes}
    if not scenes or len(by_name) != len(scenes):
        raise UserError("give at least one scene, and each name once")
    types = tuple(dict.fromkeys(kind for scene in scenes for kind in _askable(scene)))
    plan = DatasetPlan(
        name=name,
        generator="posed",
        seed=0,
        split=split,
        settings={"layout": name, "frames": frames, "types": [*types]},
        scenes=tuple(by_name),
    )
    limits = dict.fromkeys(types, PER_SCENE)
    asker = partial(ask, dataset=name, split=split, seed=0, per_type=limits)
    return write_dataset(path, plan, lambda key: _bundle(by_name[key], frames), asker, whole=True)


def _askable(scene: PosedScene) -> tuple[str, ...]:
    """Question types that what a scene brings can answer."""
    measured = MEASURED_TYPES if scene.rooms else BY_OBJECTS
    return (*(measured if scene.objects else ()), *(BY_POSES if scene.views else ()))


def _bundle(scene: PosedScene, frames: int) -> SceneBundle:
    views = _chosen(scene.views, frames)
    maps = [_maps(view, scene.objects) for view in views]
    pictures = tuple(_picture(view, one) for view, one in zip(views, maps, strict=True))
    truth = SceneTruth(
        scene_id=scene.scene_id,
        source="posed",
        rooms=scene.rooms,
        room_area=sum(abs(polygon_area(room)) for room in scene.rooms),
        objects=scene.objects,
        cameras=tuple(view.camera for view in views),
        visible_pixels=tuple(
            _counted(view, one, scene.objects) for view, one in zip(views, maps, strict=True)
        ),
    )
    seen = None
    if views:
        # Boxes are the annotators': nothing is left out for what the depth does not show.
        boxes = {item.instance_id: item.box for item in scene.objects}
        seen = SeenBoxes(boxes=boxes, area=truth.room_area)
        seen = seen.model_copy(update={"views": tuple(objects_in(one) for one in maps)})
    times = [view.time for view in views]
    steps = [late - early for early, late in pairwise(times) if late > early]
    fps = 1 / float(np.median(steps)) if steps else 0.0
    return SceneBundle(truth, fps=fps, pictures=pictures, seen=seen)


def _chosen(views: Sequence[PosedView], most: int) -> tuple[PosedView, ...]:
    """Evenly spread views that have depth, at most so many."""
    whole = [view for view in views if view.depth is not None and (view.depth > 0).any()]
    if views and not whole:
        raise UserError("the capture has no depth images, so nothing in it can be measured")
    if len(whole) <= most:
        return tuple(whole)
    return tuple(whole[int((k + 0.5) * len(whole) / most)] for k in range(most))


def _maps(view: PosedView, objects: Sequence[SceneObject]) -> FrameMaps:
    depth = view.depth if view.depth is not None else np.zeros((1, 1), np.float32)
    return FrameMaps(depth, _ids(view, depth, objects))


def _ids(view: PosedView, depth: Depth, objects: Sequence[SceneObject]) -> NDArray[np.int32]:
    """(H, W) id of the smallest box that holds a pixel's measured point, 0 for none."""
    height, width = depth.shape
    rays = view.camera.intrinsics.resized(width, height).rays()
    points = view.pose.to_world((rays * depth[..., None]).reshape(-1, 3))
    measured = (depth > 0).ravel()
    ids = np.zeros(depth.size, np.int32)
    for item in sorted(objects, key=lambda one: -float(np.prod(one.box.size))):
        ids[item.box.contains(points, _MARGIN) & measured] = item.instance_id
    return ids.reshape(depth.shape)


def _counted(view: PosedView, maps: FrameMaps, objects: Sequence[SceneObject]) -> tuple[int, ...]:
    """Pixels of the picture, which may be larger than its depth, that show each object."""
    intrinsics = view.camera.intrinsics
    scale = intrinsics.width * intrinsics.height / maps.ids.size
    most = max((item.instance_id for item in objects), default=0)
    counts = np.bincount(maps.ids.ravel(), minlength=most + 1)
    return tuple(int(counts[item.instance_id] * scale) for item in objects)


def _picture(view: PosedView, maps: FrameMaps) -> EncodedFrame:
    image = opened(view.image, f"frame {view.index}")
    kind = "image/png" if view.image[:4] == b"\x89PNG" else "image/jpeg"
    return EncodedFrame(view.time, view.image, kind, image.width, image.height, maps)

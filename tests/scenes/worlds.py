"""Small hand-made worlds for tests: no renderer, exact by construction."""

from __future__ import annotations

import numpy as np

from surveyor.core.cameras import Camera
from surveyor.core.geometry import Intrinsics, OrientedBox, Pose
from surveyor.scenes.capture.depth_maps import FrameMaps
from surveyor.scenes.datasets.writer import EncodedFrame, SceneBundle
from surveyor.scenes.records import SceneObject, SceneTruth

FURNITURE = {
    "sofa": ((0.0, -2.0, 0.4), (2.1, 0.9, 0.8)),
    "tv": ((0.3, 2.1, 1.1), (1.2, 0.1, 0.7)),
    "table": ((0.2, 0.1, 0.25), (1.1, 0.6, 0.5)),
    "stove": ((2.2, 1.0, 0.45), (0.6, 0.6, 0.9)),
    "refrigerator": ((-2.0, 1.2, 0.9), (0.7, 0.7, 1.8)),
    "lamp": ((-2.1, -1.9, 0.8), (0.4, 0.4, 1.6)),
    "wall": ((0.0, 3.0, 1.2), (6.0, 0.1, 2.4)),
}
ROOM = ((-2.6, -2.6), (2.6, -2.6), (2.6, 2.6), (-2.6, 2.6))
CHAIRS = ((1.4, -0.6, 0.45), (-1.5, -0.4, 0.45))


def living_room(scene_id: str = "living", n_frames: int = 0) -> SceneTruth:
    """Six unique categories, two chairs and a wall; object ``k`` is seen from frame ``k % n``."""
    boxes = [(name, OrientedBox(center=c, size=s)) for name, (c, s) in FURNITURE.items()]
    boxes += [("chair", OrientedBox.upright(c, (0.5, 0.5, 0.9), 0.4)) for c in CHAIRS]
    objects = tuple(
        SceneObject(instance_id=k + 1, category=name, box=box)
        for k, (name, box) in enumerate(boxes)
    )
    camera = Camera(
        T_world_camera=Pose.look_at(np.array([0.0, 0, 1.5]), np.array([1.0, 0, 1.2])).tolist(),  # type: ignore[arg-type]
        intrinsics=Intrinsics.from_hfov(1.1, 32, 24),
    )
    shown = tuple(
        tuple(60 if (k - i) % n_frames < 2 else 0 for k in range(len(objects)))
        for i in range(n_frames)
    )
    return SceneTruth(
        scene_id=scene_id,
        source="test",
        rooms=(ROOM,),
        room_area=27.04,
        objects=objects,
        cameras=(camera,) * n_frames,
        visible_pixels=shown,
    )


def filmed(scene_id: str, n_frames: int = 3) -> SceneBundle:
    """A living room with frames of a few bytes, maps and clean twins."""
    depth = np.full((24, 32), 2.5, np.float32)
    ids = np.arange(24 * 32, dtype=np.int32).reshape(24, 32) % 9
    pictures = tuple(
        EncodedFrame(
            time=0.5 * k,
            data=f"{scene_id} {k}".encode(),
            media_type="image/jpeg",
            width=32,
            height=24,
            maps=FrameMaps(depth + np.float32(k), ids),
            clean=f"{scene_id} {k} clean".encode(),
        )
        for k in range(n_frames)
    )
    return SceneBundle(living_room(scene_id, n_frames), fps=2.0, pictures=pictures)

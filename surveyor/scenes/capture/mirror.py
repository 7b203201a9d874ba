"""The mirror image of a filmed scene: world x turned round, every picture flipped.

Flipping the pictures and reflecting the truth in the plane x = 0 is exact: a camera's x axis turns
round twice, so poses stay right-handed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import ImageOps

from surveyor.core.cameras import Camera, Mat4
from surveyor.core.geometry import Float, OrientedBox, Vec3
from surveyor.core.images import rgb
from surveyor.scenes.capture.depth_maps import FrameMaps
from surveyor.scenes.capture.rendering import encode_jpeg
from surveyor.scenes.capture.visibility import fuse, objects_in
from surveyor.scenes.datasets.writer import EncodedFrame, SceneBundle
from surveyor.scenes.records import SceneObject, SceneTruth

FLIP = np.diag([-1.0, 1.0, 1.0])


def mirrored_bundle(bundle: SceneBundle, scene_id: str) -> SceneBundle:
    """The mirror twin of a scene, under a new id. Every picture must have its maps."""
    truth = mirrored_truth(bundle.truth, scene_id)
    pictures = tuple(_picture(picture) for picture in bundle.pictures)
    maps = [picture.maps for picture in pictures if picture.maps is not None]
    seen = fuse(truth.cameras, maps).measured()
    views = tuple(objects_in(view) for view in maps)
    return SceneBundle(truth, bundle.fps, pictures, seen.model_copy(update={"views": views}))


def mirrored_truth(truth: SceneTruth, scene_id: str) -> SceneTruth:
    """A scene's truth reflected in the plane x = 0."""
    return truth.model_copy(
        update={
            "scene_id": scene_id,
            "rooms": tuple(tuple((-x, y) for x, y in room[::-1]) for room in truth.rooms),
            "objects": tuple(_object(item) for item in truth.objects),
            "cameras": tuple(_camera(camera) for camera in truth.cameras),
        }
    )


def _object(item: SceneObject) -> SceneObject:
    front = None if item.front is None else _vec(FLIP @ np.array(item.front))
    return item.model_copy(update={"box": _box(item.box), "front": front})


def _box(box: OrientedBox) -> OrientedBox:
    # Reflected axes are left-handed; turning the first one round mends that without moving faces.
    axes = np.array(box.axes) @ FLIP
    axes[0] = -axes[0]
    center = _vec(FLIP @ np.array(box.center))
    return OrientedBox(
        center=center, size=box.size, axes=(_vec(axes[0]), _vec(axes[1]), _vec(axes[2]))
    )


def _camera(camera: Camera) -> Camera:
    T = np.array(camera.T_world_camera)
    T[:3, :3] = FLIP @ T[:3, :3] @ FLIP
    T[:3, 3] = FLIP @ T[:3, 3]
    rows: Mat4 = tuple(tuple(row) for row in T.tolist())  # type: ignore[assignment]
    k = camera.intrinsics
    flipped = k.model_copy(update={"cx": k.width - 1 - k.cx})
    return Camera(T_world_camera=rows, intrinsics=flipped)


def _picture(picture: EncodedFrame) -> EncodedFrame:
    maps = picture.maps
    if maps is not None:
        maps = FrameMaps(maps.depth[:, ::-1].copy(), maps.ids[:, ::-1].copy())
    clean = None if picture.clean is None else _flipped(picture.clean)
    return replace(picture, data=_flipped(picture.data), maps=maps, clean=clean)


def _flipped(data: bytes) -> bytes:
    image = ImageOps.mirror(rgb(data))
    return encode_jpeg(np.asarray(image))


def _vec(values: Float) -> Vec3:
    x, y, z = (float(v) for v in values)
    return x, y, z

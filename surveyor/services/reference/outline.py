"""The outline that a box has in an image, and how much of it the object inside fills."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from surveyor.core.cameras import Camera
from surveyor.core.geometry import Pose
from surveyor.scenes.records import SceneObject, SceneTruth

_LEAST_FILL, _NEAR = 0.15, 0.1


def box_fills(truth: SceneTruth) -> NDArray[np.float64]:
    """For each object the largest share of its projected box that it fills in any frame."""
    fills = np.full(len(truth.objects), _LEAST_FILL)
    for camera, counts in zip(truth.cameras, truth.visible_pixels, strict=False):
        for index, thing in enumerate(truth.objects):
            area = projected_area(camera, thing) if counts[index] else 0.0
            if area:
                fills[index] = max(fills[index], min(1.0, counts[index] / area))
    return fills


def projected_area(camera: Camera, thing: SceneObject) -> float:
    """Pixels of the convex outline of the object's box, as if the image had no border; 0 when
    part of the box is behind the camera."""
    corners = Pose(np.array(camera.T_world_camera)).to_camera(thing.box.corners())
    if corners[:, 2].min() < _NEAR:
        return 0.0
    pixels, _ = camera.intrinsics.project(corners)
    return _hull_area(pixels)


def _hull_area(points: NDArray[np.float64]) -> float:
    """Area of the convex hull (Andrew's monotone chain)."""
    ordered = sorted(map(tuple, points.tolist()))
    area = 0.0
    for way in (ordered, ordered[::-1]):
        chain: list[tuple[float, ...]] = []
        for p in way:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], p) <= 0:
                chain.pop()
            chain.append(p)
        area += sum(a[0] * b[1] - a[1] * b[0] for a, b in pairwise(chain))
    return area / 2


def _turn(a: tuple[float, ...], b: tuple[float, ...], c: tuple[float, ...]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

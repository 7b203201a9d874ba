"""A scene as exact perception would know it: fused from depth, ids and poses, nothing else.

This is the yardstick for generated questions. What cannot be recovered from the frames with
perfect depth and perfect masks is not the agent's fault and should not be asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from surveyor.core.cameras import Camera, Ids
from surveyor.core.geometry import DepthMap, Float, OrientedBox, Pose, Scale
from surveyor.scenes.capture.depth_maps import FrameMaps
from surveyor.scenes.official.measures import alpha_shape_area

AREA_CELL = 0.05
CLOUD_CELL = 0.01
MIN_POINTS = 8


class SeenIn(BaseModel):
    """One object in one image.

    ``box`` (x1, y1, x2, y2) holds its visible pixels, ``pixel`` (u, v) is one of them well inside,
    ``depth`` the z-depth there in metres, ``pixels`` how many there are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    box: tuple[int, int, int, int]
    pixel: tuple[int, int]
    depth: float
    pixels: int


class SeenBoxes(BaseModel):
    """Boxes by instance id as fused from a capture, and the floor area in square metres.

    ``views`` says for each frame which objects are in it and where.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    boxes: dict[int, OrientedBox]
    area: float
    views: tuple[dict[int, SeenIn], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SeenScene:
    """Fused clouds (N, 3) in world metres by instance id, and all points' floor area."""

    clouds: dict[int, Float]
    area: float

    def box(self, instance_id: int) -> OrientedBox | None:
        """The upright box of smallest footprint around what was seen of an object."""
        cloud = self.clouds.get(instance_id)
        if cloud is None or len(cloud) < MIN_POINTS:
            return None
        return upright_box(cloud)

    def measured(self) -> SeenBoxes:
        """Boxes of everything that was seen."""
        fitted = {instance_id: self.box(instance_id) for instance_id in self.clouds}
        return SeenBoxes(boxes={k: b for k, b in fitted.items() if b is not None}, area=self.area)


def fuse(cameras: Sequence[Camera], maps: Iterable[FrameMaps]) -> SeenScene:
    """Fuse the views of one capture. Maps may be smaller than the images of the cameras."""
    gathered: dict[int, list[Float]] = {}
    for camera, view in zip(cameras, maps, strict=True):
        for instance_id, points in _by_instance(camera, view):
            gathered.setdefault(instance_id, []).append(points)
    clouds = {k: _thinned(np.concatenate(parts), CLOUD_CELL) for k, parts in gathered.items()}
    if not clouds:
        return SeenScene({}, 0.0)
    floor = _thinned(np.concatenate(list(clouds.values()))[:, :2], AREA_CELL)
    return SeenScene(clouds, alpha_shape_area(floor))


def objects_in(view: FrameMaps, min_pixels: int = 16) -> dict[int, SeenIn]:
    """Where each instance is in an image; those with fewer than ``min_pixels`` are left out."""
    found: dict[int, SeenIn] = {}
    regions: Sequence[tuple[slice, ...] | None] = ndimage.find_objects(view.ids)
    for label, where in enumerate(regions, start=1):
        if where is None:
            continue
        mask = view.ids[where] == label
        count = int(np.count_nonzero(mask))
        if count < min_pixels:
            continue
        inner = eroded(mask)
        v, u = np.nonzero(inner if inner.any() else mask)
        middle = int(np.hypot(v - v.mean(), u - u.mean()).argmin())
        rows, columns = where
        pixel = int(u[middle]) + columns.start, int(v[middle]) + rows.start
        found[label] = SeenIn(
            box=(columns.start, rows.start, columns.stop - 1, rows.stop - 1),
            pixel=pixel,
            depth=float(view.depth[pixel[1], pixel[0]]),
            pixels=count,
        )
    return found


def eroded(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a mask whose four neighbours are in it too: what ndimage finds, for less."""
    inner = np.zeros_like(mask)
    inner[1:-1, 1:-1] = (
        mask[1:-1, 1:-1] & mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    )
    return inner


def world_points(camera: Camera, view: FrameMaps) -> tuple[Float, Ids]:
    """World points (N, 3) of the measured pixels of a view, and their ids (N,)."""
    height, width = view.depth.shape
    intrinsics = camera.intrinsics.resized(width, height)
    points, measured = DepthMap(view.depth, Scale.METRIC).unproject(intrinsics)
    pose = Pose(np.array(camera.T_world_camera))
    return pose.to_world(points[measured]), view.ids[measured]


def _by_instance(camera: Camera, view: FrameMaps) -> Iterator[tuple[int, Float]]:
    points, ids = world_points(camera, view)
    if not len(ids):
        return
    # Few numbers fit into 16 bits, which are sorted by counting.
    small = np.result_type(np.min_scalar_type(ids.min()), np.min_scalar_type(ids.max()))
    order = np.argsort(ids.astype(small), kind="stable")
    points, ids = points[order], ids[order]
    bounds = [0, *(np.flatnonzero(np.diff(ids)) + 1).tolist(), len(ids)]
    for start, stop in pairwise(bounds):
        yield int(ids[start]), points[start:stop]


def _thinned(points: Float, cell: float) -> Float:
    """The first point of each occupied cell, cell by cell."""
    axes = [np.floor((axis - axis.min()) / cell).astype(np.int64) for axis in points.T.copy()]
    key = np.ravel_multi_index(tuple(axes), tuple(int(axis.max()) + 1 for axis in axes))
    return points[first_of_each(key)]


def first_of_each(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each value of ``keys`` (N,), none of them negative, is first, in the values' order.

    What `np.unique` tells, by sorting value and place as one number: half the time.
    """
    bits = len(keys).bit_length()
    if len(keys) == 0 or int(keys.max()) >> (63 - bits):
        return np.unique(keys, return_index=True)[1]
    both = np.sort((keys << bits) | np.arange(len(keys)))
    values = both >> bits
    new = np.concatenate([[True], values[1:] != values[:-1]])
    first: NDArray[np.int64] = both[new] & ((1 << bits) - 1)
    return first


def upright_box(points: Float) -> OrientedBox:
    """The box standing upright around points (N, 3) whose footprint has the smallest area.

    One side of the smallest rectangle lies along an edge of the convex hull (Freeman and Shapira
    1975), so only the hull's edge directions are tried.
    """
    flat = points[:, :2]
    try:
        hull = flat[ConvexHull(flat).vertices]
    except QhullError:
        hull = flat
    edges = np.roll(hull, -1, axis=0) - hull
    yaws = np.unique(np.round(np.mod(np.arctan2(edges[:, 1], edges[:, 0]), np.pi / 2), 9))
    across = np.stack([np.cos(yaws), np.sin(yaws)], axis=1)
    along = np.stack([-np.sin(yaws), np.cos(yaws)], axis=1)
    u, v = hull @ across.T, hull @ along.T
    extent_u, extent_v = np.ptp(u, axis=0), np.ptp(v, axis=0)
    best = int(np.argmin(extent_u * extent_v))
    middle_u = (u[:, best].max() + u[:, best].min()) / 2
    middle_v = (v[:, best].max() + v[:, best].min()) / 2
    low, high = float(points[:, 2].min()), float(points[:, 2].max())
    x, y = middle_u * across[best] + middle_v * along[best]
    size = (float(extent_u[best]), float(extent_v[best]), high - low)
    return OrientedBox.upright((float(x), float(y), (low + high) / 2), size, float(yaws[best]))

"""How a camera moved between two views."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import Depth, Float, Intrinsics, Pose
from surveyor.tools.geometry.bearings import bearing

_STEP = 4  # every fourth pixel is enough for a middle
_SAME = 0.05  # of the depth: as near as two views of one surface agree
_LEAST_SHARED = 20


@dataclass(frozen=True, slots=True)
class Motion:
    """Displacement along the first camera's level right, up and forward, in its poses' unit.

    ``yaw`` and ``pitch`` are radians: yaw > 0 is a turn to the left, pitch > 0 a turn upwards.
    """

    right: float
    up: float
    forward: float
    yaw: float
    pitch: float

    @property
    def distance(self) -> float:
        """Length of the displacement."""
        return float(np.sqrt(self.right**2 + self.up**2 + self.forward**2))


def camera_motion(start: Pose, end: Pose) -> Motion:
    """Motion in a Z-up world, as a person holding the first camera would say it."""
    heading, later = _heading(start), _heading(end)
    ahead = np.array([np.cos(heading), np.sin(heading), 0.0])
    side = np.array([np.sin(heading), -np.cos(heading), 0.0])
    step = end.position - start.position
    yaw = (later - heading + np.pi) % (2 * np.pi) - np.pi
    pitch = np.arcsin(np.clip(end.forward[2], -1, 1)) - np.arcsin(np.clip(start.forward[2], -1, 1))
    return Motion(float(step @ side), float(step[2]), float(step @ ahead), float(yaw), float(pitch))


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A camera and the z-depth (H, W) of what it sees; 0 where nothing was measured."""

    pose: Pose
    intrinsics: Intrinsics
    depth: Depth


def turn_around(start: Seen, end: Seen) -> float | None:
    """How far the camera went around what both views show: radians, positive = counter-clockwise
    seen from above, so to the right for who looks at it. ``None`` where they show nothing alike."""
    points, same = _shared(start, end)
    if len(points) < _LEAST_SHARED:
        points, same = _shared(end, start)
    # Views from opposite sides show no surface alike, but look at one place.
    both = points[same] if np.count_nonzero(same) >= _LEAST_SHARED else points
    if len(both) < _LEAST_SHARED:
        return None
    middle: Float = np.median(both, axis=0)
    return bearing(middle, start.pose.position, end.pose.position)


def _shared(start: Seen, end: Seen) -> tuple[Float, NDArray[np.bool_]]:
    """(N, 3) points of one view's surface, thinned, that lie in the other's view, and (N,) whether
    it sees them too or something before them."""
    rows, columns = np.nonzero(start.depth[::_STEP, ::_STEP] > 0)
    rows, columns = rows * _STEP, columns * _STEP
    z = start.depth[rows, columns].astype(np.float64)
    camera = start.intrinsics
    local = [(columns - camera.cx) / camera.fx * z, (rows - camera.cy) / camera.fy * z, z]
    points = start.pose.to_world(np.stack(local, axis=1))
    there = end.pose.to_camera(points)
    camera, depth = end.intrinsics, np.maximum(there[:, 2], 1e-6)
    u = np.rint(there[:, 0] / depth * camera.fx + camera.cx)
    v = np.rint(there[:, 1] / depth * camera.fy + camera.cy)
    height, width = end.depth.shape
    inside = (there[:, 2] > 0) & (u >= 0) & (v >= 0) & (u < width) & (v < height)
    seen = end.depth[v[inside].astype(np.int64), u[inside].astype(np.int64)]
    return points[inside], np.abs(seen - depth[inside]) <= _SAME * depth[inside]


def _heading(pose: Pose) -> float:
    return float(np.arctan2(pose.forward[1], pose.forward[0]))

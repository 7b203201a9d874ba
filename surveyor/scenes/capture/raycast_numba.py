"""A portable ray caster: a bounding volume hierarchy traversed by numba on all cores.

It stands in where Embree has no wheel (arm). Importing this module needs numba.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from surveyor.scenes.capture.raycast import Hits

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]
LEAF = 4
DEPTH = 64


class NumbaCaster:
    """The `RayCaster` interface over a median-split hierarchy."""

    def __init__(self, vertices: Float32, triangles: Int32) -> None:
        corners = vertices[triangles].astype(np.float64)
        self._origin = np.ascontiguousarray(corners[:, 0])
        self._edges = np.ascontiguousarray(corners[:, 1:] - corners[:, :1])
        self._low, self._high, self._link, self._order = _build(corners)

    def hit(self, origins: Float32, directions: Float32) -> Hits:
        """See `RayCaster.hit`."""
        triangle, distance, u, v = self._cast(origins, directions, None)
        return Hits(triangle, distance, u, v)

    def occluded(self, origins: Float32, directions: Float32, far: Float32) -> NDArray[np.bool_]:
        """See `RayCaster.occluded`."""
        triangle, _, _, _ = self._cast(origins, directions, far)
        blocked: NDArray[np.bool_] = triangle >= 0
        return blocked

    def _cast(
        self, origins: Float32, directions: Float32, far: Float32 | None
    ) -> tuple[Int32, Float32, Float32, Float32]:
        count = len(directions)
        limits = np.full(count, np.inf) if far is None else np.asarray(far, np.float64)
        found = (
            np.full(count, -1, np.int32), np.full(count, 1e37, np.float32),
            np.zeros(count, np.float32), np.zeros(count, np.float32),
        )  # fmt: skip
        _traverse(
            np.ascontiguousarray(origins, np.float64), np.ascontiguousarray(directions, np.float64),
            limits, far is not None, self._low, self._high, self._link, self._order,
            self._origin, self._edges, *found,
        )  # fmt: skip
        return found


def _build(
    corners: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], Int32, Int32]:
    """Split triangles at the median of the widest axis until leaves hold at most `LEAF`.

    ``link`` rows are (left child, right child) of inner nodes and (-first - 1, count) of leaves.
    """
    low, high, centre = corners.min(axis=1), corners.max(axis=1), corners.mean(axis=1)
    order = np.arange(len(corners))
    lows: list[NDArray[np.float64]] = []
    highs: list[NDArray[np.float64]] = []
    links: list[list[int]] = []
    stack = [(0, len(order), -1, 0)]
    while stack:
        start, stop, parent, side = stack.pop()
        node = len(links)
        own = order[start:stop]
        lows.append(low[own].min(axis=0))
        highs.append(high[own].max(axis=0))
        links.append([-start - 1, stop - start])
        if parent >= 0:
            links[parent][side] = node
        if stop - start <= LEAF:
            continue
        axis = int(np.argmax(np.ptp(centre[own], axis=0)))
        middle = (stop - start) // 2
        order[start:stop] = own[np.argpartition(centre[own, axis], middle)]
        stack.append((start + middle, stop, node, 1))
        stack.append((start, start + middle, node, 0))
    return np.array(lows), np.array(highs), np.array(links, np.int32), order.astype(np.int32)


@numba.njit(parallel=True, cache=True)
def _traverse(  # type: ignore[no-untyped-def]
    origins, directions, limits, anything, low, high, link, order, corner, edges,
    triangle, distance, us, vs,
):  # fmt: skip
    """First hit (or any hit) of every ray, by Moeller and Trumbore's test (JGT 1997)."""
    for ray in numba.prange(len(directions)):
        ox, oy, oz = origins[ray]
        dx, dy, dz = directions[ray]
        best = limits[ray]
        stack = np.empty(DEPTH, np.int32)
        stack[0] = 0
        top = 1
        while top:
            top -= 1
            node = stack[top]
            if not _enters(low[node], high[node], ox, oy, oz, dx, dy, dz, best):
                continue
            first, second = link[node]
            if first >= 0:
                stack[top] = first
                stack[top + 1] = second
                top += 2
                continue
            for k in range(-first - 1, -first - 1 + second):
                t = order[k]
                ex, ey, ez = edges[t, 0]
                fx, fy, fz = edges[t, 1]
                px, py, pz = dy * fz - dz * fy, dz * fx - dx * fz, dx * fy - dy * fx
                det = ex * px + ey * py + ez * pz
                if abs(det) < 1e-14:
                    continue
                sx, sy, sz = ox - corner[t, 0], oy - corner[t, 1], oz - corner[t, 2]
                u = (sx * px + sy * py + sz * pz) / det
                if u < 0 or u > 1:
                    continue
                qx, qy, qz = sy * ez - sz * ey, sz * ex - sx * ez, sx * ey - sy * ex
                v = (dx * qx + dy * qy + dz * qz) / det
                if v < 0 or u + v > 1:
                    continue
                far = (fx * qx + fy * qy + fz * qz) / det
                if 0 < far < best:
                    best = far
                    triangle[ray] = t
                    distance[ray] = far
                    us[ray] = u
                    vs[ray] = v
                    if anything:
                        top = 0
                        break


@numba.njit(inline="always")
def _enters(low, high, ox, oy, oz, dx, dy, dz, best):  # type: ignore[no-untyped-def]
    """Whether a ray meets a box before ``best``."""
    near, far = 0.0, best
    for o, d, a, b in (
        (ox, dx, low[0], high[0]),
        (oy, dy, low[1], high[1]),
        (oz, dz, low[2], high[2]),
    ):
        if d == 0.0:
            if o < a or o > b:
                return False
            continue
        t0, t1 = (a - o) / d, (b - o) / d
        if t0 > t1:
            t0, t1 = t1, t0
        near, far = max(near, t0), min(far, t1)
        if near > far:
            return False
    return True

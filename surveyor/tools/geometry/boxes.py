"""Oriented boxes: the exact distance between two, and fitting one to points."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from surveyor.core.geometry import Float, OrientedBox, Vec3
from surveyor.tools.geometry.discs import disc_of

# Corner signs in the order of `OrientedBox.corners`, and the twelve edges between them.
_SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
_EDGES = np.array(
    [(i, j) for i in range(8) for j in range(i + 1, 8) if (_SIGNS[i] != _SIGNS[j]).sum() == 1]
)


def box_distance(a: OrientedBox, b: OrientedBox) -> float:
    """Smallest distance in metres between two solid boxes; 0 when they touch or overlap."""
    first, second = closest_points(a, b)
    return float(np.linalg.norm(first - second))


def closest_points(a: OrientedBox, b: OrientedBox) -> tuple[Float, Float]:
    """(3,) a point of each solid box, as close to each other as any; one and the same where they
    touch or overlap.

    Exact: the closest points of two disjoint convex polyhedra are a corner and a point of the
    other, or lie on two edges, so 16 clampings and 144 pairs of edges decide.
    """
    if _overlap(a, b):
        shared = _common(a, b)
        return shared, shared
    corners_a, corners_b = a.corners(), b.corners()
    on_a, on_b = _edge_points(corners_a[_EDGES], corners_b[_EDGES])
    first = np.concatenate([corners_a, _nearest_in(a, corners_b), on_a])
    second = np.concatenate([_nearest_in(b, corners_a), corners_b, on_b])
    best = ((first - second) ** 2).sum(axis=1).argmin()
    return first[best], second[best]


def _nearest_in(box: OrientedBox, points: Float) -> Float:
    """(N, 3) the points of a solid box that are nearest to ``points``."""
    half = np.array(box.size) / 2
    inside = np.clip(box.to_local(points), -half, half)
    nearest: Float = inside @ np.array(box.axes) + np.array(box.center)
    return nearest


def _common(a: OrientedBox, b: OrientedBox) -> Float:
    """About a point of both boxes, by projecting onto one and the other in turn."""
    point = (np.array(a.center) + np.array(b.center))[None] / 2
    for _ in range(64):
        point = _nearest_in(b, _nearest_in(a, point))
    shared: Float = point[0]
    return shared


def _overlap(a: OrientedBox, b: OrientedBox) -> bool:
    """Separating axes: three normals of each box and the nine cross products of their edges."""
    axes_a, axes_b = np.array(a.axes), np.array(b.axes)
    crosses = np.cross(axes_a[:, None], axes_b[None]).reshape(9, 3)
    crosses = crosses[np.linalg.norm(crosses, axis=1) > 1e-9]
    axes = np.concatenate([axes_a, axes_b, crosses])
    apart = np.abs(axes @ (np.array(b.center) - np.array(a.center)))
    half_a = np.abs(axes @ axes_a.T) @ (np.array(a.size) / 2)
    half_b = np.abs(axes @ axes_b.T) @ (np.array(b.size) / 2)
    return bool((apart <= half_a + half_b).all())


def _edge_points(a: Float, b: Float) -> tuple[Float, Float]:
    """(n m, 3) each: the closest points of segments (n, 2, 3) and (m, 2, 3), pair by pair.

    After Ericson, Real-Time Collision Detection, 5.1.9: minimise on the lines, clamp one
    parameter, solve for the other, clamp again.
    """
    p, d = a[:, None, 0], (a[:, 1] - a[:, 0])[:, None]
    q, e = b[None, :, 0], (b[:, 1] - b[:, 0])[None]
    r = p - q
    dd, ee = (d * d).sum(-1), (e * e).sum(-1)
    de, dr, er = (d * e).sum(-1), (d * r).sum(-1), (e * r).sum(-1)
    denominator = dd * ee - de * de
    tiny = 1e-12
    dd, ee = np.maximum(dd, tiny), np.maximum(ee, tiny)
    s = np.where(denominator > tiny, (de * er - dr * ee) / np.maximum(denominator, tiny), 0.0)
    s = np.clip(s, 0, 1)
    t = np.clip((de * s + er) / ee, 0, 1)
    s = np.clip((de * t - dr) / dd, 0, 1)
    on_a, on_b = p + s[..., None] * d, q + t[..., None] * e
    return on_a.reshape(-1, 3), on_b.reshape(-1, 3)


def fit_upright_box(points: Float, yaw: float | None = None, slack: float = 1.08) -> OrientedBox:
    """The upright box around points (N, 3): smallest footprint, lowest to highest point.

    Nothing is trimmed: a percentile would shorten every size, so outliers must be gone before.
    ``yaw`` (radians) is preferred, because furniture stands parallel to walls, when its footprint
    is at most ``slack`` times the smallest one; partly seen objects are skewed otherwise. What is
    round is boxed whole, with the side that nobody saw.
    """
    outline = _outline(points)
    if (disc := disc_of(outline)) is not None:
        low, high = float(points[:, 2].min()), float(points[:, 2].max())
        size = (2 * disc.radius, 2 * disc.radius, high - low)
        return OrientedBox.upright((disc.x, disc.y, (low + high) / 2), size, yaw or 0.0)
    best, smallest = _tightest(outline)
    if yaw is not None and footprints(outline, np.array([yaw]))[0] <= slack * smallest + 1e-4:
        best = yaw
    return _box_at(outline, points[:, 2], best)


def box_yaw(points: Float) -> float:
    """Radians, 0..pi/2, of the upright box with the smallest footprint around points (N, 3)."""
    return _tightest(_outline(points))[0]


def _outline(points: Float) -> Float:
    """(M, 2) corners of the convex hull from above; all points where there is no hull."""
    flat = points[:, :2]
    try:
        return flat[ConvexHull(flat).vertices]
    except (QhullError, ValueError):
        return flat


def _tightest(outline: Float) -> tuple[float, float]:
    """Turn and area of the smallest rectangle; one of its sides lies along a hull edge."""
    edges = np.roll(outline, -1, axis=0) - outline
    yaws = np.arctan2(edges[:, 1], edges[:, 0]) % (np.pi / 2)
    areas = footprints(outline, yaws)
    return float(yaws[areas.argmin()]), float(areas.min())


def _turned(flat: Float, yaw: float) -> Float:
    c, s = np.cos(yaw), np.sin(yaw)
    turned: Float = flat @ np.array([[c, -s], [s, c]])
    return turned


def footprints(outline: Float, yaws: Float) -> Float:
    """(M,) areas of the rectangles, turned by each of ``yaws`` (M,), around points (N, 2)."""
    c, s = np.cos(yaws), np.sin(yaws)
    wide = np.ptp(outline @ np.stack([c, s]), axis=0)
    deep = np.ptp(outline @ np.stack([-s, c]), axis=0)
    areas: Float = wide * deep
    return areas


def _box_at(outline: Float, heights: Float, yaw: float) -> OrientedBox:
    turned = _turned(outline, yaw)
    low, high = turned.min(axis=0), turned.max(axis=0)
    middle = _turned(((low + high) / 2)[None], -yaw)[0]
    bottom, top = float(heights.min()), float(heights.max())
    center: Vec3 = (float(middle[0]), float(middle[1]), (bottom + top) / 2)
    return OrientedBox.upright(
        center, (float(high[0] - low[0]), float(high[1] - low[1]), top - bottom), yaw
    )

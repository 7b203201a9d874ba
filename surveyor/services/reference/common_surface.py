"""How much surface two views share, by exact depth on a coarse grid."""

from __future__ import annotations

import numpy as np

from surveyor.core.geometry import Float
from surveyor.services.reference.world import ImageView

_ROWS, _COLUMNS = 15, 20  # sample grid of each view
_AGREES = 0.05  # relative depth difference within which two views see the same surface


def common_surface(views: list[ImageView]) -> Float:
    """(N, N) symmetric shares: of the sampled points of one view, how many the other sees too
    (the smaller of both directions)."""
    clouds = [samples(view) for view in views]
    shares = np.eye(len(views))
    for i, view in enumerate(views):
        for j, cloud in enumerate(clouds):
            if i != j:
                shares[j, i] = share_seen(cloud, view)
    return np.asarray(np.minimum(shares, shares.T), np.float64)


def share_seen(cloud: Float, view: ImageView) -> float:
    """How many of the points (N, 3) a view sees, as a share; 0 of none."""
    if not len(cloud):
        return 0.0
    depth = view.maps.depth
    pixels, z = view.intrinsics.project(view.pose.to_camera(cloud))
    front = z > 0.05
    u = np.rint(np.where(front, pixels[:, 0], -1)).astype(int)
    v = np.rint(np.where(front, pixels[:, 1], -1)).astype(int)
    inside = front & (u >= 0) & (u < view.width) & (v >= 0) & (v < view.height)
    there = depth[v[inside], u[inside]]
    return float(np.sum(np.abs(there - z[inside]) < _AGREES * z[inside]) / len(cloud))


def samples(view: ImageView) -> Float:
    """World points on a coarse grid of the view."""
    v = np.linspace(0, view.height - 1, _ROWS).astype(int)
    u = np.linspace(0, view.width - 1, _COLUMNS).astype(int)
    depth = view.maps.depth[np.ix_(v, u)]
    intrinsics = view.intrinsics
    columns, rows = np.meshgrid(u, v)
    x = (columns - intrinsics.cx) / intrinsics.fx
    y = (rows - intrinsics.cy) / intrinsics.fy
    points = np.stack([x, y, np.ones_like(x)], axis=-1) * depth[..., None]
    return view.pose.to_world(points[depth > 0])

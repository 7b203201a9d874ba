"""What all views of a place measured, as one set of points; and small patches of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from surveyor.core.geometry import Float
from surveyor.tools.geometry.viewing import RegisteredView

VOXEL = 0.03
"""Edge in metres of the voxels of which one point each is kept."""
_MOST_PIXELS = 60_000
_NEIGHBOURS = 12
_ALIKE = float(np.cos(np.radians(20)))
_PATCH = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Points (N, 3) that some view measured, at most one a voxel of edge ``voxel``, in the views'
    unit."""

    points: Float
    voxel: float


def surface_of(views: Sequence[RegisteredView], unit: float = 1.0) -> Surface:
    """The surface that registered views measured; ``unit`` of their lengths make a metre.

    Points are measured ones, never means of them: a mean lies beside a curved surface.
    """
    voxel = VOXEL * unit
    clouds = [_measured(view) for view in views]
    points = np.concatenate(clouds) if clouds else np.zeros((0, 3))
    if not len(points):
        return Surface(points, voxel)
    cells = np.floor((points - points.min(axis=0)) / voxel).astype(np.int64)
    spans = cells.max(axis=0) + 1
    keys = (cells[:, 0] * spans[1] + cells[:, 1]) * spans[2] + cells[:, 2]
    _, first = np.unique(keys, return_index=True)
    kept = points[np.sort(first)]
    kept.setflags(write=False)
    return Surface(kept, voxel)


def _measured(view: RegisteredView) -> Float:
    """(n, 3) world points of every measured pixel, of large images of every second or third."""
    step = max(1, round(float(np.sqrt(view.depth.size / _MOST_PIXELS))))
    rows, columns = np.nonzero(view.depth[::step, ::step] > 0)
    z = view.depth[rows * step, columns * step].astype(np.float64)
    k = view.intrinsics
    x, y = (columns * step - k.cx) / k.fx * z, (rows * step - k.cy) / k.fy * z
    return view.pose.to_world(np.stack([x, y, z], axis=1))


def normals_of(points: Float) -> Float:
    """(N, 3) unit normals, the direction in which a point's neighbours spread least; their sign
    means nothing."""
    _, nearest = cKDTree(points).query(points, k=min(_NEIGHBOURS, len(points)))
    around = points[np.asarray(nearest).reshape(len(points), -1)]
    around = around - around.mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(np.swapaxes(around, 1, 2) @ around)
    normals: Float = vectors[:, :, 0]
    return normals


def superpoints(points: Float, voxel: float) -> NDArray[np.intp]:
    """(N,) number of the patch that each point belongs to.

    A patch is connected, turns by no sharp edge, and spans at most a few voxels: a surface that
    runs on, such as a floor under a rug, is many patches, so that none decides for another thing.
    """
    count = len(points)
    if count < 3:
        return np.arange(count)
    normals = normals_of(points)
    pairs = cKDTree(points).query_pairs(1.8 * voxel, output_type="ndarray")
    alike = np.abs((normals[pairs[:, 0]] * normals[pairs[:, 1]]).sum(axis=1)) >= _ALIKE
    first, second = pairs[alike].T
    graph = coo_matrix((np.ones(len(first), np.bool_), (first, second)), shape=(count, count))
    _, part = connected_components(graph, directed=False)
    cells = np.floor((points - points.min(axis=0)) / (_PATCH * voxel / VOXEL)).astype(np.int64)
    _, patch = np.unique(np.column_stack([part, cells]), axis=0, return_inverse=True)
    numbers: NDArray[np.intp] = np.asarray(patch, np.intp).ravel()
    return numbers

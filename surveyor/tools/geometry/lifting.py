"""From pixels to points, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from surveyor.core.geometry import Float, Intrinsics

# A step between neighbouring pixels that no surface seen at a bearable angle makes: metres, and a
# share of the depth. Less than the given share of steady pixels is a thin thing, not a smear.
_JUMP, _JUMP_SHARE, _STEADY_SHARE = 0.08, 0.04, 0.4

Affine = tuple[float, float, float, float, float, float]

# A camera frame (x right, y down, z forward) turned to Z-up, as if the camera were level.
LEVEL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def lift(
    mask: NDArray[np.bool_], depth: NDArray[np.float32], intrinsics: Intrinsics
) -> tuple[Float, NDArray[np.int32]]:
    """Camera-frame points (N, 3) and their (column, row) pixels (N, 2) under a mask.

    Mask, depth and intrinsics are of one size; unmeasured pixels are left out.
    """
    rows, columns = np.nonzero(mask & (depth > 0))
    z = depth[rows, columns].astype(np.float64)
    x = (columns - intrinsics.cx) / intrinsics.fx * z
    y = (rows - intrinsics.cy) / intrinsics.fy * z
    pixels = np.stack([columns, rows], axis=1).astype(np.int32)
    return np.stack([x, y, z], axis=1), pixels


def steady(mask: NDArray[np.bool_], depth: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The mask without pixels where depth jumps inside it.

    A depth map is smeared over the edges of things: those pixels lie on no surface and would hang
    a veil between the thing and what is behind it. Only neighbours under the mask are compared,
    so a thing in front of a far wall keeps its outline; of a mask that is all jumps, all is kept.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return mask
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    inside, z = mask[part] & (depth[part] > 0), depth[part]
    highest = ndimage.maximum_filter(np.where(inside, z, -np.inf), size=3)
    lowest = ndimage.minimum_filter(np.where(inside, z, np.inf), size=3)
    kept = inside & (highest - lowest <= _JUMP + _JUMP_SHARE * z)
    if kept.sum() < _STEADY_SHARE * inside.sum():
        return mask
    result = np.zeros_like(mask)
    result[part] = kept
    return result


def resample_mask(
    mask: NDArray[np.bool_], width: int, height: int, to_mask: Float | None = None
) -> NDArray[np.bool_]:
    """The mask on another pixel grid of ``height`` x ``width``, nearest neighbour.

    ``to_mask`` (2, 3) takes pixels of the new grid to the mask's; by default the whole image is
    stretched.
    """
    if to_mask is None:
        if mask.shape == (height, width):
            return mask
        sx, sy = mask.shape[1] / width, mask.shape[0] / height
        to_mask = np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2]])
    v, u = np.mgrid[:height, :width]
    x = np.rint(to_mask[0, 0] * u + to_mask[0, 1] * v + to_mask[0, 2]).astype(np.int64)
    y = np.rint(to_mask[1, 0] * u + to_mask[1, 1] * v + to_mask[1, 2]).astype(np.int64)
    inside = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    sampled = np.zeros((height, width), np.bool_)
    sampled[inside] = mask[y[inside], x[inside]]
    return sampled


def invert_affine(affine: Affine) -> Float:
    """(2, 3) inverse of a 2x3 pixel affine given row by row."""
    matrix: Float = np.eye(3)
    matrix[:2] = np.array(affine).reshape(2, 3)
    inverse = np.linalg.inv(matrix).astype(np.float64)
    return inverse[:2]


def compose_affine(outer: Affine, inner: Affine) -> Affine:
    """The 2x3 affine, row by row, that applies ``inner`` first and ``outer`` after it."""
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return (
        a * g + b * j, a * h + b * k, a * i + b * m + c,
        d * g + e * j, d * h + e * k, d * i + e * m + f,
    )  # fmt: skip


def foreground(
    depth: NDArray[np.float32], box: tuple[float, float, float, float]
) -> NDArray[np.bool_]:
    """A (H, W) mask of what stands in front inside a pixel box.

    The middle of the box is taken to show the object; pixels as deep as the middle, give or take
    its own spread, belong to it, the floor and the wall behind do not.
    """
    height, width = depth.shape
    x1, y1 = max(round(box[0]), 0), max(round(box[1]), 0)
    x2, y2 = min(round(box[2]), width - 1), min(round(box[3]), height - 1)
    mask = np.zeros(depth.shape, np.bool_)
    inside = depth[y1 : y2 + 1, x1 : x2 + 1]
    h, w = inside.shape
    core = inside[h // 4 : h - h // 4, w // 4 : w - w // 4]
    core = core[core > 0]
    if not core.size:
        return mask
    near, middle = float(np.percentile(core, 10)), float(np.median(core))
    reach = max(0.15, 1.5 * (middle - near)) + 0.1 * middle
    mask[y1 : y2 + 1, x1 : x2 + 1] = (inside > 0) & (np.abs(inside - middle) <= reach)
    return mask

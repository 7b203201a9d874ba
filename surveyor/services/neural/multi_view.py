"""What every multi-view model is normalised to, and how views of any size share one grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import Intrinsics, Scale
from surveyor.services.images import Pixels
from surveyor.services.neural.preprocessing import Planes, fitted, resized

PATCH = 14


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """N views at (h, w) in one common frame.

    Depth along z (0 = none) and confidence in 0..1 are (N, h, w), ``T_world_camera`` (N, 4, 4) is
    OpenCV camera-to-world, ``K`` (N, 3, 3) has pixel centres at integers.
    """

    depth: Planes
    confidence: Planes
    T_world_camera: NDArray[np.float64]
    K: NDArray[np.float64]
    scale: Scale


class ViewsNet(Protocol):
    """A multi-view model; ``views`` are (N, 3, h, w) RGB in 0..1, sides multiples of `PATCH`."""

    def geometry(self, views: Planes) -> Geometry:
        """Joint geometry of all views."""
        ...

    def bare(self, views: Planes) -> Callable[[], object]:
        """The network alone, its input on the device."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class GridView:
    """One view on the models' grid: the (h, w, 3) part seen, and where that part lies
    (``left``, ``top``) on a grid of the same scale (``width`` x ``height``) over the whole image.
    """

    pixels: Pixels
    left: int
    top: int
    width: int
    height: int

    def spread(self, values: Planes) -> Planes:
        """A map of the part as a map of the whole image, 0 where nothing was seen."""
        height, width = values.shape
        if (height, width) == (self.height, self.width):
            return values
        whole = np.zeros((self.height, self.width), np.float32)
        whole[self.top : self.top + height, self.left : self.left + width] = values
        return whole

    def pinhole(self, K: NDArray[np.float64]) -> Intrinsics:
        """Intrinsics for the whole image's grid."""
        return Intrinsics(
            fx=float(K[0, 0]),
            fy=float(K[1, 1]),
            cx=float(K[0, 2]) + self.left,
            cy=float(K[1, 2]) + self.top,
            width=self.width,
            height=self.height,
        )


def on_one_grid(pictures: Sequence[Pixels], longest: int) -> list[GridView]:
    """All pictures at the size that the first one gets; others are cropped at their centre.

    Models take views of one size. Squeezing a view of another shape would bend its geometry, and
    a silent crop would shift it; here the crop is remembered.
    """
    height, width = pictures[0].shape[:2]
    grid = fitted(width, height, longest, PATCH)
    return [_fit(picture, *grid) for picture in pictures]


def _fit(picture: Pixels, width: int, height: int) -> GridView:
    own_height, own_width = picture.shape[:2]
    longest = max(width, height)
    if fitted(own_width, own_height, longest, PATCH) == (width, height):
        return GridView(resized(picture, width, height), 0, 0, width, height)
    ratio = max(width / own_width, height / own_height)
    full_width, full_height = round(own_width * ratio), round(own_height * ratio)
    left, top = (full_width - width) // 2, (full_height - height) // 2
    whole = resized(picture, full_width, full_height)
    part = whole[top : top + height, left : left + width]
    return GridView(part, left, top, full_width, full_height)


def planes(pixels: Pixels) -> Planes:
    """(3, H, W) float32 in 0..1."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1).astype(np.float32) / 255)


def from_above_one(confidence: Planes) -> Planes:
    """Confidence of the form ``1 + exp(x)`` as a number in 0..1."""
    return (1 - 1 / np.maximum(confidence, 1)).astype(np.float32)


def to_integers(K: NDArray[np.floating]) -> NDArray[np.float64]:
    """K from pixel edges at integers (principal point W / 2) to pixel centres at integers."""
    moved = K.astype(np.float64)
    moved[..., :2, 2] -= 0.5
    return moved


def inverted(T: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, 3 or 4, 4) world-to-camera to (N, 4, 4) camera-to-world."""
    R, t = T[:, :3, :3].astype(np.float64), T[:, :3, 3].astype(np.float64)
    inverse = np.tile(np.eye(4), (len(T), 1, 1))
    inverse[:, :3, :3] = R.transpose(0, 2, 1)
    inverse[:, :3, 3] = -np.einsum("nji,nj->ni", R, t)
    return inverse

"""Running an image model tile by tile, with seams that cannot be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from surveyor.services.neural.preprocessing import Planes

Model = Callable[[Planes], Planes]


@dataclass(frozen=True, slots=True)
class Tile:
    """Rows [top, bottom) and columns [left, right) of the image."""

    top: int
    bottom: int
    left: int
    right: int


def tiles(height: int, width: int, size: int, overlap: int) -> Iterator[Tile]:
    """Tiles of at most ``size`` pixels a side that cover the image and share ``overlap`` pixels
    with their neighbours (more at the far edges, so that all tiles of a large image are alike)."""
    for top in _starts(height, size, overlap):
        for left in _starts(width, size, overlap):
            yield Tile(top, min(top + size, height), left, min(left + size, width))


def _starts(length: int, size: int, overlap: int) -> list[int]:
    if length <= size:
        return [0]
    last = length - size
    return [*range(0, last, size - overlap), last]


def run_tiled(model: Model, image: Planes, scale: int, size: int, overlap: int) -> Planes:
    """``model`` maps (B, 3, h, w) to (B, 3, scale h, scale w); the whole (3, H, W) image comes
    back (3, scale H, scale W). Where tiles overlap, their weights fade linearly."""
    height, width = image.shape[1:]
    total = np.zeros((3, height * scale, width * scale), np.float32)
    weight = np.zeros(total.shape[1:], np.float32)
    for tile in tiles(height, width, size, overlap):
        part = image[:, tile.top : tile.bottom, tile.left : tile.right]
        out = model(np.ascontiguousarray(part[None]))[0]
        rows = slice(tile.top * scale, tile.bottom * scale)
        columns = slice(tile.left * scale, tile.right * scale)
        faded = np.outer(
            _fade(tile.top > 0, tile.bottom < height, out.shape[1], overlap * scale),
            _fade(tile.left > 0, tile.right < width, out.shape[2], overlap * scale),
        )
        total[:, rows, columns] += out * faded
        weight[rows, columns] += faded
    return np.divide(total, weight, out=total)


def _fade(before: bool, after: bool, length: int, overlap: int) -> Planes:
    """(length,) weights: rising over the overlap where there is a neighbour, else 1."""
    weights = np.ones(length, np.float32)
    ramp = (np.arange(min(overlap, length), dtype=np.float32) + 0.5) / max(overlap, 1)
    if before:
        weights[: ramp.size] *= ramp
    if after:
        weights[length - ramp.size :] *= ramp[::-1]
    return weights

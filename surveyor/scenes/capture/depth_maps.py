"""Exact depth and instance ids of one frame, and a compact lossless form of both.

Depth over planar surfaces is smooth, so the bit patterns of neighbouring values differ by a
nearly constant step: the mixed second difference (modulo 2**32) is small, and its bytes, grouped
by significance, compress well. The inverse is two wrapping cumulative sums: exact to the bit.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.core.cameras import Ids
from surveyor.core.errors import UserError
from surveyor.core.geometry import Depth

_MAGIC = b"SVM1"
_HEADER = struct.Struct("<4sIII")
_LEVEL = 1


@dataclass(frozen=True, slots=True, eq=False)
class FrameMaps:
    """z-depth (H, W) float32 metres, 0 where nothing was hit; instance ids (H, W) int32."""

    depth: Depth
    ids: Ids

    def __post_init__(self) -> None:
        if self.depth.shape != self.ids.shape or self.depth.ndim != 2:
            raise ValueError("depth and ids must be two images of one size")


def encode_maps(maps: FrameMaps) -> bytes:
    """The maps as bytes: header, then depth and ids, each packed."""
    height, width = maps.depth.shape
    depth = _pack(np.ascontiguousarray(maps.depth, np.float32).view(np.uint32))
    ids = _pack(np.ascontiguousarray(maps.ids, np.int32).view(np.uint32))
    return _HEADER.pack(_MAGIC, height, width, len(depth)) + depth + ids


def decode_maps(data: bytes) -> FrameMaps:
    """Inverse of `encode_maps`; raises `UserError` on bytes that are not whole maps."""
    try:
        magic, height, width, split = _HEADER.unpack_from(data)
        if magic != _MAGIC:
            raise ValueError("wrong magic")
        body = memoryview(data)[_HEADER.size :]
        depth = _unpack(body[:split], height, width).view(np.float32)
        ids = _unpack(body[split:], height, width).view(np.int32)
    except (struct.error, zlib.error, ValueError) as error:
        raise UserError(
            f"a stored depth and id map is damaged ({error}); make the dataset again"
        ) from None
    return FrameMaps(depth, ids)


def _pack(words: NDArray[np.uint32]) -> bytes:
    step = np.diff(words, axis=1, prepend=np.uint32(0))
    step = np.diff(step, axis=0, prepend=np.uint32(0))
    signed = step.view(np.int32)
    zigzag = (signed << 1) ^ (signed >> 31)
    by_significance = zigzag.view(np.uint8).reshape(-1, 4).T
    return zlib.compress(by_significance.tobytes(), _LEVEL)


def _unpack(packed: memoryview, height: int, width: int) -> NDArray[np.uint32]:
    planes = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(4, height * width)
    zigzag = np.ascontiguousarray(planes.T).view(np.uint32).reshape(height, width)
    step = (zigzag >> np.uint32(1)) ^ (np.uint32(0) - (zigzag & np.uint32(1)))
    rows = np.cumsum(step, axis=0, dtype=np.uint32)
    words: NDArray[np.uint32] = np.cumsum(rows, axis=1, dtype=np.uint32)
    return words

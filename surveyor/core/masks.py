"""Binary masks as COCO run-length encoding with compressed counts, in plain numpy.

The format (COCO API, ``maskApi.c``): runs of 0 and 1 in column-major order, starting with 0; from
the fourth run on, the difference to the run before the previous one; each number in groups of five
bits, least significant first, as characters from ``'0'``, with bit 6 set while more follow.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from surveyor.core.images import MAX_PIXELS

Mask = NDArray[np.bool_]
PixelBox = tuple[float, float, float, float]

_BITS = 5
_MORE = 0x20
_SIGN = 0x10
_LOW = 0x1F
_ZERO = 48
_MAX_GROUPS = 8  # 40 bits: enough for any image that fits in memory


def encode_rle(mask: Mask) -> tuple[tuple[int, int], str]:
    """``(size, counts)`` of a (H, W) mask; ``size`` is (H, W)."""
    if mask.ndim != 2:
        raise ValueError(f"a mask is (H, W); got shape {mask.shape}")
    flat = np.asarray(mask, np.bool_).T.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = np.concatenate([[0], edges, [flat.size]])
    runs = np.diff(bounds)
    if flat.size and flat[0]:
        runs = np.concatenate([[0], runs])
    return (mask.shape[0], mask.shape[1]), _pack(runs)


def decode_rle(size: tuple[int, int], counts: str) -> Mask:
    """The (H, W) mask; `ValueError` when the counts do not describe an image of that size."""
    height, width = size
    runs = checked_runs(size, counts)
    values = np.arange(runs.size) % 2 == 1
    return np.ascontiguousarray(np.repeat(values, runs).reshape(width, height).T)


def checked_runs(size: tuple[int, int], counts: str) -> NDArray[np.int64]:
    """The run lengths of a mask, unexpanded; `ValueError` when they do not describe an image of
    that size, or it is larger than any image that is read."""
    height, width = size
    if height < 0 or width < 0 or height * width > MAX_PIXELS:
        raise ValueError(f"a mask of {height} x {width} pixels is of no image that is read")
    runs = _unpack(counts)
    sound = not runs.size or (runs.min() >= 0 and runs.max() <= height * width)
    if not sound or int(runs.sum()) != height * width:
        raise ValueError(f"the mask's runs do not add up to {height} x {width} pixels")
    return runs


@lru_cache(maxsize=8192)
def rle_area(counts: str) -> int:
    """Number of pixels inside a mask, from its run lengths alone; `ValueError` for damaged ones."""
    return int(_unpack(counts)[1::2].sum())


def mask_box(mask: Mask) -> PixelBox | None:
    """Tight pixel box ``(x1, y1, x2, y2)``; None for an empty mask.

    Pixel centres are at integers, so the box of one pixel ``(u, v)`` is that pixel's square,
    ``(u - .5, v - .5, u + .5, v + .5)``.
    """
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not columns.size:
        return None
    left, right, top, bottom = columns[0], columns[-1], rows[0], rows[-1]
    return (float(left) - 0.5, float(top) - 0.5, float(right) + 0.5, float(bottom) + 0.5)


def id_boxes(ids: NDArray[np.int32]) -> list[tuple[int, int, PixelBox]]:
    """``(id, pixels, box)`` of every positive id of a (H, W) id map, ascending.

    One pass over the map whatever the number of ids; boxes as in `mask_box`.
    """
    values = np.maximum(ids, 0)
    counts = np.bincount(values.ravel())
    in_row = np.zeros((ids.shape[0], counts.size), np.bool_)
    in_column = np.zeros((ids.shape[1], counts.size), np.bool_)
    in_row[np.arange(ids.shape[0])[:, None], values] = True
    in_column[np.arange(ids.shape[1])[None, :], values] = True
    top, bottom = _first_and_last(in_row)
    left, right = _first_and_last(in_column)
    boxes = np.stack([left - 0.5, top - 0.5, right + 0.5, bottom + 0.5], axis=1)
    return [(int(i), int(counts[i]), tuple(boxes[i].tolist())) for i in np.flatnonzero(counts) if i]


def _first_and_last(present: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last true row of each column."""
    return present.argmax(axis=0), len(present) - 1 - present[::-1].argmax(axis=0)


def _pack(runs: NDArray[np.int64]) -> str:
    numbers = runs.astype(np.int64)
    numbers[3:] -= runs[1:-2]
    groups = np.zeros((numbers.size, _MAX_GROUPS), np.uint8)
    used = np.zeros(groups.shape, np.bool_)
    going = np.ones(numbers.size, np.bool_)
    for column in range(_MAX_GROUPS):
        low = numbers & _LOW
        numbers = numbers >> _BITS
        more = going & np.where(low & _SIGN, numbers != -1, numbers != 0)
        used[:, column] = going
        groups[:, column] = low + _ZERO + _MORE * more
        going = more
        if not going.any():
            break
    return groups[used].tobytes().decode("ascii")


@lru_cache(maxsize=1024)  # who checks a mask asks for its area or its pixels next
def _unpack(counts: str) -> NDArray[np.int64]:
    try:
        symbols = np.frombuffer(counts.encode("ascii"), np.uint8).astype(np.int64) - _ZERO
    except UnicodeEncodeError as error:
        raise ValueError("the counts of a mask are ASCII") from error
    if not symbols.size:
        return np.zeros(0, np.int64)
    last = (symbols & _MORE) == 0
    if symbols.min() < 0 or symbols.max() > 63 or not last[-1]:
        raise ValueError("the counts of a mask are damaged or cut short")
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    if int((ends - starts).max()) >= _MAX_GROUPS:
        raise ValueError("the counts of a mask hold a number that is too large")
    place = np.arange(symbols.size) - np.repeat(starts, ends - starts + 1)
    numbers = np.add.reduceat((symbols & _LOW) << (_BITS * place), starts)
    negative = (symbols[ends] & _SIGN) != 0
    numbers[negative] -= np.int64(1) << (_BITS * (ends - starts + 1)[negative])
    for first in (1, 2):  # undo the difference to the run two before, odd and even runs apart
        numbers[first::2] = np.cumsum(numbers[first::2])
    numbers.setflags(write=False)
    return numbers

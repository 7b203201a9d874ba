"""Reads the numbers that the product draws onto objects, as someone does who sees nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from surveyor.core.marker_font import GLYPH, INK, PAPER, Rgb, glyph, label_bitmap

Float = NDArray[np.float64]
Box = tuple[slice, slice]
_LUMA = np.array([0.299, 0.587, 0.114])
_DARK, _LIGHT = float(_LUMA @ PAPER), float(_LUMA @ INK)
_HIGH = GLYPH[0] + 2
_DIGITS = "0123456789"
_EXACT, _HUE = 24, 0.35
_REACH = 2
"""Pixels by which a JPEG's coarse colours, or a like colour beside it, move a patch's edges."""
_OFF = 0.05
"""Mean squared distance of a digit's cells from what they should be: three wrong ones of 63."""
_SIZES = sorted(
    ((k * (6 * n + 1), k * _HIGH, k, n) for k in range(1, 5) for n in range(1, 5)), reverse=True
)


@dataclass(frozen=True, slots=True)
class Label:
    """A number that was read: its centre (u, v), its scale, and how far off its digits are."""

    number: int
    u: float
    v: float
    scale: int
    off: float

    def covers(self) -> tuple[slice, slice]:
        """Rows and columns of the pixels that it was drawn on."""
        high, wide = label_bitmap(self.number, self.scale).shape
        top, left = round(self.v - (high - 1) / 2), round(self.u - (wide - 1) / 2)
        return slice(top, top + high), slice(left, left + wide)


def read_labels(rgb: Rgb) -> dict[int, tuple[float, float]]:
    """Numbers found in an image and the pixel (u, v) at each label's centre."""
    return {label.number: (label.u, label.v) for label in labels(rgb)}


def labels(rgb: Rgb) -> list[Label]:
    """Labels found in an image, one a number.

    Looks for patches of the label's paper colour, and in and around them for the place where
    digits on paper fit best by brightness, which JPEG keeps where it smears colours.
    """
    bright = (rgb @ _LUMA - _DARK) / (_LIGHT - _DARK)
    found: dict[int, Label] = {}
    for patch in _patches(rgb):
        read = _read(bright, patch)
        if read is not None and (read.number not in found or read.off < found[read.number].off):
            found[read.number] = read
    return list(found.values())


def _patches(rgb: Rgb) -> Iterator[Box]:
    """Bounds of what has the paper's colour, and of what has its hue as JPEG leaves it."""
    values = rgb.astype(np.int16)
    exact = np.abs(values - PAPER).max(axis=2) <= _EXACT
    over = values - values[..., 1:2]
    hue = np.minimum(over[..., 0] / PAPER[0], over[..., 2] / PAPER[2]) >= _HUE
    joined = ndimage.binary_dilation(hue, np.ones((2 * _REACH + 1,) * 2, np.bool_))
    for mask in (exact, joined):
        parts, _ = ndimage.label(mask, structure=np.ones((3, 3)))
        for rows, columns in ndimage.find_objects(parts):
            if rows.stop - rows.start >= _HIGH - _REACH and columns.stop - columns.start >= 5:
                yield rows, columns


def _read(bright: Float, patch: Box) -> Label | None:
    """The largest label that fits a patch: each digit of a longer number would fit better alone."""
    rows, columns = (slice(max(one.start - _REACH, 0), one.stop + _REACH) for one in patch)
    window = bright[rows, columns]
    for wide, high, scale, digits in _SIZES:
        if high > window.shape[0] or wide > window.shape[1]:
            continue
        read = _best(window, scale, digits)
        if read is not None:
            number, off, top, left = read
            u, v = columns.start + left + (wide - 1) / 2, rows.start + top + (high - 1) / 2
            return Label(number, u, v, scale, off)
    return None


def _best(window: Float, scale: int, digits: int) -> tuple[int, float, int, int] | None:
    """(number, off, top, left) of the best fit of so many digits; off is that of the worst one."""
    high, wide = scale * _HIGH, scale * (6 * digits + 1)
    cells = np.lib.stride_tricks.sliding_window_view(window, (scale, scale)).mean(axis=(2, 3))
    reach = (high - scale + 1, wide - scale + 1)
    label = np.lib.stride_tricks.sliding_window_view(cells, reach)[..., ::scale, ::scale]
    each = [label[..., 6 * k : 6 * k + 7].reshape(*label.shape[:2], -1) for k in range(digits)]
    off = np.stack([_squares(one) for one in each])
    worst = off.min(axis=-1).max(axis=0)
    top, left = np.unravel_index(int(worst.argmin()), worst.shape)
    if worst[top, left] >= _OFF:
        return None
    number = int("".join(_DIGITS[k] for k in off[:, top, left].argmin(axis=-1)))
    return number, float(worst[top, left]), int(top), int(left)


def _squares(cells: Float) -> Float:
    """(h, w, 10) mean squared distance of cells (h, w, 63) from each digit's."""
    ink = _templates()
    own = (cells**2).sum(axis=-1, keepdims=True)
    squares: Float = (own - 2 * cells @ ink.T + (ink**2).sum(axis=1)) / ink.shape[1]
    return squares


@cache
def _templates() -> Float:
    """(10, 63) each digit's ink with the paper round it."""
    return np.stack([np.pad(glyph(digit), 1).ravel() for digit in _DIGITS]).astype(np.float64)

"""Digits for object markers: a 5 x 7 bitmap font and its reader."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Bitmap = NDArray[np.bool_]
Rgb = NDArray[np.uint8]

INK = (255, 255, 255)
PAPER = (200, 0, 120)
GLYPH = (7, 5)
_ROWS = {
    "0": "01110 10001 10011 10101 11001 10001 01110",
    "1": "00100 01100 00100 00100 00100 00100 01110",
    "2": "01110 10001 00001 00110 01000 10000 11111",
    "3": "11110 00001 00001 01110 00001 00001 11110",
    "4": "00010 00110 01010 10010 11111 00010 00010",
    "5": "11111 10000 11110 00001 00001 10001 01110",
    "6": "00110 01000 10000 11110 10001 10001 01110",
    "7": "11111 00001 00010 00100 01000 01000 01000",
    "8": "01110 10001 10001 01110 10001 10001 01110",
    "9": "01110 10001 10001 01111 00001 00010 01100",
}


@cache
def _glyph(digit: str) -> Bitmap:
    return np.array([[c == "1" for c in row] for row in _ROWS[digit].split()])


def label_bitmap(number: int, scale: int) -> Bitmap:
    """The ink of a label: digits with a border of one unit all round, ``scale`` pixels a unit."""
    gap = np.zeros((GLYPH[0], 1), bool)
    parts = [piece for digit in str(number) for piece in (_glyph(digit), gap)][:-1]
    return np.kron(np.pad(np.hstack(parts), 1), np.ones((scale, scale), bool))


def draw_label(rgb: Rgb, number: int, scale: int, left: int, top: int) -> None:
    """Draw a label into an image in place, its upper left corner at (left, top)."""
    ink = label_bitmap(number, scale)
    height, width = ink.shape
    rgb[top : top + height, left : left + width] = np.where(ink[..., None], INK, PAPER)


def read_labels(rgb: Rgb, tolerance: int = 60) -> dict[int, tuple[float, float]]:
    """Numbers found in an image and the pixel (u, v) at each label's centre.

    Looks for patches of the label's paper colour and matches the digits in them, cell by cell.
    """
    distance = np.abs(rgb.astype(int) - PAPER).max(axis=2)
    patches, _ = ndimage.label(distance <= tolerance, structure=np.ones((3, 3)))
    found: dict[int, tuple[float, float]] = {}
    for rows, columns in ndimage.find_objects(patches):
        number = _read(rgb[rows, columns])
        if number is not None:
            centre_u = (columns.start + columns.stop - 1) / 2
            found[number] = (centre_u, (rows.start + rows.stop - 1) / 2)
    return found


def _read(patch: Rgb) -> int | None:
    units_high = GLYPH[0] + 2
    height, width = patch.shape[:2]
    scale = round(height / units_high)
    units_wide = round(width / scale) if scale else 0
    if scale < 1 or abs(height - scale * units_high) > scale or (units_wide - 1) % 6:
        return None
    rows = np.minimum(((np.arange(units_high) + 0.5) * height / units_high).astype(int), height - 1)
    columns = np.minimum(
        ((np.arange(units_wide) + 0.5) * width / units_wide).astype(int), width - 1
    )
    ink = patch[np.ix_(rows, columns)][..., 1] > 128
    digits = [_nearest(ink[1:8, 1 + 6 * k : 6 + 6 * k]) for k in range((units_wide - 1) // 6)]
    return None if None in digits or not digits else int("".join(d for d in digits if d))


def _nearest(cell: Bitmap) -> str | None:
    """The digit that differs from ``cell`` in the fewest places; ``None`` beyond three."""
    wrong = {digit: int((_glyph(digit) != cell).sum()) for digit in _ROWS}
    best = min(wrong, key=wrong.__getitem__)
    return best if wrong[best] <= 3 else None

"""Reads the numbers that the product draws onto objects, as someone does who sees nothing else."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from surveyor.core.marker_font import GLYPH, PAPER, Bitmap, Rgb, glyph


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
    wrong = {digit: int((glyph(digit) != cell).sum()) for digit in "0123456789"}
    best = min(wrong, key=wrong.__getitem__)
    return best if wrong[best] <= 3 else None

"""Digits for object markers: a 5 x 7 bitmap font."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

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
def glyph(digit: str) -> Bitmap:
    """The ink of one digit, `GLYPH` cells."""
    return np.array([[c == "1" for c in row] for row in _ROWS[digit].split()])


def label_bitmap(number: int, scale: int) -> Bitmap:
    """The ink of a label: digits with a border of one unit all round, ``scale`` pixels a unit."""
    gap = np.zeros((GLYPH[0], 1), bool)
    parts = [piece for digit in str(number) for piece in (glyph(digit), gap)][:-1]
    return np.kron(np.pad(np.hstack(parts), 1), np.ones((scale, scale), bool))


def draw_label(rgb: Rgb, number: int, scale: int, left: int, top: int) -> None:
    """Draw a label into an image in place, its upper left corner at (left, top)."""
    ink = label_bitmap(number, scale)
    height, width = ink.shape
    rgb[top : top + height, left : left + width] = np.where(ink[..., None], INK, PAPER)

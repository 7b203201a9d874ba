"""Points that replies state, read by published rules into boxes of pixels; a point is one."""

from __future__ import annotations

import ast
import base64
import binascii
import io
import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from surveyor.benchmarks.scorers.base import Row, Unscorable

Mask = NDArray[np.bool_]
_BRACKETS: Final = re.compile(r"\(([-+]?\d+\.?\d*(?:,\s*[-+]?\d+\.?\d*)*?)\)")
"""``(x, y)`` or ``(x0, y0, x1, y1)``, without a blank after the bracket or before a comma."""


@dataclass(frozen=True, slots=True)
class PointRegion:
    """Whole pixels from (x0, y0) up to, not including, (x1, y1)."""

    x0: int
    y0: int
    x1: int
    y1: int

    @classmethod
    def pixel(cls, x: int, y: int) -> PointRegion:
        """One pixel."""
        return cls(x, y, x + 1, y + 1)

    @property
    def size(self) -> int:
        """How many pixels."""
        return max(0, self.x1 - self.x0) * max(0, self.y1 - self.y0)


def mask_of(row: Row) -> Mask:
    """A row's mask (height, width): ``mask``, a picture as base64 text whose bright pixels are in,
    or ``mask_box`` (x0, y0, x1, y1 in pixels, ends excluded) in ``width`` and ``height``.

    Raises `Unscorable` without either.
    """
    box, width, height = row.get("mask_box"), row.get("width"), row.get("height")
    if isinstance(box, list | tuple) and type(width) is int and type(height) is int:
        if not (0 < width <= 20000 and 0 < height <= 20000 and len(box) == 4):
            raise Unscorable("mask_box, width and height do not describe a mask")
        try:
            x0, y0, x1, y1 = (int(edge) for edge in box)
        except (TypeError, ValueError, OverflowError):
            raise Unscorable("mask_box does not hold four numbers") from None
        mask = np.zeros((height, width), np.bool_)
        mask[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = True
        return mask
    return _decoded(row.get("mask"))


def _decoded(text: object) -> Mask:
    from PIL import Image

    if not isinstance(text, str):
        raise Unscorable("the row has no mask")
    try:
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(text, validate=True))))
    except (binascii.Error, ValueError, OSError, SyntaxError, TypeError, EOFError, struct.error):
        raise Unscorable("the mask is no picture") from None
    plane = pixels[:, :, 0] if pixels.ndim == 3 else pixels
    bright = plane if plane.dtype == np.bool_ else np.round(plane / 255.0) > 0
    return np.asarray(bright, np.bool_)


def share_inside(regions: Sequence[PointRegion], mask: Mask, *, clipped: bool) -> float:
    """The share of all pixels of the regions that lie in the mask; those outside the picture count
    as outside of it, or are ``clipped`` to its edge. 0 without pixels."""
    total = sum(region.size for region in regions)
    height, width = mask.shape
    inside = 0.0
    for region in regions:
        if region.size:
            columns = _times(region.x0, region.x1, width, clipped)
            rows = _times(region.y0, region.y1, height, clipped)
            inside += float(rows @ mask.astype(np.float64) @ columns)
    return min(1.0, inside / total) if total else 0.0


def _times(start: int, end: int, size: int, clipped: bool) -> NDArray[np.float64]:
    """How often each of ``size`` positions occurs in ``start`` to ``end``."""
    times = np.zeros(size)
    times[min(size, max(0, start)) : min(size, max(0, end))] = 1.0
    if clipped:
        times[0] += max(0, min(0, end) - start)
        times[-1] += max(0, end - max(size, start))
    return times


def written(text: str) -> list[tuple[list[float], bool]]:
    """Every bracket of numbers, and whether any of its numbers has a decimal point."""
    found = []
    for inner in _BRACKETS.findall(text):
        numbers = [float(number) for number in inner.split(",")]
        if any(abs(number) > 1e12 for number in numbers):
            raise Unscorable("a coordinate is too large")
        found.append((numbers, "." in inner))
    return found


def authors_regions(text: str, width: int, height: int, *, absolute: bool) -> list[PointRegion]:
    """RoboRefer d97a995: pairs with a decimal point are fractions, others pixels; boxes are
    fractions and become all their pixels. ``absolute``: all are pixels, and a decimal raises."""
    regions = []
    for numbers, decimal in written(text):
        if absolute and decimal:
            raise Unscorable("a pixel with decimals raises in the published code")
        wide, high = (1, 1) if absolute or not (decimal or len(numbers) == 4) else (width, height)
        if len(numbers) == 2:
            regions.append(PointRegion.pixel(int(numbers[0] * wide), int(numbers[1] * high)))
        elif len(numbers) == 4:
            x0, y0, x1, y1 = (int(n * s) for n, s in zip(numbers, (wide, high) * 2, strict=True))
            if x1 < x0 or y1 < y0:
                raise Unscorable("a box that ends before it begins raises in the published code")
            regions.append(PointRegion(x0, y0, x1, y1))
    return regions


def scaled_pairs(text: str, width: int, height: int) -> list[PointRegion]:
    """lmms-eval's: pairs alone, always fractions, so pixels miss."""
    return [
        PointRegion.pixel(int(numbers[0] * width), int(numbers[1] * height))
        for numbers, _ in written(text)
        if len(numbers) == 2
    ]


def easi_points(text: str, width: int, height: int) -> list[tuple[float, float]]:
    """EASI's, as fractions: JSON or a Python literal with ``point_2d`` or ``point`` (up to 1.5
    fractions, up to 1000 thousandths, else pixels), else brackets (over 1.5 pixels)."""
    listed = _of_literal(text, width, height)
    if listed:
        return listed
    points = []
    for numbers, _ in written(text):
        if len(numbers) == 2:
            x, y = numbers
            fractions = max(abs(x), abs(y)) <= 1.5
            points.append((x, y) if fractions else (x / width, y / height))
    return points


def easi_regions(text: str, width: int, height: int) -> list[PointRegion]:
    """EASI's points and boxes as pixels, rounded and inside the picture's edges."""
    boxes = [] if _of_literal(text, width, height) else _easi_boxes(text, width, height)
    pixels = [
        PointRegion.pixel(
            round(min(max(x * width, 0.0), width - 1.0)),
            round(min(max(y * height, 0.0), height - 1.0)),
        )
        for x, y in easi_points(text, width, height)
    ]
    return [*pixels, *boxes]


def _easi_boxes(text: str, width: int, height: int) -> list[PointRegion]:
    boxes = []
    for numbers, _ in written(text):
        if len(numbers) == 4:
            scale = (width, height) * 2 if max(map(abs, numbers)) <= 1.5 else (1, 1, 1, 1)
            x0, y0, x1, y1 = (round(n * s) for n, s in zip(numbers, scale, strict=True))
            boxes.append(PointRegion(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
    return boxes


def _of_literal(text: str, width: int, height: int) -> list[tuple[float, float]]:
    body = re.sub(r"\A\s*```[^\n]*\n|```\s*\Z", "", text).strip()
    found = _literal(body)
    points = []
    for item in [found] if isinstance(found, dict) else found if isinstance(found, list) else []:
        point = (item.get("point_2d") or item.get("point")) if isinstance(item, dict) else None
        if not isinstance(point, list | tuple) or len(point) != 2:
            continue
        try:
            x, y = float(point[0]), float(point[1])
        except (TypeError, ValueError):
            continue
        largest = max(abs(x), abs(y))
        if largest <= 1.5:
            points.append((x, y))
        elif largest <= 1000:
            points.append((x / 1000, y / 1000))
        elif largest < 1e12:
            points.append((x / width, y / height))
    return points


def _literal(text: str) -> object:
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return None

"""Marks that somebody drew into a picture: coloured boxes, and circles with a letter beside them.

Marks are drawn in pure colours with straight or round strokes; things in a picture hardly are. A
box is four thin lines that meet, a point is a thin ring around a free middle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from surveyor.core.geometry import Float

Rgb = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Box = tuple[float, float, float, float]

COLOURS: Mapping[str, tuple[tuple[int, int, int], ...]] = {
    "red": ((255, 0, 0),),
    "blue": ((0, 0, 255),),
    "green": ((0, 128, 0), (0, 255, 0)),
    "yellow": ((255, 255, 0),),
}
"""What people call the colours that marks are drawn in, and the values they mean."""
_LETTERS = "ABCDEF"
_SATURATED = 60  # between channels: what is left of a stroke's colour when a JPEG has smeared it
_THICK = 9  # pixels; a stroke is thinner
_GAP, _SMEARED_GAP = 9, 23  # pixels that a crossing stroke may hide
_SHORTEST = 8
_SLACK = 3
_COVERED, _PARTLY = 0.7, 0.35
_RADII = range(4, 31)
_RING = 0.8
_HOLLOW = 0.35
_MOST_RUNS = 200
_READ = 0.45


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box's colour and edges (x1, y1, x2, y2), and the share of its outline that is there."""

    colour: str
    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class DrawnPoint:
    """A ring's colour, middle (u, v) and radius in pixels, and the letter beside it if one is."""

    colour: str
    pixel: tuple[int, int]
    radius: int
    letter: str
    score: float


def drawn(image: Rgb) -> tuple[list[DrawnBox], list[DrawnPoint]]:
    """At most one box of each colour, in the order of `COLOURS`, and points by their letters.

    Strokes smeared by compression are looked for only where there are no clean ones.
    """
    for clean in (True, False):
        strokes = {colour: _stroke(image, colour, clean) for colour in COLOURS}
        points = _points(image, strokes)
        if points:
            return [], points
        boxes = _boxes(strokes, _GAP if clean else _SMEARED_GAP)
        if boxes:
            return boxes, []
    return [], []


def _boxes(strokes: Mapping[str, Mask], gap: int) -> list[DrawnBox]:
    every = np.logical_or.reduce([*strokes.values()])
    return [
        DrawnBox(colour, *best)
        for colour, own in strokes.items()
        if (best := _rectangle(own, every, gap)) is not None
    ]


def _points(image: Rgb, strokes: Mapping[str, Mask]) -> list[DrawnPoint]:
    """Rings of the colour whose letters are read best; none where no letter is."""
    read = [
        _lettered(image, colour, rings) for colour, own in strokes.items() if (rings := _rings(own))
    ]
    points, fit = max(read, key=lambda one: one[1], default=([], 0.0))
    return sorted(points, key=lambda point: point.letter) if fit >= _READ else []


def _stroke(image: Rgb, colour: str, clean: bool) -> Mask:
    """(H, W) pixels of a pure colour, or of its hue, that are no part of anything thick."""
    pure = np.array(COLOURS[colour], np.uint8)
    if clean:
        mask: Mask = (image[:, :, None, :] == pure).all(axis=3).any(axis=2)
    else:
        strong = image[..., pure[0] > 0].astype(np.int16).min(axis=2)
        weak = image[..., pure[0] == 0].astype(np.int16).max(axis=2)
        mask = strong - weak >= _SATURATED
    if mask.any():
        mask &= ~ndimage.binary_opening(mask, np.ones((_THICK, _THICK), np.bool_))
    return mask


def _rectangle(own: Mask, every: Mask, gap: int) -> tuple[Box, float] | None:
    """The largest outline that a stroke's pixels draw, and how much of it is there.

    Where another mark's stroke lies over a side, the outline goes on beneath it.
    """
    candidates = [*_paired(own, gap), *_bounds(own)]
    best: tuple[Box, float] | None = None
    largest = 0.0
    for box in candidates:
        (mine, _), (shared, worst) = _coverage(own, box), _coverage(every, box)
        if min(mine, worst) < _PARTLY or shared < _COVERED or _filled(own, box):
            continue
        worth = (mine + shared) * (box[2] - box[0] + box[3] - box[1])
        if worth > largest:
            largest = worth
            best = ((float(box[0]), float(box[1]), float(box[2]), float(box[3])), round(shared, 3))
    return best


def _paired(own: Mask, gap: int) -> Iterator[tuple[int, int, int, int]]:
    """Boxes whose top and bottom are runs of a stroke that begin and end alike."""
    joined = ndimage.binary_closing(np.pad(own, gap), np.ones((1, gap), np.bool_))
    joined = joined[gap:-gap, gap:-gap]
    longest = sorted(_runs(joined), key=lambda run: run[1] - run[2])[:_MOST_RUNS]
    runs = np.array(longest, np.int64).reshape(-1, 3)
    for y, x1, x2 in runs:
        below = runs[runs[:, 0] >= y + _SHORTEST]
        alike = (np.abs(below[:, 1] - x1) <= _SLACK) & (np.abs(below[:, 2] - x2) <= _SLACK)
        for other in below[alike]:
            yield int(x1), int(y), int(max(x2, other[2])), int(other[0])


def _runs(mask: Mask) -> Iterator[tuple[int, int, int]]:
    """(row, first, last) of every long run of set pixels."""
    edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    for row in np.flatnonzero((edges != 0).any(axis=1)):
        starts, ends = np.flatnonzero(edges[row] == 1), np.flatnonzero(edges[row] == -1) - 1
        for first, last in zip(starts, ends, strict=True):
            if last - first >= _SHORTEST:
                yield int(row), int(first), int(last)


def _bounds(own: Mask) -> Iterator[tuple[int, int, int, int]]:
    """The bounds of all of a stroke's larger parts together, and of each."""
    parts, count = ndimage.label(own, np.ones((3, 3), np.bool_))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    large = [k for k in range(1, count + 1) if sizes[k] >= 2 * _SHORTEST]
    for chosen in ([large] if large else []) + [[k] for k in large[:20]]:
        rows, columns = np.nonzero(np.isin(parts, chosen))
        if np.ptp(rows) >= _SHORTEST and np.ptp(columns) >= _SHORTEST:
            yield int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


def _coverage(mask: Mask, box: tuple[int, int, int, int]) -> tuple[float, float]:
    """Share of the outline near which a stroke runs, and that of the worst covered side."""
    x1, y1, x2, y2 = box
    sides = (
        mask[_near(y1), x1 : x2 + 1].any(axis=0),
        mask[_near(y2), x1 : x2 + 1].any(axis=0),
        mask[y1 : y2 + 1, _near(x1)].any(axis=1),
        mask[y1 : y2 + 1, _near(x2)].any(axis=1),
    )
    shares = [float(side.mean()) if side.size else 0.0 for side in sides]
    return float(np.concatenate(sides).mean()), min(shares)


def _near(edge: int) -> slice:
    return slice(max(edge - 1, 0), edge + 2)


def _filled(mask: Mask, box: tuple[int, int, int, int]) -> bool:
    inner = mask[box[1] + 5 : box[3] - 4, box[0] + 5 : box[2] - 4]
    return bool(inner.size) and float(inner.mean()) > _HOLLOW


def _rings(mask: Mask) -> list[tuple[int, int, int, float]]:
    """(u, v, radius, coverage) of the thin rings among a stroke's parts, the surest first.

    A letter may touch its ring on the right, so a ring is measured from its left edge.
    """
    parts, _ = ndimage.label(mask)
    kept: list[tuple[int, int, int, float]] = []
    for rows, columns in ndimage.find_objects(parts):
        height = rows.stop - rows.start
        radius = height // 2
        if radius not in _RADII or columns.stop - columns.start > 4 * height:
            continue
        cut = columns.start == 0 and columns.stop - columns.start < height
        u = columns.stop - 1 - radius if cut else columns.start + radius
        v = rows.start + radius
        covered, inside = _round(mask, u, v, radius)
        if covered >= _RING and inside <= _HOLLOW:
            kept.append((int(u), int(v), int(radius), round(covered, 3)))
    kept.sort(key=lambda ring: -ring[3])
    return kept[: len(_LETTERS)]


def _round(mask: Mask, u: int, v: int, radius: int) -> tuple[float, float]:
    """Shares of a circle and of the disc well inside of it that a stroke covers."""
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    away = np.hypot(rows, columns)
    y, x = rows + v, columns + u
    here = (y >= 0) & (x >= 0) & (y < mask.shape[0]) & (x < mask.shape[1])
    near = ndimage.binary_dilation(mask[max(v - radius - 1, 0) : v + radius + 2])
    shifted = y - max(v - radius - 1, 0)
    circle = here & (np.abs(away - (radius - 0.5)) <= 0.6)
    middle = here & (away <= max(radius - 4, 1))
    if not circle.any() or not middle.any():
        return 0.0, 1.0
    return (
        float(near[shifted[circle], x[circle]].mean()),
        float(mask[y[middle], x[middle]].mean()),
    )


def _lettered(
    image: Rgb, colour: str, rings: Sequence[tuple[int, int, int, float]]
) -> tuple[list[DrawnPoint], float]:
    """Rings with the letters that fit best to what stands beside them, each letter once, and the
    best fit: other letters may be cut off by the edge of the picture."""
    ink = _ink(image, colour)
    fits = [[_fit(ink, ring, letter) for letter in _LETTERS[: len(rings)]] for ring in rings]
    best = max(
        permutations(range(len(rings))),
        key=lambda order: sum(fits[k][n] for k, n in enumerate(order)),
    )
    points = [
        DrawnPoint(colour, (u, v), radius, _LETTERS[n], score)
        for (u, v, radius, score), n in zip(rings, best, strict=True)
    ]
    return points, max(fits[k][n] for k, n in enumerate(best))


def _fit(ink: Float, ring: tuple[int, int, int, float], letter: str) -> float:
    """How well a letter explains the strokes to the right of a ring, -1..1."""
    u, v, radius, _ = ring
    rows, columns = np.mgrid[: ink.shape[0], : ink.shape[1]]
    free = np.where(np.hypot(rows - v, columns - u) > radius + 0.5, ink, 0.0)
    window = free[max(v - 2 * radius, 0) : v + 2 * radius + 1]
    window = window[:, max(u + radius - 1, 0) : u + 5 * radius]
    best = 0.0
    for size in sorted({round(radius * share) for share in (1.2, 1.4, 5 / 3, 2.0)}):
        glyph = _glyph(letter, max(size, 8))
        if glyph.shape[0] > window.shape[0] or glyph.shape[1] > window.shape[1]:
            continue
        best = max(best, _correlation(window, glyph))
    return best


def _ink(image: Rgb, colour: str) -> Float:
    """(H, W) 0..1: how near each pixel comes to the pure colour."""
    wanted = np.array(COLOURS[colour], np.float64)
    off = np.abs(image[:, :, None, :] - wanted).max(axis=3).min(axis=2)
    ink: Float = np.clip(1 - off / 255, 0, 1)
    return ink


@cache
def _glyph(letter: str, size: int) -> Float:
    """A letter's strokes, tightly cut with a free margin of a pixel."""
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (3 * size, 3 * size))
    ImageDraw.Draw(canvas).text((size, size), letter, 255, font_size=size)
    ink = np.asarray(canvas, np.float64) / 255
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    cut: Float = ink[rows[0] - 1 : rows[-1] + 2, columns[0] - 1 : columns[-1] + 2]
    return cut


def _correlation(window: Float, glyph: Float) -> float:
    """The largest normalised correlation of a glyph with any place of a window."""
    views = np.lib.stride_tricks.sliding_window_view(window, glyph.shape)
    patches = views.reshape(-1, glyph.size)
    patches = patches - patches.mean(axis=1, keepdims=True)
    flat = glyph.ravel() - glyph.mean()
    norms = np.linalg.norm(patches, axis=1) * np.linalg.norm(flat)
    return float((patches @ flat / np.maximum(norms, 1e-6)).max())

"""The circle that a round thing seen from one side goes on in: bottles, lamps, bins, vases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surveyor.core.geometry import Float

_LEAST = 8
_STEPS = 6
_SHARE, _FLAT = 0.02, 0.002
_ARC = np.radians(150)
_HOLE = np.radians(35)


@dataclass(frozen=True, slots=True)
class Disc:
    """A circle from above: its middle (x, y) and radius, metres."""

    x: float
    y: float
    radius: float


def disc_of(outline: Float) -> Disc | None:
    """The circle that a convex outline (N, 2) is most of, or None.

    Its corners lie on the circle to 2 % of the radius along one arc without holes, of more than 150
    degrees, and nothing sticks out of it: one view shows nearly half of a bottle's round. A handle,
    a spout or noise leaves none; a half-round table at a wall is taken for a whole one.
    """
    if len(outline) < _LEAST:
        return None
    on = np.ones(len(outline), np.bool_)
    middle = outline.mean(axis=0)
    local = outline - middle
    for _ in range(_STEPS):
        if on.sum() < _LEAST:
            return None
        center, radius = _circle(local[on])
        away = np.linalg.norm(local - center, axis=1) - radius
        tolerance = max(_FLAT, _SHARE * radius)
        now = np.abs(away) <= tolerance
        if (now == on).all():
            break
        on = now
    angles = np.sort(np.arctan2(*(local[on] - center).T[::-1]))
    gaps = np.sort(np.diff(np.append(angles, angles[0] + 2 * np.pi)))
    if (away > 2 * tolerance).any() or 2 * np.pi - gaps[-1] < _ARC or gaps[-2] > _HOLE:
        return None
    return Disc(float(middle[0] + center[0]), float(middle[1] + center[1]), radius)


def _circle(points: Float) -> tuple[Float, float]:
    """Middle (2,) and radius of the circle nearest to points (N, 2), by least squares."""
    left = np.column_stack([2 * points, np.ones(len(points))])
    found = np.linalg.lstsq(left, (points**2).sum(axis=1), rcond=None)[0]
    center = found[:2]
    return center, float(np.sqrt(max(found[2] + center @ center, 0.0)))

"""The floor's outline of a scan: from its walls where they close, else from the floor's rectangle.

The rectangle around a floor overstates every room that is not one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surveyor.core.geometry import Float
from surveyor.scenes.rooms.free_space import polygon_area

# A doorway may be missing between two walls; more than that is no outline.
WIDEST_GAP = 1.2
LEAST, MOST = 0.5, 1.08


def outline_of(walls: Sequence[Float], floor: Float) -> tuple[Float, str]:
    """The outline (N, 2), counter-clockwise, and what it was made of (``walls`` or ``floor``).

    ``walls`` are segments (2, 2) in any order and direction; ``floor`` (4, 2) is a rectangle.
    """
    box = abs(_area(floor))
    chained = _chain(list(walls)) if len(walls) >= 3 else None
    if chained is not None and LEAST * box <= abs(_area(chained)) <= MOST * box:
        return _counter_clockwise(chained), "walls"
    return _counter_clockwise(floor), "floor"


def _chain(left: list[Float]) -> Float | None:
    """Walls joined end to nearest end; ``None`` where that leaves a gap wider than allowed.

    Two neighbours whose lines cross nearby meet there; others are joined by a straight line.
    """
    ordered = [left.pop(int(np.argmax([np.linalg.norm(w[1] - w[0]) for w in left])))]
    while left:
        end = ordered[-1][1]
        gaps = np.array([[np.linalg.norm(w[k] - end) for k in range(2)] for w in left])
        which, side = np.unravel_index(int(gaps.argmin()), gaps.shape)
        if gaps[which, side] > WIDEST_GAP:
            return None
        wall = left.pop(int(which))
        ordered.append(wall if side == 0 else wall[::-1])
    if np.linalg.norm(ordered[-1][1] - ordered[0][0]) > WIDEST_GAP:
        return None
    corners: list[Float] = []
    for k, wall in enumerate(ordered):
        corners += _corner(wall, ordered[(k + 1) % len(ordered)])
    return np.array(corners)


def _corner(wall: Float, after: Float) -> list[Float]:
    """Where a wall meets the next: the crossing of their lines if it is near both ends."""
    along, other = wall[1] - wall[0], after[1] - after[0]
    matrix = np.stack([along, -other], axis=1)
    if abs(np.linalg.det(matrix)) > 0.2 * np.linalg.norm(along) * np.linalg.norm(other):
        share = np.linalg.solve(matrix, after[0] - wall[0])
        crossing = wall[0] + share[0] * along
        if max(np.linalg.norm(crossing - p) for p in (wall[1], after[0])) < WIDEST_GAP / 2:
            return [crossing]
    return [wall[1], after[0]]


def _area(polygon: Float) -> float:
    return polygon_area(tuple((float(x), float(y)) for x, y in polygon))


def _counter_clockwise(polygon: Float) -> Float:
    return polygon if _area(polygon) > 0 else polygon[::-1]

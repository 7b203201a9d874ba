"""Where something lies for someone who stands at a point and faces another."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from surveyor.core.geometry import Float


class Sectors(StrEnum):
    """How finely directions are told apart.

    ``easy``: left or right. ``medium``: left, right, or back from 135 degrees on. ``hard``: the
    four quadrants between the axes. ``compass``: north, west, south or east, where what is faced
    lies to the north.
    """

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"
    COMPASS = "compass"


def bearing(stand: Float, face: Float, query: Float) -> float:
    """Angle in radians in -pi..pi by which one turns, counter-clockwise seen from above.

    0 = straight ahead, positive = to the left. Points are (3,) or (2,), Z-up; height is ignored.
    """
    ahead, aim = face[:2] - stand[:2], query[:2] - stand[:2]
    cross = ahead[0] * aim[1] - ahead[1] * aim[0]
    return float(np.arctan2(cross, ahead @ aim))


def direction_word(angle: float, sectors: Sectors) -> str:
    """The word for a bearing (radians)."""
    side = "left" if angle >= 0 else "right"
    if sectors is Sectors.COMPASS:
        return ("north", "west", "south", "east")[round(angle / (np.pi / 2)) % 4]
    if sectors is Sectors.EASY:
        return side
    if sectors is Sectors.MEDIUM:
        return "back" if abs(angle) >= np.deg2rad(135) else side
    return f"{'front' if abs(angle) <= np.pi / 2 else 'back'}-{side}"


def degrees_aside(angle: float) -> int:
    """A bearing in the whole degrees that are told; 0 is straight on, neither left nor right."""
    return round(float(np.degrees(angle)))

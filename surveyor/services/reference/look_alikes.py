"""Views that are taken for views of another place, and views that show next to nothing.

Rooms that repeat and bare walls are what multi-view networks and feature matchers are fooled by
(doppelgangers: Cai et al., ICCV 2023). Two views of different rooms that are built alike seem to
share what they would share if the rooms were one, which exact maps say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surveyor.core.geometry import Float
from surveyor.services.reference.common_surface import samples, share_seen
from surveyor.services.reference.world import ImageView

_ROWS, _COLUMNS = 12, 16
_THINGS = 1 / 3  # share of things in a view from which on it shows enough


@dataclass(frozen=True, slots=True, eq=False)
class Doubles:
    """``shares`` (N, N): what two views of different, alike rooms seem to share; 0 for all other
    pairs. ``shifts`` (N, N, 3): by how much the first view's room lies away from the second's."""

    shares: Float
    shifts: Float


def doubles(views: list[ImageView]) -> Doubles:
    """Which views are doubles of each other, and how much they seem to share."""
    count = len(views)
    found = Doubles(np.zeros((count, count)), np.zeros((count, count, 3)))
    rooms = [_room(view) for view in views]
    clouds = [samples(view) for view in views]
    for i, here in enumerate(rooms):
        for j in range(i + 1, count):
            there = rooms[j]
            if here is None or there is None or here[0] != there[0] or here == there:
                continue
            shift = np.array([here[1] - there[1], here[2] - there[2], 0.0])
            seen = share_seen(clouds[j] + shift, views[i]), share_seen(clouds[i] - shift, views[j])
            found.shares[i, j] = found.shares[j, i] = min(seen)
            found.shifts[i, j], found.shifts[j, i] = shift, -shift
    return found


def bareness(views: list[ImageView]) -> Float:
    """(N,) from 0, where a third of a view shows things, to 1, where all of it is bare shell."""
    bare = []
    for view in views:
        v = np.linspace(0, view.height - 1, _ROWS).astype(int)
        u = np.linspace(0, view.width - 1, _COLUMNS).astype(int)
        things = (view.maps.ids[np.ix_(v, u)] <= len(view.truth.objects)).mean()
        bare.append(max(0.0, 1 - float(things) / _THINGS) ** 2)
    return np.array(bare)


def _room(view: ImageView) -> tuple[int, float, float] | None:
    """The kind of room that a camera stands in and the room's south-west corner; ``None`` where
    no other room is like it."""
    x, y = view.pose.position[:2]
    for kind, group in enumerate(view.world.alike(view.key)):
        for x0, y0, x1, y1 in group:
            if x0 <= x <= x1 and y0 <= y <= y1:
                return kind, x0, y0
    return None

"""The rooms of a place: its floor, parted where walls and doorways part it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from surveyor.core.geometry import Float, Vec2
from surveyor.tools.geometry.floor import Floor, floor_of

_TOP = (0.45, 0.06)
"""What is seen between so many metres below the ceiling is a wall, a lintel or a tall cupboard."""
_STANDS, _SLICES = (0.9, 2.0), 5
"""So is what is seen in all but one of so many slices between these heights above the floor."""
_BRIDGED = 0.3
_NARROW = (0.1, 0.3, 0.5, 0.7)
"""Half widths, metres, of the gaps that part rooms: first what walls and lintels leave open."""
_LEAST, _CORE = 2.5, 0.3
"""Square metres of a room, and of the part of it that is far enough from all walls."""


@dataclass(frozen=True, slots=True, eq=False)
class RoomParts:
    """Rooms of a place, largest first: ``labels`` (X, Y) of the floor's cells count from 1."""

    floor: Floor
    labels: NDArray[np.int32]

    @property
    def count(self) -> int:
        """How many rooms there are."""
        return int(self.labels.max(initial=0))

    def points(self, number: int) -> Float:
        """(N, 2) world metres of the floor of room ``number`` (from 1)."""
        return replace(self.floor, cells=self.labels == number).points()

    def area(self, number: int) -> float:
        """Square metres of room ``number``."""
        return float((self.labels == number).sum()) * self.floor.cell**2

    def at(self, points: Float) -> NDArray[np.int32]:
        """(N,) the room in which world points (N, 3) lie, seen from above; 0: in none."""
        cells = self.floor.cells_of(points[:, :2])
        inside = ((cells >= 0) & (cells < self.labels.shape)).all(axis=1)
        found = np.zeros(len(points), np.int32)
        found[inside] = self.labels[tuple(cells[inside].T)]
        return found


def rooms_of(cloud: Float) -> RoomParts:
    """Rooms of a place of which the points (N, 3) were seen, metres, +Z up.

    Walls are what reaches to just below the ceiling; so is the lintel over a doorway, which closes
    the room behind it. Where nothing does, gaps of up to 1.4 m part rooms. A place without such
    is one room.
    """
    floor = floor_of(cloud)
    walls = _walls(cloud, floor)
    for half in _NARROW:
        labels = _parted(floor, walls, half)
        if labels.max(initial=0) > 1:
            return RoomParts(floor, labels)
    return RoomParts(floor, floor.cells.astype(np.int32))


def _walls(cloud: Float, floor: Floor) -> NDArray[np.bool_]:
    """(X, Y) cells in which something reaches the ceiling or stands as high as a person."""
    bottom, top = np.quantile(cloud[:, 2], (0.005, 0.995))
    drawn = _drawn(cloud, floor, top - _TOP[0], top - _TOP[1])
    edges = np.linspace(bottom + _STANDS[0], bottom + _STANDS[1], _SLICES + 1)
    slices = [_drawn(cloud, floor, *edges[k : k + 2]) for k in range(_SLICES)]
    drawn |= np.sum([_thick(one) for one in slices], axis=0) >= _SLICES - 1
    radius = max(1, round(_BRIDGED / 2 / floor.cell))
    near = ndimage.distance_transform_edt(~drawn) <= radius
    closed: NDArray[np.bool_] = ndimage.distance_transform_edt(near) > radius
    return closed | drawn


def _drawn(cloud: Float, floor: Floor, low: float, high: float) -> NDArray[np.bool_]:
    """(X, Y) cells above which something is seen between two heights."""
    flat = cloud[(cloud[:, 2] > low) & (cloud[:, 2] < high), :2]
    cells = floor.cells_of(flat)
    inside = ((cells >= 0) & (cells < floor.cells.shape)).all(axis=1)
    drawn = np.zeros(floor.cells.shape, np.bool_)
    drawn[tuple(cells[inside].T)] = True
    return drawn


def _thick(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A wall that is no column of cells exactly is one all the same."""
    wider: NDArray[np.bool_] = ndimage.binary_dilation(cells, np.ones((3, 3), np.bool_))
    return wider


def _parted(floor: Floor, walls: NDArray[np.bool_], half: float) -> NDArray[np.int32]:
    """Labels of the floor's cells by the open part that each lies next to, largest first."""
    free = floor.cells & ~walls
    wide = ndimage.distance_transform_edt(np.pad(free, 1))[1:-1, 1:-1] * floor.cell > half
    labelled, count = ndimage.label(wide)
    parts: NDArray[np.int32] = labelled.astype(np.int32)
    cell = floor.cell**2
    sizes = np.bincount(parts.ravel(), minlength=count + 1) * cell
    cores = [k for k in range(1, count + 1) if sizes[k] >= _CORE]
    areas = np.bincount(_nearest(floor, parts, cores).ravel(), minlength=len(cores) + 1)[1:] * cell
    rooms = [cores[k] for k in np.argsort(-areas) if areas[k] >= _LEAST]
    if len(rooms) < 2:
        return floor.cells.astype(np.int32)
    return _nearest(floor, parts, rooms)


def _nearest(
    floor: Floor, parts: NDArray[np.signedinteger], chosen: Sequence[int]
) -> NDArray[np.int32]:
    """(X, Y) for every cell of the floor the place in ``chosen``, from 1, of its nearest part."""
    seeds = np.zeros(parts.shape, np.int32)
    for number, part in enumerate(chosen, start=1):
        seeds[parts == part] = number
    if not chosen:
        return seeds
    _, (rows, columns) = ndimage.distance_transform_edt(seeds == 0, return_indices=True)
    return np.where(floor.cells, seeds[rows, columns], 0).astype(np.int32)


def outline_of(points: Float) -> tuple[Vec2, ...]:
    """Counter-clockwise convex outline of floor points (N, 2); empty where they span no area."""
    if len(points) < 3:
        return ()
    try:
        hull = points[ConvexHull(points).vertices]
    except QhullError:
        return ()
    return tuple((float(x), float(y)) for x, y in np.round(hull, 3))

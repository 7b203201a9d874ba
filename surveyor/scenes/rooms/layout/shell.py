"""The shell of a room: floor, ceiling, walls with recesses for windows, skirting, lintels.

Inner faces meet exactly at their edges; a backing a few centimetres behind closes the seams, so
that no ray leaves the room.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from surveyor.scenes.rooms.catalog.openings import WINDOW_RECESS, sill
from surveyor.scenes.rooms.layout.floor_plan import DOORWAY_HEIGHT, FloorPlan, Rect, Wall
from surveyor.scenes.rooms.shapes import Part, box, grid_faces, rotation
from surveyor.scenes.rooms.surfaces.materials import BACKING, Material

Float = NDArray[np.float64]
Pieces = list[tuple[Part, Material]]
SEAM = 0.05
SKIRTING = 0.085


@dataclass(frozen=True, slots=True)
class Hole:
    """A window's place in a wall: middle along it, width, sill height and height, metres."""

    wall: int
    offset: float
    width: float
    bottom: float
    height: float


@dataclass(frozen=True, slots=True)
class Finish:
    """Materials of a room's shell."""

    wall: tuple[Material, ...]
    floor: tuple[Material, ...]
    ceiling: Material
    trim: Material


@dataclass(frozen=True, slots=True, eq=False)
class ShellSurface:
    """A structural thing with an instance id of its own."""

    category: str
    pieces: tuple[tuple[Part, Material], ...]


def build_shell(
    plan: FloorPlan,
    holes: Sequence[Hole],
    doors: Sequence[tuple[int, float, float]],
    finish: Finish,
) -> tuple[ShellSurface, ...]:
    """Floor, ceiling, one surface for each wall, and lintels.

    ``doors`` are (wall, middle offset, width): the skirting leaves them out.
    """
    surfaces = [
        ShellSurface("floor", tuple(_floor(plan, finish))),
        ShellSurface("ceiling", tuple(_ceiling(plan, finish))),
    ]
    for wall in plan.walls():
        own = [h for h in holes if h.wall == wall.index]
        gaps = [(offset, width) for index, offset, width in doors if index == wall.index]
        paint = finish.wall[max(wall.region, 0) % len(finish.wall)]
        pieces = [(part, paint) for part in _wall_face(wall, plan.height, own)]
        pieces += [(part, BACKING) for part in _wall_backing(plan, wall, own)]
        for hole in own:
            pieces += _recess(wall, hole, finish.trim)
        pieces += _skirting(plan, wall, gaps, finish.trim)
        pieces += _fittings(wall, own, gaps, finish.trim)
        surfaces.append(ShellSurface("wall", tuple(pieces)))
    for passage in plan.passages:
        surfaces.append(ShellSurface("wall", tuple(_lintel(plan, passage, finish))))
    return tuple(surfaces)


def level(r: Rect, z: float, up: bool) -> Part:
    """A floor or ceiling rectangle with world coordinates as its texture coordinates."""
    corners = np.array([[r.x0, r.y0, z], [r.x0, r.y1, z], [r.x1, r.y0, z], [r.x1, r.y1, z]])
    faces = grid_faces(2, 2)
    normal = np.tile([0.0, 0.0, 1.0 if up else -1.0], (4, 1))
    return Part(corners, normal, corners[:, :2].copy(), faces if up else faces[:, [0, 2, 1]])


def upright(wall: Wall, a0: float, a1: float, z0: float, z1: float, inside: float = 0.0) -> Part:
    """A rectangle on a wall, or parallel to it, facing the room."""
    spots = [(a0, z0), (a0, z1), (a1, z0), (a1, z1)]
    corners = np.array([[*wall.at(a, inside), z] for a, z in spots])
    normal = np.tile([*wall.inward, 0.0], (4, 1))
    # along x up points out of the room for a counter-clockwise outline, hence the flip.
    return Part(corners, normal, np.array(spots), grid_faces(2, 2)[:, [0, 2, 1]])


def _floor(plan: FloorPlan, finish: Finish) -> Iterator[tuple[Part, Material]]:
    for k, cell in enumerate(plan.cells):
        region = min(k, len(plan.regions) - 1) if plan.passages else 0
        yield level(cell, 0.0, up=True), finish.floor[region % len(finish.floor)]
    yield level(_bounds(plan), -SEAM, up=True), BACKING


def _ceiling(plan: FloorPlan, finish: Finish) -> Iterator[tuple[Part, Material]]:
    for cell in plan.cells:
        yield level(cell, plan.height, up=False), finish.ceiling
    yield level(_bounds(plan), plan.height + SEAM, up=False), BACKING


def _bounds(plan: FloorPlan) -> Rect:
    width, depth = plan.extent
    return Rect(-SEAM, -SEAM, width + SEAM, depth + SEAM)


def _wall_face(wall: Wall, height: float, holes: Sequence[Hole]) -> Iterator[Part]:
    """The wall's inner face."""
    return _pierced(wall, holes, (0.0, wall.length), (0.0, height), 0.0)


def _wall_backing(plan: FloorPlan, wall: Wall, holes: Sequence[Hole]) -> Iterator[Part]:
    """The same a little behind: an outline with mitred corners that grows or shrinks with them."""
    corners = plan.outline
    before = corners[wall.index] - corners[wall.index - 1]
    after = corners[(wall.index + 2) % len(corners)] - corners[(wall.index + 1) % len(corners)]
    low = SEAM if before @ wall.inward < 0 else -SEAM
    high = SEAM if after @ wall.inward > 0 else -SEAM
    ends = (-low, wall.length + high)
    return _pierced(wall, holes, ends, (-SEAM, plan.height + SEAM), -SEAM)


def _pierced(
    wall: Wall,
    holes: Sequence[Hole],
    ends: tuple[float, float],
    heights: tuple[float, float],
    inside: float,
) -> Iterator[Part]:
    """Rectangles along a wall that leave its holes open."""
    (a0, a1), (z0, z1) = ends, heights
    cuts = sorted({a0, a1, *(h.offset + s * h.width / 2 for h in holes for s in (-1, 1))})
    for left, right in pairwise(cuts):
        hole = next((h for h in holes if abs(h.offset - (left + right) / 2) < h.width / 2), None)
        if hole is None:
            yield upright(wall, left, right, z0, z1, inside)
        else:
            yield upright(wall, left, right, z0, hole.bottom, inside)
            yield upright(wall, left, right, hole.bottom + hole.height, z1, inside)


def _recess(wall: Wall, h: Hole, trim: Material) -> Pieces:
    """The four sides of a window's niche, and its sill board."""
    a0, a1 = h.offset - h.width / 2, h.offset + h.width / 2
    z0, z1 = h.bottom, h.bottom + h.height
    deep, over = WINDOW_RECESS + 0.02, 0.01
    turn = rotation(z=wall.heading)
    pieces: Pieces = []

    def slab(x: float, y: float, z: float, a: float, height: float) -> None:
        part = box(x, y, z, 0.0).turned(turn)
        at = wall.at(a, -deep / 2)
        pieces.append((part.moved(float(at[0]), float(at[1]), height), trim))

    thick = 0.02
    for a in (a0 - thick / 2, a1 + thick / 2):
        slab(deep, thick, h.height + 2 * over, a, (z0 + z1) / 2)
    for z in (z0 - thick / 2, z1 + thick / 2):
        slab(deep, h.width + 2 * over, thick, h.offset, z)
    board = sill(h.width).pieces[0][0].turned(turn)
    at = wall.at(h.offset, -WINDOW_RECESS / 2 + 0.03)
    pieces.append((board.moved(float(at[0]), float(at[1]), z0 - 0.03), trim))
    return pieces


def _skirting(
    plan: FloorPlan, wall: Wall, gaps: Sequence[tuple[float, float]], trim: Material
) -> Iterator[tuple[Part, Material]]:
    """Boards along the foot of a wall, between its doors."""
    ends = [0.0]
    for offset, width in sorted(gaps):
        ends += [offset - width / 2, offset + width / 2]
    ends.append(wall.length)
    turn = rotation(z=wall.heading)
    for start, end in zip(ends[::2], ends[1::2], strict=True):
        if end - start < 0.03:
            continue
        at = wall.at((start + end) / 2, 0.006)
        board = box(0.014, end - start, SKIRTING, 0.003).turned(turn)
        yield board.moved(float(at[0]), float(at[1]), SKIRTING / 2), trim


def _fittings(
    wall: Wall, holes: Sequence[Hole], gaps: Sequence[tuple[float, float]], trim: Material
) -> Iterator[tuple[Part, Material]]:
    """A light switch beside each door, a socket near both ends of longer walls."""
    turn = rotation(z=wall.heading)
    places = [(offset - width / 2 - 0.12, 1.1) for offset, width in gaps]
    ends = (0.35, wall.length - 0.35) if wall.length > 1.6 else ()
    near_door = [(offset, width / 2 + 0.1) for offset, width in gaps]
    places += [(a, 0.28) for a in ends if all(abs(a - o) > w for o, w in near_door)]
    for a, z in places:
        at = wall.at(a, 0.004)
        if 0.05 < a < wall.length - 0.05 and all(abs(a - h.offset) > h.width / 2 for h in holes):
            for size, depth in ((0.08, 0.01), (0.052, 0.016)):
                plate = box(depth, size, size, 0.002).turned(turn)
                yield plate.moved(float(at[0]), float(at[1]), z), trim


def _lintel(plan: FloorPlan, r: Rect, finish: Finish) -> Iterator[tuple[Part, Material]]:
    """The wall above a doorway."""
    z0, z1 = DOORWAY_HEIGHT, plan.height + SEAM
    cx, cy = r.centre
    block = box(r.x1 - r.x0, r.y1 - r.y0, z1 - z0, 0.0)
    yield block.moved(cx, cy, (z0 + z1) / 2), finish.wall[0]

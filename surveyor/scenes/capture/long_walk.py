"""Long walks: how a place of many rooms is filmed, room by room and along its corridor.

In every room the camera is led as in a room of its own (`surveyor.scenes.capture.trajectory`);
between rooms it walks, looking ahead, the shortest way that a person could take. How much is spent
on a room and how quickly one walks differ from place to place, so neighbouring frames share more
in one than in another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from surveyor.core.cameras import Camera
from surveyor.core.errors import UserError
from surveyor.core.geometry import Intrinsics
from surveyor.scenes.capture.coverage import Outline
from surveyor.scenes.capture.rendering import PHONE, camera_at, renderer
from surveyor.scenes.capture.standing import STEP, StandableFloor, free_space
from surveyor.scenes.capture.trajectory import CameraTrajectory, Stage, Style, plan_on
from surveyor.scenes.capture.view_scores import CameraView
from surveyor.scenes.rooms.layout.floor_plan import Rect
from surveyor.scenes.rooms.room import Room, countable

Float = NDArray[np.float64]
STYLES: tuple[Style, ...] = ("orbit", "pan")
LEAST = 8
"""Frames that a room gets however short the walk."""
TURN = float(np.radians(10))
AHEAD = 4
"""Points of the way over which the camera looks ahead: 0.4 m."""


def plan_walk(
    room: Room, n_frames: int, *, intrinsics: Intrinsics = PHONE, repeating: bool = False
) -> CameraTrajectory:
    """Plan ``n_frames`` cameras through all rooms of a place.

    In a ``repeating`` place equal rooms are filmed alike, as a person with a habit would. What a
    frame shows is not estimated: ``pixels`` has no columns. Raises
    `UserError` where nobody can stand in any room or the frames are too few for the rooms.
    """
    rng = np.random.default_rng([room.spec.seed, 506])
    space, film = free_space(room), renderer(room)
    style = STYLES[int(rng.integers(len(STYLES)))]
    pace = float(rng.uniform(0.35, 0.6))
    rooms = [r for r in _in_order(room) if len(_within(space, r).points)]
    if not rooms:
        raise UserError("nobody can stand in this place: choose another seed")
    each = int(n_frames * (1 - pace)) // len(rooms)
    if each < LEAST:
        raise UserError(
            f"{n_frames} frames are too few for {len(rooms)} rooms; "
            f"ask for {LEAST * len(rooms) * 3 // 2} or more"
        )
    stays: list[list[CameraView]] = []
    for number, rect in enumerate(rooms):
        inside = _within(space, rect)
        stage = Stage(
            seed=room.spec.seed * 100 + (0 if repeating else number),
            height=room.height,
            objects=room.objects,
            wanted=_wanted(room, rect),
            space=inside,
            film=film,
            outline=Outline.of_rect(rect, room.plan.extent),
        )
        planned = plan_on(stage, each, style=style, intrinsics=intrinsics)
        stays.append([_view(camera) for camera in planned.cameras])
    views = _joined(stays, space, n_frames)
    cameras = tuple(camera_at(view.pose(), intrinsics) for view in views)
    return CameraTrajectory(cameras, style, np.zeros((len(views), 0)), np.zeros((len(views), 2)))


def _in_order(room: Room) -> list[Rect]:
    """The rooms off the corridor, in the order in which one passes their doors."""
    doors = room.plan.passages
    order = sorted(range(len(doors)), key=lambda k: doors[k].centre[0])
    return [room.plan.regions[1 + k] for k in order]


def _within(space: StandableFloor, rect: Rect) -> StandableFloor:
    """The part of the free floor that lies in a room."""
    x, y = space.points.T
    inside = (x > rect.x0) & (x < rect.x1) & (y > rect.y0) & (y < rect.y1)
    points = space.points[inside]
    mask = np.zeros_like(space.mask)
    cell = np.floor(points / STEP).astype(int)
    mask[cell[:, 0], cell[:, 1]] = True
    return replace(space, mask=mask, points=points)


def _wanted(room: Room, rect: Rect) -> NDArray[np.bool_]:
    """(objects,) what is in a room, or on its walls, and may be asked about."""

    def inside(x: float, y: float) -> bool:
        return rect.x0 - 0.2 < x < rect.x1 + 0.2 and rect.y0 - 0.2 < y < rect.y1 + 0.2

    return np.array([countable(o.category) and inside(*o.box.center[:2]) for o in room.objects])


def _view(camera: Camera) -> CameraView:
    """A level camera as a view again."""
    T = np.array(camera.T_world_camera)
    ahead = T[:3, 2]
    heading, pitch = np.arctan2(ahead[1], ahead[0]), np.arcsin(np.clip(ahead[2], -1, 1))
    x, y, z = T[:3, 3].tolist()
    return CameraView(x, y, z, float(heading), float(pitch))


def _joined(
    stays: Sequence[Sequence[CameraView]], space: StandableFloor, n_frames: int
) -> list[CameraView]:
    """The stays in a row; what is left of the frames is spread over the ways between them."""
    ways = [_turned(a[-1], [*_way(a[-1], b[0], space)], b[0]) for a, b in pairwise(stays)]
    left = n_frames - sum(map(len, stays))
    along = [view for way in ways for view in way]
    spent = np.linspace(0, len(along) - 1, min(left, len(along))).round().astype(int)
    kept = {int(k) for k in spent}
    views: list[CameraView] = []
    number = 0
    for k, stay in enumerate(stays):
        views += stay
        for view in ways[k] if k < len(ways) else ():
            if number in kept:
                views.append(view)
            number += 1
    while len(views) < n_frames:  # ways too short for what is left: stand a moment longer
        views.append(views[-1])
    return views


def _turned(start: CameraView, way: list[CameraView], end: CameraView) -> list[CameraView]:
    """A way with the turns in it, at its ends and on it, taken in steps of ten degrees."""
    whole: list[CameraView] = []
    for a, b in pairwise([start, *way, end]):
        turn = abs((b.heading - a.heading + np.pi) % (2 * np.pi) - np.pi)
        steps = max(1, int(turn / TURN))
        whole += [a.to(b, k / steps) for k in range(1, steps + 1)]
    return whole[:-1]


def _way(start: CameraView, end: CameraView, space: StandableFloor) -> Iterator[CameraView]:
    """Views every ten centimetres on the shortest free way from one view to another."""
    path = shortest_way(space, (start.x, start.y), (end.x, end.y))
    for k, (x, y) in enumerate(path):
        share = (k + 1) / (len(path) + 1)
        tx, ty = path[min(k + AHEAD, len(path) - 1)] - path[max(k - 1, 0)]
        heading = float(np.arctan2(ty, tx)) if tx or ty else end.heading
        height = start.z + (end.z - start.z) * share
        yield CameraView(float(x), float(y), height, heading, float(np.radians(-10)))


def shortest_way(
    space: StandableFloor, start: tuple[float, float], end: tuple[float, float]
) -> Float:
    """Free floor points (N, 2), neighbours in the grid, from one place to another; straight across
    where no way leads (both ends are then the nearest free points)."""
    points = space.points
    a, b = (int(np.hypot(*(points - p).T).argmin()) for p in (start, end))
    number = np.full(space.mask.shape, -1)
    cells = np.floor(points / STEP).astype(int)
    number[cells[:, 0], cells[:, 1]] = np.arange(len(points))
    rows, columns, lengths = [], [], []
    for dx, dy in ((1, 0), (0, 1), (1, 1), (1, -1)):
        beside = np.full_like(number, -1)
        source = number[: -dx or None, max(-dy, 0) : -dy if dy > 0 else None]
        beside[: -dx or None, max(-dy, 0) : -dy if dy > 0 else None] = number[
            dx:, max(dy, 0) : dy if dy < 0 else None
        ]
        there = beside[: -dx or None, max(-dy, 0) : -dy if dy > 0 else None]
        both = (source >= 0) & (there >= 0)
        rows.append(source[both])
        columns.append(there[both])
        lengths.append(np.full(int(both.sum()), float(np.hypot(dx, dy))))
    shape = (len(points), len(points))
    graph = sparse.csr_array(
        (np.concatenate(lengths), (np.concatenate(rows), np.concatenate(columns))), shape=shape
    )
    # The stubs know no sparse arrays here, only the older matrices.
    _, before = dijkstra(graph, directed=False, indices=a, return_predecessors=True)  # type: ignore[call-overload]
    path = [b]
    while path[-1] != a and before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    way: Float = points[path[::-1]]
    return way

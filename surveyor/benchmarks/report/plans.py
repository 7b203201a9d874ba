"""An episode from above, as it was measured: objects, walls, cameras, and from where was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from surveyor.benchmarks.report.pictures import colour_of
from surveyor.core.geometry import Float, Scale, Vec3
from surveyor.memory.episodes import Episode
from surveyor.memory.events import ToolStatus
from surveyor.tools.geometry.kept import KeptGeometry

_MARGIN = 0.6
_MOST = 40
_CELL: Final = 0.1
"""Metres of a cell of the walls."""
_WALL: Final = (1.7, 2.3)
"""Metres above the lowest points, where little but walls is."""
_ENOUGH: Final = 4
_LONG: Final = 0.35

Blob = Callable[[str], bytes | None]
Point = tuple[float, float]


class PlanObject(BaseModel):
    """An object in a result's data; other fields are of no concern here. Metres, Z-up."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    handle: str
    category: str
    center: Vec3
    size: Vec3
    scale: Scale = Scale.METRIC
    accepted: bool = True

    @property
    def colour(self) -> str:
        """The CSS colour of its category."""
        return f"rgb{colour_of(self.category)}"

    @property
    def left(self) -> float:
        """Least x."""
        return self.center[0] - self.size[0] / 2

    @property
    def top(self) -> float:
        """Least y of the picture, which points down where the world's points up."""
        return -self.center[1] - self.size[1] / 2


@dataclass(frozen=True, slots=True)
class PlanArrow:
    """From one point to another; ``kind`` is ``camera`` (where it stood and looked), ``asked``
    (from where the question asks, and what is faced), ``sought`` or ``length``. y points down."""

    kind: str
    start: Point
    end: Point


@dataclass(frozen=True, slots=True)
class DrawnPlan:
    """A view from above: x right, y up, everything in metres. ``walls`` are the left lower corners
    of cells, y down, in which points stand at the height of walls."""

    objects: tuple[PlanObject, ...]
    left: float
    top: float
    width: float
    height: float
    walls: tuple[Point, ...] = ()
    arrows: tuple[PlanArrow, ...] = ()

    @property
    def wall_path(self) -> str:
        """The walls as an SVG path in centimetres: one stroke a cell."""
        step = round(100 * _CELL)
        return "".join(f"M{100 * x:.0f} {100 * y:.0f}h{step}" for x, y in self.walls)

    @property
    def text_size(self) -> float:
        """Height of labels, in metres of the plan."""
        return max(self.width, self.height) / 26


def plan(episode: Episode, blob: Blob = lambda _: None) -> DrawnPlan | None:
    """The objects of the last result that placed any, or nothing where none did in metres; with
    ``blob``, what the run kept, also walls and cameras of the same space."""
    for outcome in reversed(episode.outcomes):
        found = tuple(_objects(outcome.data))[:_MOST]
        if found:
            space = _space(outcome.data)
            walls, cameras = _kept(episode, space, blob)
            return _framed(found, walls, (*cameras, *_asked(episode, found)))
    return None


def _objects(data: JsonValue) -> Iterator[PlanObject]:
    rows = data.get("objects") if isinstance(data, dict) else None
    for row in rows if isinstance(rows, list) else ():
        try:
            placed = PlanObject.model_validate(row)
        except ValidationError:
            continue
        if placed.accepted and placed.scale is not Scale.RELATIVE:
            yield placed


def _space(data: JsonValue) -> str:
    rows = data.get("objects") if isinstance(data, dict) else None
    first = rows[0] if isinstance(rows, list) and rows else {}
    return str(first.get("space", "")) if isinstance(first, dict) else ""


def _kept(
    episode: Episode, space: str, blob: Blob
) -> tuple[tuple[Point, ...], tuple[PlanArrow, ...]]:
    """Walls and cameras of a reconstruction, where the run kept it and it is in metres."""
    for outcome in episode.outcomes:
        row = outcome.data if isinstance(outcome.data, dict) else {}
        ref = row.get("geometry")
        if row.get("handle") == space and isinstance(ref, dict):
            document = blob(str(ref.get("sha256")))
            kept = KeptGeometry.model_validate_json(document) if document else None
            if kept is not None and kept.scale is not Scale.RELATIVE:
                return _walls(kept, blob(kept.cloud.sha256)), tuple(_cameras(kept))
    return (), ()


def _walls(kept: KeptGeometry, cloud: bytes | None) -> tuple[Point, ...]:
    if not cloud:
        return ()
    raw = np.frombuffer(cloud, "<u2").reshape(-1, 3)
    points: Float = np.array(kept.origin) + kept.step * raw.astype(np.float64)
    height = points[:, 2] - np.quantile(points[:, 2], 0.01)
    high = points[(height > _WALL[0]) & (height < _WALL[1]), :2]
    cells, counts = np.unique(np.floor(high / _CELL).astype(int), axis=0, return_counts=True)
    return tuple((x * _CELL, -y * _CELL) for x, y in cells[counts >= _ENOUGH].tolist())


def _cameras(kept: KeptGeometry) -> Iterator[PlanArrow]:
    for view in kept.views:
        pose = np.array(view.T_world_camera)
        at, ahead = pose[:2, 3], pose[:2, 2]
        yield _arrow("camera", at, at + _LONG * ahead / max(1e-6, float(np.linalg.norm(ahead))))


def _asked(episode: Episode, objects: Sequence[PlanObject]) -> Iterator[PlanArrow]:
    """Where the question asks from, and the lengths that the answer rests on."""
    places = {placed.handle: np.array(placed.center[:2]) for placed in objects}
    answered = {o.call_id: o for o in episode.outcomes if o.status is ToolStatus.OK}
    for call in episode.calls:
        outcome, given = answered.get(call.call_id), call.arguments
        if outcome is None:
            continue
        if call.name == "direction" and isinstance(given, dict):
            yield from _stood(given, places)
        points = outcome.data.get("points") if isinstance(outcome.data, dict) else None
        if isinstance(points, list) and len(points) == 2:
            ends = [np.asarray(point, np.float64)[:2] for point in points]
            yield _arrow("length", ends[0], ends[1])


def _stood(given: Mapping[str, JsonValue], places: Mapping[str, Float]) -> Iterator[PlanArrow]:
    stand, face, query = (places.get(str(given.get(k))) for k in ("stand", "face", "query"))
    if stand is not None and face is not None:
        yield _arrow("asked", stand, face)
    if stand is not None and query is not None:
        yield _arrow("sought", stand, query)


def _arrow(kind: str, start: Float, end: Float) -> PlanArrow:
    return PlanArrow(kind, (float(start[0]), -float(start[1])), (float(end[0]), -float(end[1])))


def _framed(
    objects: tuple[PlanObject, ...], walls: tuple[Point, ...], arrows: tuple[PlanArrow, ...]
) -> DrawnPlan:
    corners = [(p.left, p.top) for p in objects]
    corners += [(p.left + p.size[0], p.top + p.size[1]) for p in objects]
    corners += [*walls, *(point for arrow in arrows for point in (arrow.start, arrow.end))]
    (left, top), (right, bottom) = np.min(corners, axis=0), np.max(corners, axis=0)
    left, top, right, bottom = left - _MARGIN, top - _MARGIN, right + _MARGIN, bottom + _MARGIN
    width = max(right - left, 1.6 * (bottom - top))
    start = left - (width - right + left) / 2
    return DrawnPlan(
        objects, float(start), float(top), float(width), float(bottom - top), walls, arrows
    )

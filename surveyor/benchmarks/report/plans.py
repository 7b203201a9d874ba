"""The objects of an episode from above, as they were measured: a plan for the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from surveyor.benchmarks.report.pictures import colour_of
from surveyor.core.geometry import Scale, Vec3
from surveyor.memory.episodes import Episode

_MARGIN = 0.6
_MOST = 40


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
class Plan:
    """A view from above: x right, y up, everything in metres."""

    objects: tuple[PlanObject, ...]
    left: float
    top: float
    width: float
    height: float

    @property
    def text_size(self) -> float:
        """Height of labels, in metres of the plan."""
        return max(self.width, self.height) / 26


def plan(episode: Episode) -> Plan | None:
    """The objects of the last result that placed any, or nothing where none did in metres."""
    for outcome in reversed(episode.outcomes):
        found = tuple(_objects(outcome.data))[:_MOST]
        if found:
            return _framed(found)
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


def _framed(objects: tuple[PlanObject, ...]) -> Plan:
    left = min(placed.left for placed in objects) - _MARGIN
    top = min(placed.top for placed in objects) - _MARGIN
    right = max(placed.left + placed.size[0] for placed in objects) + _MARGIN
    bottom = max(placed.top + placed.size[1] for placed in objects) + _MARGIN
    width = max(right - left, 1.6 * (bottom - top))
    return Plan(objects, left - (width - right + left) / 2, top, width, bottom - top)

"""One measurement over views that stay apart: in every view that shows what is named, and joined.

So that no planner has to list the views in which all names were found, nor take a median.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Annotated, Any, Literal, Protocol, Self, TypeVar

from pydantic import Field, JsonValue

from surveyor.core.errors import ModelMistake
from surveyor.tools.measuring.naming import Within, found_under, is_handle, named_spaces
from surveyor.tools.records import FrameRecord, MeasureRecord
from surveyor.tools.spec import ToolResult
from surveyor.tools.workspace import Workspace

JoinViews = Annotated[
    Literal["vote", "best"] | None,
    Field(
        description="for views that were not reconstructed together: measure in every one that "
        "shows all of the names, and take the median (vote; of counts the most that two views "
        "agree on, of words the commonest) or the surest view's (best)"
    ),
]


class ByView(Protocol):
    """Arguments of a tool that looks up names."""

    @property
    def within(self) -> Within:
        """Where names are looked up."""

    @property
    def join(self) -> JoinViews:
        """How views are joined."""

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """The same with other values."""


A = TypeVar("A", bound=ByView)
Measures = Callable[[A, Workspace], Awaitable[ToolResult]]


@dataclass(frozen=True, slots=True)
class _ViewReading:
    """What one view says; ``value`` is a number, a word, or a ranking's first."""

    view: str
    value: float | str
    weight: float
    result: ToolResult


def joining_views(
    measure: Measures[A], names: Callable[[A], Iterable[str]], counts: bool = False
) -> Measures[A]:
    """``measure``, which joins views where its arguments ask for that.

    ``names`` are those that a view must show. Raises `ModelMistake` for handles, for ``within``
    beside ``join``, where no view shows them all, and what the last view refuses where all do.
    """

    async def measured(asked: A, workspace: Workspace) -> ToolResult:
        if asked.join is None:
            return await measure(asked, workspace)
        wanted = tuple(names(asked))
        if asked.within is not None or any(is_handle(one, workspace) for one in wanted):
            raise ModelMistake("join is for names in all views; leave out join, or give only names")
        readings, refused = [], ""
        for view in _views(wanted, workspace):
            one = asked.model_copy(update={"within": view, "join": None})
            try:
                result = await measure(one, workspace)
            except ModelMistake as error:  # this view alone doesn't show enough
                refused = str(error)
                continue
            readings.append(_reading(view, wanted, result, workspace))
        if not readings:
            raise ModelMistake(
                refused
                or f"no view alone shows {' and '.join(wanted)}; measure without join where views "
                "were reconstructed together, or look at more frames"
            )
        return _joined(readings, asked.join == "vote", counts, workspace)

    return measured


def _views(names: Sequence[str], workspace: Workspace) -> list[str]:
    return [
        space
        for space in reversed(named_spaces(names, workspace))
        if workspace.stands_for(space, (FrameRecord,))
    ]


def _reading(
    view: str, names: Sequence[str], result: ToolResult, workspace: Workspace
) -> _ViewReading:
    data = result.data if isinstance(result.data, dict) else {}
    order = data.get("order")
    if isinstance(order, list):
        first = order[0]
        return _ViewReading(
            view, str(first[0] if isinstance(first, list) else first), len(order), result
        )
    value = data.get("value")
    told = float(value) if isinstance(value, int | float) else str(value)
    shown = [record for name in names for _, record in found_under(name, view, workspace)]
    return _ViewReading(view, told, min((one.confidence for one in shown), default=1.0), result)


def _joined(
    readings: Sequence[_ViewReading], vote: bool, counts: bool, workspace: Workspace
) -> ToolResult:
    if counts:
        chosen, value, how = _of_counts(readings, vote)
    elif not vote:
        chosen = max(readings, key=lambda reading: reading.weight)
        value, how = chosen.value, "in the surest view"
    else:
        chosen, value, how = _voted(readings)
    handles = tuple(reading.result.handles[0] for reading in readings)
    listed = ", ".join(f"{reading.view} {_said(reading.value)}" for reading in readings)
    data = dict(chosen.result.data) if isinstance(chosen.result.data, dict) else {}
    unit = str(data.get("unit", ""))
    handle = workspace.add("meas", MeasureRecord(value, unit), handles)
    data["handle"] = handle
    if value != chosen.value:  # between two views: no place in either
        data |= {"value": value, "points": []}
    text = _told(chosen, value, unit)
    return ToolResult(
        text=f"{handle}: {text}; {how} of {len(readings)} ({listed})",
        data=data,
        handles=(handle, *handles),
        sources=handles,
    )


def _of_counts(
    readings: Sequence[_ViewReading], vote: bool
) -> tuple[_ViewReading, float | str, str]:
    """A view may show too few of them but hardly too many."""
    ranked = sorted(readings, key=lambda reading: float(reading.value))
    if vote and len(ranked) > 1:
        return ranked[-2], ranked[-2].value, "the most that two views agree on"
    return ranked[-1], ranked[-1].value, "in the fullest view"


def _voted(readings: Sequence[_ViewReading]) -> tuple[_ViewReading, float | str, str]:
    numbers = [reading.value for reading in readings if isinstance(reading.value, float)]
    if numbers:
        middle = median(numbers)
        chosen = min(readings, key=lambda reading: abs(float(reading.value) - middle))
        return chosen, middle, "the median"
    if "order" in _data(readings[0]):  # a ranking of fewer says less
        fullest = max(reading.weight for reading in readings)
        readings = [reading for reading in readings if reading.weight == fullest]
    winner, _ = Counter(reading.value for reading in readings).most_common(1)[0]
    chosen = next(reading for reading in readings if reading.value == winner)
    return chosen, winner, "the commonest"


def _data(reading: _ViewReading) -> dict[str, JsonValue]:
    return reading.result.data if isinstance(reading.result.data, dict) else {}


def _told(chosen: _ViewReading, value: float | str, unit: str) -> str:
    """The chosen view's words after its handle; a number between two views stands alone."""
    if value != chosen.value and isinstance(value, float):
        return f"{value:.2f} {unit}"
    return chosen.result.text.partition(": ")[2]


def _said(value: float | str) -> str:
    return f"{value:.2f}".removesuffix(".00") if isinstance(value, float) else value

"""The tool-corruption probe: instruments that lie, consistently, in a seeded share of episodes.

A lie reaches everything that a planner could rest its answer on: the text and data that it
reads, and the records behind the handles that it passes on. Every handle gets its own factor and
the world is mirrored in x, so sizes, distances, orders and directions all come out wrong. A
planner whose answers do not move was not using its instruments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import JsonValue

from agent.loop import Toolbox
from benchmarks.run.config import Corruption
from memory.blobs import sha256_of
from memory.events import ToolOutcome, ToolStatus
from scenes.geometry import Float, OrientedBox, PointCloud
from tools.records import (
    BoxRecord,
    CloudRecord,
    DepthRecord,
    MeasureRecord,
    ObjectRecord,
    Record,
    RoomRecord,
)
from tools.spec import CallRequest
from tools.workspace import Workspace

_DECIMAL = re.compile(r"(?<![\w.])-?\d+\.\d+")
_HANDLE = re.compile(r"[a-z]+_\d+")
_OPPOSITE = {"left": "right", "right": "left", "front": "back", "back": "front"}
_KEPT = frozenset({"score", "confidence", "support", "visible"})
_MIRROR = np.array([-1.0, 1.0, 1.0])


def is_corrupted(task_id: str, corruption: Corruption) -> bool:
    """Whether this task's instruments lie; the same for every epoch and every planner."""
    return _draw(corruption, task_id) < corruption.share


@dataclass(frozen=True, slots=True)
class LyingTools:
    """A toolbox that passes calls on and falsifies what comes back."""

    inner: Toolbox
    corruption: Corruption

    @property
    def schemas(self) -> Sequence[dict[str, Any]]:
        """The same tools: a planner cannot know."""
        return self.inner.schemas

    async def execute(
        self, turn: int, calls: Sequence[CallRequest], workspace: Workspace
    ) -> tuple[ToolOutcome, ...]:
        """Outcomes in call order, falsified where the probe wants it."""
        outcomes = await self.inner.execute(turn, calls, workspace)
        if not is_corrupted(workspace.task.id, self.corruption):
            return outcomes
        return tuple(self._falsify(outcome, workspace) for outcome in outcomes)

    def _falsify(self, outcome: ToolOutcome, workspace: Workspace) -> ToolOutcome:
        named = self.corruption.tool in ("", outcome.name)
        if outcome.status is not ToolStatus.OK or not named:
            return outcome
        lie = _Lie(self.corruption, workspace.task.id, outcome.call_id)
        for handle in outcome.handles:
            workspace.revise(handle, lambda record, h=handle: lie.record(record, h))  # type: ignore[misc]
        text = "\n".join(lie.line(line) for line in outcome.text.split("\n"))
        return outcome.model_copy(update={"text": text, "data": lie.data(outcome.data, None)})


@dataclass(frozen=True, slots=True)
class _Lie:
    corruption: Corruption
    task_id: str
    call_id: str

    def factor(self, handle: str | None) -> float:
        """Between ``1 - strength`` and ``1 + strength``, and never within a third of it of 1."""
        strength = self.corruption.strength
        draw = 2 * _draw(self.corruption, self.task_id, handle or self.call_id) - 1
        return 1 + strength * (np.sign(draw) or 1) * (1 + 2 * abs(draw)) / 3

    def record(self, record: Record, handle: str) -> Record:
        """What the handle stands for from now on."""
        f = self.factor(handle)
        match record:
            case ObjectRecord():
                return replace(record, box=_moved(record.box, f), cloud=record.cloud * f * _MIRROR)
            case CloudRecord():
                points: Float = record.cloud.points * f * _MIRROR
                return replace(record, cloud=PointCloud(points, record.cloud.scale))
            case DepthRecord():
                depth = replace(record.depth, values=record.depth.values * np.float32(f))
                return replace(record, depth=depth)
            case BoxRecord():
                left, top, right, bottom = record.box
                return replace(record, box=(left * f, top * f, right * f, bottom * f))
            case MeasureRecord():
                return replace(record, value=self.value(record.value, handle))
            case RoomRecord():
                return replace(record, area=record.area * f)
            case _:
                return record

    def line(self, line: str) -> str:
        """A line of text with its decimals scaled, by the factor of the handle it speaks of."""
        named = _HANDLE.search(line)
        f = self.factor(named.group() if named else None)
        return _DECIMAL.sub(lambda match: f"{float(match.group()) * f:.2f}", line)

    def data(self, value: JsonValue, handle: str | None) -> JsonValue:
        """Data with its measured numbers scaled and its directions turned round."""
        if isinstance(value, list):
            return [self.data(item, handle) for item in value]
        if isinstance(value, dict):
            own = value.get("handle")
            named = own if isinstance(own, str) else handle
            return {key: self._field(key, item, named) for key, item in value.items()}
        return value * self.factor(handle) if isinstance(value, float) else value

    def _field(self, key: str, item: JsonValue, handle: str | None) -> JsonValue:
        if key in _KEPT:
            return item
        if key == "value" and isinstance(item, str | int | float):
            return self.value(item, handle)
        return self.data(item, handle)

    def value(self, value: float | str, handle: str | None) -> float | str:
        """A measured value: numbers are scaled (counts by at least one), words turned round."""
        if isinstance(value, str):
            return "-".join(_OPPOSITE.get(word, word) for word in value.split("-"))
        scaled = float(value) * self.factor(handle)
        if float(value).is_integer() and value < 100:
            other = round(scaled)
            return float(other if other != value else value + 1)
        return scaled


def _moved(box: OrientedBox, f: float) -> OrientedBox:
    x, y, z = box.center
    a, b, c = box.size
    return box.model_copy(update={"center": (-x * f, y * f, z * f), "size": (a * f, b * f, c * f)})


def _draw(corruption: Corruption, *parts: str) -> float:
    """A number in [0, 1) that depends on the seed and the parts alone."""
    text = "\0".join((str(corruption.seed), *parts))
    return int(sha256_of(text.encode())[:13], 16) / 16**13

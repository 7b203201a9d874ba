"""The tool-corruption probe: instruments that lie, consistently, in a seeded share of episodes.

A lie reaches everything that a planner could rest its answer on: the text and data that it reads,
and the records behind the handles that it passes on. Lengths are scaled, by a factor of its own
for every handle, where evidence first comes in; what rests on a lie is wrong as it is, and a
second factor might take the first one back. Verdicts (a direction, an order, a count) are turned
into others wherever they are pronounced. A planner whose answers do not move was not using its
instruments.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import JsonValue

from surveyor.agent.loop import Toolbox
from surveyor.benchmarks.run.config import Corruption
from surveyor.core.blobs import sha256_of
from surveyor.core.geometry import OrientedBox, PointCloud
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.tools.records import (
    BoxRecord,
    CloudRecord,
    DepthRecord,
    MeasureRecord,
    ObjectRecord,
    Record,
    RoomRecord,
)
from surveyor.tools.spec import CallRequest
from surveyor.tools.workspace import Workspace

_SCALED = (BoxRecord, CloudRecord, DepthRecord, MeasureRecord, ObjectRecord, RoomRecord)
_DECIMAL = re.compile(r"(?<![\w.])-?\d+\.\d+")
_HANDLE = re.compile(r"[a-z]+_\d+")
_OPPOSITE = {"left": "right", "right": "left", "front": "back", "back": "front"}
_KEPT = frozenset({"score", "confidence", "support", "visible", "axes"})


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
        if outcome.status is not ToolStatus.OK or self.corruption.tool not in ("", outcome.name):
            return outcome
        first = self.corruption.tool or not any(
            workspace.stands_for(handle, _SCALED) for handle in workspace.evidence(outcome.sources)
        )
        lie = _Lie(self.corruption, workspace.task.id, bool(first), _verdicts(outcome.data))
        for handle in outcome.handles:
            workspace.revise(handle, lie.behind(handle))
        text = "\n".join(lie.line(line) for line in outcome.text.split("\n"))
        return outcome.model_copy(update={"text": text, "data": lie.data(outcome.data, "")})


def _verdicts(data: JsonValue) -> Mapping[str, str]:
    """What a result decided, word by word, and what it shall have decided instead."""
    if not isinstance(data, dict):
        return {}
    value, order = data.get("value"), data.get("order")
    if isinstance(order, list):
        names = [str(row[0]) for row in order if isinstance(row, list) and row]
        return dict(zip(names, names[1:] + names[:1], strict=True))
    if isinstance(value, str):
        return _OPPOSITE
    if isinstance(value, int | float) and float(value).is_integer() and not data.get("unit"):
        return {f"{value:g}": f"{value + 1:g}"}
    return {}


@dataclass(frozen=True, slots=True)
class _Lie:
    """One result's lie: lengths by a factor if ``scale``, ``words`` by others."""

    corruption: Corruption
    task_id: str
    scale: bool
    words: Mapping[str, str]

    def factor(self, handle: str) -> float:
        """Between ``1 - strength`` and ``1 + strength``, never within a third of it of 1."""
        if not self.scale:
            return 1.0
        draw = 2 * _draw(self.corruption, self.task_id, handle) - 1
        return 1 + self.corruption.strength * math.copysign(1 + 2 * abs(draw), draw) / 3

    def behind(self, handle: str) -> _Scaling:
        """What becomes of the record behind a handle."""
        return _Scaling(self.factor(handle), self)

    def line(self, line: str) -> str:
        """A line of text, its decimals scaled by the factor of the handle it speaks of."""
        named = _HANDLE.search(line)
        f = self.factor(named.group() if named else "")
        if f != 1:
            line = _DECIMAL.sub(lambda match: f"{float(match.group()) * f:.2f}", line)
        return self.word(line)

    def word(self, text: str) -> str:
        """Text with its verdicts turned."""
        if not self.words:
            return text
        known = "|".join(map(re.escape, self.words))
        return re.sub(rf"\b({known})\b", lambda match: self.words[match.group()], text)

    def data(self, value: JsonValue, handle: str, key: str = "") -> JsonValue:
        """Data with its lengths scaled and its verdicts turned."""
        if isinstance(value, dict):
            own = value.get("handle")
            named = own if isinstance(own, str) else handle
            return {
                name: item if name in _KEPT else self.data(item, named, name)
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self.data(item, handle, key) for item in value]
        if key in ("value", "order") and isinstance(value, str):
            return self.word(value)
        if key == "value" and isinstance(value, int | float):
            return self.number(value, handle)
        return value * self.factor(handle) if isinstance(value, float) else value

    def number(self, value: float, handle: str) -> float:
        """A measured number: a count becomes another, a length is scaled."""
        other = self.words.get(f"{value:g}")
        return float(other) if other is not None else value * self.factor(handle)


@dataclass(frozen=True, slots=True)
class _Scaling:
    """The lie as it is told to one record."""

    factor: float
    lie: _Lie

    def __call__(self, record: Record) -> Record:
        f = self.factor
        match record:
            case ObjectRecord():
                return replace(record, box=_scaled(record.box, f), cloud=record.cloud * f)
            case CloudRecord():
                return replace(
                    record, cloud=PointCloud(record.cloud.points * f, record.cloud.scale)
                )
            case DepthRecord():
                depth = replace(record.depth, values=record.depth.values * np.float32(f))
                return replace(record, depth=depth)
            case BoxRecord():
                left, top, right, bottom = record.box
                return replace(record, box=(left * f, top * f, right * f, bottom * f))
            case RoomRecord():
                return replace(record, area=record.area * f)
            case MeasureRecord():
                return replace(record, value=self._value(record.value))
            case _:
                return record

    def _value(self, value: float | str) -> float | str:
        if isinstance(value, str):
            return self.lie.word(value)
        other = self.lie.words.get(f"{value:g}")
        return float(other) if other is not None else value * self.factor


def _scaled(box: OrientedBox, f: float) -> OrientedBox:
    x, y, z = box.center
    a, b, c = box.size
    return box.model_copy(update={"center": (x * f, y * f, z * f), "size": (a * f, b * f, c * f)})


def _draw(corruption: Corruption, *parts: str) -> float:
    """A number in [0, 1) that depends on the seed and the parts alone."""
    text = "\0".join((str(corruption.seed), *parts))
    return int(sha256_of(text.encode())[:13], 16) / 16**13

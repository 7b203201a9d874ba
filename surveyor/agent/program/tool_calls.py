"""Making tool calls from a generator: it yields turns and is sent what came back."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import orjson
from pydantic import JsonValue

from surveyor.agent.planner import Observation, Turn
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.tools.spec import CallRequest

T = TypeVar("T")
Steps = Generator[Turn, tuple[Observation, ...], T]
"""A piece of an episode: turns out, observations in, a value at the end."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool by name, with its arguments."""

    name: str
    arguments: dict[str, JsonValue]


class Caller:
    """Numbers one session's calls; ``frames`` are the handles of what it may look at, ``offered``
    the tools that there are, if that is known. ``missed`` are those called that there are not."""

    def __init__(self, frames: Sequence[str] = (), offered: Collection[str] = ()) -> None:
        self.frames = tuple(frames)
        self.missed: list[str] = []
        self._offered = offered
        self._made = 0

    def together(self, calls: Sequence[Call], why: str = "") -> Steps[tuple[ToolOutcome, ...]]:
        """Make calls in one turn; outcomes in call order."""
        requests = []
        for call in calls:
            self._made += 1
            if self._offered and call.name not in (*self._offered, *self.missed):
                self.missed.append(call.name)
            raw = orjson.dumps(call.arguments).decode()
            requests.append(CallRequest(f"call_{self._made}", call.name, raw))
        seen = yield Turn(calls=tuple(requests), notes={"why": why} if why else {})
        return tuple(outcome for outcome in seen if isinstance(outcome, ToolOutcome))

    def one(self, name: str, why: str = "", **arguments: JsonValue) -> Steps[ToolOutcome | None]:
        """Make one call; ``None`` when the tool refused it."""
        (outcome,) = yield from self.together([Call(name, arguments)], why)
        return worked(outcome)


class StepSession:
    """A planner's session for one question, written as a generator of its turns."""

    def __init__(self, steps: Steps[None]) -> None:
        self._steps = steps
        self._begun = False

    async def next(self, observations: tuple[Observation, ...]) -> Turn:
        """The next turn, given what came back from the last one."""
        if not self._begun:
            self._begun = True
            return next(self._steps)
        return self._steps.send(observations)


def worked(outcome: ToolOutcome) -> ToolOutcome | None:
    """The outcome, unless its call was refused."""
    return outcome if outcome.status is ToolStatus.OK else None


def group(outcome: ToolOutcome) -> str | None:
    """The group's handle of a call that gives single handles and a group, if it gave any."""
    return outcome.handles[-1] if worked(outcome) is not None and len(outcome.handles) > 1 else None

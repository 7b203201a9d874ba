"""A planner that plays a script: for tests, examples and regression.

A script is a generator: it yields turns and is sent what came back from each, so it can react.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias

from surveyor.agent.planner import Observation, PlannerInput, Turn
from surveyor.core.tasks import Task

Play: TypeAlias = Generator[Turn, tuple[Observation, ...], None]
Script: TypeAlias = Callable[[Task, PlannerInput], Play]


def turns(*sequence: Turn) -> Script:
    """A script that takes these turns whatever comes back."""

    def play(_task: Task, _brief: PlannerInput) -> Play:
        for turn in sequence:
            _seen = yield turn

    return play


class ScriptedPlanner:
    """Plays ``script`` anew for every episode."""

    def __init__(self, script: Script, name: str = "scripted") -> None:
        self.name = name
        self._script = script

    def start(self, task: Task, brief: PlannerInput) -> ScriptedSession:
        """Begin the play for one task."""
        return ScriptedSession(self._script(task, brief))


class ScriptedSession:
    """One run through a script; past its end every turn is a mistake, so a limit ends it."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._began = False

    async def next(self, observations: tuple[Observation, ...]) -> Turn:
        """The script's next turn."""
        try:
            if not self._began:
                self._began = True
                return next(self._play)
            return self._play.send(observations)
        except StopIteration:
            return Turn(mistake="the script has ended without an answer")

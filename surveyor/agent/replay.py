"""A planner that takes the turns of a recorded episode again.

Tools really run again; the recorded model is not asked and not billed. With the same tools and
seeds a replay gives the same results, which is what makes it a regression test.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from surveyor.agent.planner import PlannerInput, Turn
from surveyor.agent.scripted import ScriptedSession, turns
from surveyor.core.tasks import Task
from surveyor.memory.episodes import Episode
from surveyor.memory.events import Answer, Event, FormatError, ToolCall
from surveyor.tools.spec import CallRequest


def recorded_turns(events: Iterable[Event]) -> tuple[Turn, ...]:
    """The decisions in one attempt's events, in order."""
    calls: dict[int, list[CallRequest]] = defaultdict(list)
    decided: dict[int, Turn] = {}
    for event in events:
        if isinstance(event, ToolCall) and not event.parent:
            calls[event.turn].append(CallRequest(event.call_id, event.name, event.raw_arguments))
        elif isinstance(event, FormatError):
            decided[event.turn] = Turn(mistake=event.observation, raw=event.raw)
        elif isinstance(event, Answer):
            decided[event.turn] = Turn(
                answer=event.text, sources=event.sources, guess=event.guess, notes=event.notes
            )
    decided |= {number: Turn(calls=tuple(made)) for number, made in calls.items()}
    return tuple(decided[number] for number in sorted(decided))


class ReplayPlanner:
    """Replays the episode that ``recall`` returns for a task.

    ``recall`` may raise `UserError` when no such episode is on record.
    """

    def __init__(self, recall: Callable[[Task], Episode], name: str = "replay") -> None:
        self.name = name
        self._recall = recall

    def start(self, task: Task, brief: PlannerInput) -> ScriptedSession:
        """Begin the replay of one recorded episode."""
        script = turns(*recorded_turns(self._recall(task).events))
        return ScriptedSession(script(task, brief))

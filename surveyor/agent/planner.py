"""What a planner is: it sees a task and observations, and takes turns.

Every planner (chat, program, scripted, replay) speaks this protocol, so the loop has one shape.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from surveyor.core.tasks import Task
from surveyor.memory.events import FormatError, ModelCall, ToolOutcome
from surveyor.skills.entries import RetrievedSkill
from surveyor.tools.spec import CallRequest

Observation = ToolOutcome | FormatError


@dataclass(frozen=True, slots=True)
class PlannerInput:
    """What a planner is told besides the task: tool schemas, skills, and the frames' handles.

    >>> PlannerInput(tools=(), frame_handles=("frame_0",)).frame_handles
    ('frame_0',)
    """

    tools: tuple[dict[str, Any], ...]
    frame_handles: tuple[str, ...] = ()
    skills: tuple[RetrievedSkill, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One decision. Exactly one of calls, answer, mistake and refusal is set.

    ``sources`` are handles that the answer rests on. ``mistake`` describes output that was
    neither a call nor an answer; the loop turns it into an observation. ``refusal`` is why the
    model will not answer, in its own words: the episode has failed. ``model`` is the request behind
    this turn, if a model was asked. ``guess`` says that the answer rests on nothing that was seen
    or measured; ``notes`` say why, and go into the log with the answer or the first call.

    >>> Turn(answer="2.4", sources=("obj_1", "obj_2")).answer
    '2.4'
    """

    calls: tuple[CallRequest, ...] = ()
    answer: str | None = None
    sources: tuple[str, ...] = ()
    guess: bool = False
    mistake: str | None = None
    refusal: str | None = None
    raw: str = ""
    model: ModelCall | None = None
    notes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = (self.answer, self.mistake, self.refusal)
        if bool(self.calls) + sum(one is not None for one in given) != 1:
            raise ValueError("a turn is either calls, or an answer, a mistake or a refusal")


class Session(Protocol):
    """One episode's worth of planning."""

    async def next(self, observations: tuple[Observation, ...]) -> Turn:
        """Decide, given what came back from the previous turn's calls, in call order.

        Raises `surveyor.core.errors.InfrastructureError` when the model cannot be reached; the loop
        ends the episode as incomplete.
        """
        ...


class Planner(Protocol):
    """A factory of sessions; ``name`` goes into the log.

    >>> from surveyor.agent.scripted import ScriptedPlanner, turns
    >>> planner: Planner = ScriptedPlanner(turns(Turn(answer="4")), name="always four")
    """

    @property
    def name(self) -> str: ...

    def start(self, task: Task, brief: PlannerInput) -> Session:
        """Begin an episode; must not block."""
        ...

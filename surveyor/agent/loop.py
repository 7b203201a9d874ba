"""The loop: check limits, let the planner take a turn, record it, run its tools, look again.

Nothing else happens here. Skills were retrieved before, scoring comes after, and what a turn
means is the planner's business. Every event is on disk before the next thing happens, so a killed
process leaves a log that says how far it came.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import orjson
from pydantic import JsonValue

from surveyor.agent.boundary import ProviderRefused, boundary
from surveyor.agent.limits import LimitExceeded, Limits, LimitScope
from surveyor.agent.planner import Observation, Planner, PlannerInput, Session, Turn
from surveyor.agent.survey.skills import at_hand
from surveyor.core.errors import InfrastructureError
from surveyor.core.tasks import Task
from surveyor.core.untrusted_text import is_shallow
from surveyor.memory.events import (
    Answer,
    EpisodeEnded,
    EpisodeStarted,
    Event,
    FormatError,
    LimitHit,
    SkillsRetrieved,
    ToolCall,
    ToolOutcome,
    ToolStatus,
)
from surveyor.skills.entries import RetrievedSkill
from surveyor.tools.nesting import performer, within
from surveyor.tools.spec import CallRequest

if TYPE_CHECKING:
    from surveyor.tools.workspace import Workspace

_SCOPE = "episode"


class Log(Protocol):
    """Where events go: `surveyor.memory.log.EpisodeLog`, or anything that appends in order."""

    def append(self, event: Event) -> Event: ...


class Toolbox(Protocol):
    """What the loop needs of `surveyor.tools.registry.Registry`."""

    @property
    def schemas(self) -> Sequence[dict[str, Any]]: ...

    async def execute(
        self, turn: int, calls: Sequence[CallRequest], workspace: Workspace
    ) -> tuple[ToolOutcome, ...]:
        """Outcomes in call order; the planner's mistakes are outcomes, not exceptions."""
        ...


@dataclass(frozen=True, slots=True)
class _EpisodeState:
    """Where an episode plays: what its turns may touch."""

    registry: Toolbox
    workspace: Workspace
    log: Log
    scope: LimitScope


async def run_episode(
    task: Task,
    planner: Planner,
    registry: Toolbox,
    workspace: Workspace,
    log: Log,
    limits: Limits,
    skills: tuple[RetrievedSkill, ...] = (),
    epoch: int = 0,
    attempt: int = 0,
    *,
    frame_handles: tuple[str, ...] | None = None,
    retrieved: SkillsRetrieved | None = None,
) -> EpisodeEnded:
    """Play one attempt at one task and log it; return its end.

    ``frame_handles`` are the frames that the planner is told of, by default all the workspace has.
    Raises `UserError` for what the person running must mend, and lets bugs of ours crash; in both
    cases the log has no end and the episode is incomplete.
    """
    began = time.monotonic()
    log.append(_started(task, planner.name, epoch, attempt))
    if retrieved is not None:
        log.append(retrieved)

    def report_limit(stop: LimitExceeded) -> None:
        log.append(LimitHit(limit=stop.limit, value=stop.value, bound=stop.bound))

    with boundary(report_limit, _SCOPE) as verdict:
        async with limits.scope(_SCOPE) as scope:
            shown = workspace.frame_handles if frame_handles is None else frame_handles
            brief = PlannerInput(tuple(registry.schemas), shown, skills)
            stage = _EpisodeState(registry, workspace, log, scope)
            at_hand.set(skills)
            try:
                await _converse(planner.start(task, brief), stage)
            finally:
                await workspace.aclose()
    ended = EpisodeEnded(
        status=verdict.status, reason=verdict.reason, elapsed=time.monotonic() - began
    )
    log.append(ended)
    return ended


async def _converse(session: Session, stage: _EpisodeState) -> None:
    """Take turns until one is an answer; limits and failures leave by exception."""
    observations: tuple[Observation, ...] = ()
    mistakes = 0
    while True:
        stage.scope.check()
        number = stage.scope.spent.turns
        turn = await session.next(observations)
        _record_model_call(turn, number, stage)
        if turn.refusal is not None:
            raise ProviderRefused(f"refused: {turn.refusal}")
        if turn.answer is not None:
            stage.log.append(_answer(turn, turn.answer, number))
            return
        if turn.mistake is not None:
            observations = (_format_error(turn, number, stage.log),)
        else:
            observations = await _run_tools(turn, number, stage)
        mistakes = 0 if any(_useful(o) for o in observations) else mistakes + 1
        stage.scope.tolerate(mistakes)


def _record_model_call(turn: Turn, number: int, stage: _EpisodeState) -> None:
    stage.scope.take_turn(turn.model.usage if turn.model else None)
    if turn.model is not None:
        known = turn.model.turn == number
        stage.log.append(turn.model if known else turn.model.model_copy(update={"turn": number}))


def _format_error(turn: Turn, number: int, log: Log) -> FormatError:
    error = FormatError(turn=number, raw=turn.raw, observation=turn.mistake or "")
    log.append(error)
    return error


def _answer(turn: Turn, text: str, number: int) -> Answer:
    return Answer(
        turn=number, text=text, sources=turn.sources, guess=turn.guess, notes=dict(turn.notes)
    )


async def _run_tools(turn: Turn, number: int, stage: _EpisodeState) -> tuple[ToolOutcome, ...]:
    """Log and run the calls of one turn; a tool that failed through no fault of the planner ends
    the episode as incomplete."""

    async def inner(parent: str, calls: Sequence[CallRequest], why: str) -> tuple[ToolOutcome, ...]:
        token = within.set(parent)
        try:
            return await _perform(calls, {"why": why} if why else {}, number, stage, parent)
        finally:
            within.reset(token)

    performer.set(inner)
    return await _perform(turn.calls, turn.notes, number, stage)


async def _perform(
    calls: Sequence[CallRequest],
    notes: Mapping[str, str],
    number: int,
    stage: _EpisodeState,
    parent: str = "",
) -> tuple[ToolOutcome, ...]:
    stage.scope.take_calls(len(calls))
    for position, call in enumerate(calls):
        stage.log.append(
            ToolCall(
                turn=number,
                call_id=call.call_id,
                name=call.name,
                raw_arguments=call.raw_arguments,
                arguments=_parsed(call.raw_arguments),
                notes=dict(notes) if position == 0 else {},
                parent=parent,
            )
        )
    outcomes = await stage.registry.execute(number, calls, stage.workspace)
    for outcome in outcomes:
        stage.log.append(outcome)
    for outcome in outcomes:
        if outcome.status is ToolStatus.FAILED:
            raise InfrastructureError(f"{outcome.name} failed: {outcome.text}")
    return outcomes


def _useful(observation: Observation) -> bool:
    return isinstance(observation, ToolOutcome) and observation.status is ToolStatus.OK


def _parsed(raw_arguments: str) -> dict[str, JsonValue] | None:
    """The argument object, or ``None`` when the text is not one, or is nested beyond all sense."""
    try:
        value = orjson.loads(raw_arguments)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) and is_shallow(value) else None


def _started(task: Task, planner: str, epoch: int, attempt: int) -> EpisodeStarted:
    return EpisodeStarted(
        task_id=task.id,
        epoch=epoch,
        attempt=attempt,
        dataset=task.dataset,
        scene_id=task.scene_id,
        split=task.split,
        question_type=task.question_type,
        question=task.question,
        options=task.options,
        planner=planner,
        task_hash=hashlib.sha256(task.model_dump_json().encode()).hexdigest(),
        frames=tuple(frame.image.sha256 for frame in task.frames),
    )

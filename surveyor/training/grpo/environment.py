"""The environment of reinforcement learning: the same tools and workspace as a run, as an object.

It is framework-free: ``reset(**row)``, one coroutine a tool, ``episode()`` for the reward. TRL
takes the class as it is (`environment_factory`); other frameworks get thin adapters. Live experts
or the result cache answer, whichever the client was made with.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from surveyor.core.blobs import BlobStore
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.tasks import Task
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import (
    Answer,
    EpisodeEnded,
    EpisodeStarted,
    EpisodeStatus,
    Event,
    ModelCall,
    ToolCall,
    ToolOutcome,
    ToolStatus,
)
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.tools.spec import CallRequest
from surveyor.tools.workspace import Workspace


@dataclass(frozen=True, slots=True)
class RolloutStage:
    """What all environments of a training share. ``most`` calls are run in an episode; ``images``
    says whether results show theirs."""

    tasks: Mapping[str, Task]
    registry: Registry
    client: Callable[[], ExpertClient]
    stores: Sequence[BlobStore] = ()
    most: int = 48
    images: bool = False

    @property
    def schemas(self) -> tuple[dict[str, Any], ...]:
        """The tools as a run shows them to a model."""
        return self.registry.schemas


@dataclass
class _Played:
    task: Task
    workspace: Workspace
    events: list[Event] = field(default_factory=list)
    order: asyncio.Lock = field(default_factory=asyncio.Lock)
    calls: int = 0


class Environment:
    """One rollout at a time; `environment_of` adds a method for every tool."""

    stage: RolloutStage

    def __init__(self) -> None:
        self._played: _Played | None = None

    def reset(self, task_id: str = "", **_row: Any) -> None:
        """Begin an episode of a task; the other columns of its row are not needed here."""
        task = self.stage.tasks.get(task_id)
        if task is None:
            raise UserError(
                f"there is no task {task_id!r} in the datasets of this training; name the dataset "
                "that the prompts were made from"
            )
        self._played = _Played(task, Workspace(task, self.stage.client()))
        self._played.events.append(
            EpisodeStarted(
                task_id=task.id,
                dataset=task.dataset,
                scene_id=task.scene_id,
                split=task.split,
                question_type=task.question_type,
                question=task.question,
                options=task.options,
                planner="grpo",
                frames=tuple(frame.image.sha256 for frame in task.frames),
            )
        )

    async def _call(self, name: str, raw: str) -> Any:
        """What a call came to; ``raw`` are its arguments as they were said."""
        played = self._now
        async with played.order:  # calls of one turn in order, so that handles are numbered so
            number = played.calls
            played.calls += 1
            call = CallRequest(f"call_{number}", name, raw)
            played.events.append(
                ToolCall(
                    turn=number,
                    call_id=call.call_id,
                    name=name,
                    raw_arguments=raw,
                    arguments=_read(raw),
                )
            )
            outcome = await self._outcome(number, call)
            played.events.append(outcome)
        if outcome.status is ToolStatus.FAILED:
            raise InfrastructureError(f"{name} failed: {outcome.text}")
        return self._shown(outcome)

    async def _outcome(self, number: int, call: CallRequest) -> ToolOutcome:
        if number >= self.stage.most:
            return ToolOutcome(
                turn=number,
                call_id=call.call_id,
                name=call.name,
                status=ToolStatus.MISTAKE,
                text=f"this was more than {self.stage.most} calls; give the answer",
            )
        (outcome,) = await self.stage.registry.execute(number, [call], self._now.workspace)
        return outcome

    def _shown(self, outcome: ToolOutcome) -> Any:
        if not outcome.images or not self.stage.images:
            return outcome.text
        import io

        from PIL import Image

        parts: list[dict[str, Any]] = [{"type": "text", "text": outcome.text}]
        for ref in outcome.images:
            data = self._now.workspace.experts.image(ref.sha256)
            parts.append({"type": "image", "image": Image.open(io.BytesIO(data)).convert("RGB")})
        return parts

    @property
    def _now(self) -> _Played:
        if self._played is None:
            raise RuntimeError("the environment was not reset")
        return self._played

    def _episode(self, answer: str | None, said: str = "", *, cut: bool = False) -> Episode:
        """What happened, ended by an answer or by none, as a run's log would tell it."""
        events = list(self._now.events)
        last = self._now.calls
        finish = "length" if cut else "stop"
        events.append(ModelCall(model="grpo", turn=last, text=said, finish=finish))
        if answer is not None:
            events.append(Answer(turn=last, text=answer))
        status = EpisodeStatus.ANSWERED if answer is not None else EpisodeStatus.FAILED
        events.append(EpisodeEnded(status=status))
        episode = fold(events)
        assert episode is not None
        return episode


def environment_of(stage: RolloutStage) -> type[Environment]:
    """The environment's class for one stage, with a coroutine for every tool."""
    methods = {tool.name: _method(tool.name) for tool in stage.registry.tools}
    return type("Rooms", (Environment,), {"stage": stage, **methods})


def _read(raw: str) -> dict[str, Any] | None:
    try:
        value = json.loads(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _method(name: str) -> Callable[..., Any]:
    async def method(self: Environment, **arguments: Any) -> Any:
        return await self._call(name, orjson.dumps(arguments).decode())

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Call the tool {name}."
    return method

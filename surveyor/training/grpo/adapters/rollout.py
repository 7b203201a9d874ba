"""One rollout for a framework that brings the model's words and wants results and a reward.

Frameworks run their hooks in event loops of their own, some in a new one a turn. The connections to
experts and the scorer live as long as the training, so all here runs in one loop beside theirs.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from surveyor.memory.episodes import Episode
from surveyor.skills.workflow import Workflow
from surveyor.training.grpo.environment import Environment, RolloutStage, environment_of
from surveyor.training.grpo.trl import Marker, answer_of
from surveyor.training.rewards.parts import WEIGHTS, Reward, Rewarded, rewards

T = TypeVar("T")
_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)


@dataclass
class Grounds:
    """What rollouts share: the tools, who scores, and what a reward is made of.

    A reward here is of one rollout alone: the part `tools`, which compares a group, then compares
    with nothing, as in a group where everybody used tools.
    """

    stage: RolloutStage
    marker: Marker
    weights: Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS))
    workflows: Mapping[str, Workflow] = field(default_factory=dict)
    _loop: asyncio.AbstractEventLoop | None = None

    def __post_init__(self) -> None:
        self._kind: type[Environment] = environment_of(self.stage)

    def rollout(self, task_id: str) -> OutsideRollout:
        """Begin an episode; `UserError` for a task that the datasets do not have."""
        environment = self._kind()
        environment.reset(task_id=task_id)
        return OutsideRollout(self, environment)

    async def worth(self, episode: Episode) -> Reward:
        """What a whole episode is worth."""
        told = await self.marker(episode)
        workflow = self.workflows.get(episode.started.task_id)
        (reward,) = rewards(
            [Rewarded(episode, told.score, workflow, boxes=told.boxes)], self.weights
        )
        return reward

    async def here(self, work: Coroutine[Any, Any, T]) -> T:
        """Run in our loop, and wait for it in the caller's."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, daemon=True).start()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


@dataclass(frozen=True, slots=True)
class OutsideRollout:
    """An episode that goes on outside."""

    grounds: Grounds
    environment: Environment

    async def call(self, name: str, arguments: str) -> Any:
        """What a call came to: a text, or text and pictures in parts where the stage shows them.
        Calls that make no sense get a sentence, as in a run; raises `InfrastructureError`."""
        return await self.grounds.here(self.environment._call(name, arguments))

    async def reward(self, text: str, *, cut: bool = False) -> Reward:
        """The reward, when ``text`` was the last that the model said; ``cut``: it was too long."""
        said, answer = answer_of([{"role": "assistant", "content": text}])
        episode = self.environment._episode(None if cut else answer, said, cut=cut)
        return await self.grounds.here(self.grounds.worth(episode))


def calls_in(text: str) -> list[tuple[str, str]]:
    """Names and arguments of the calls in a turn as Qwen3 writes them; what is no JSON object
    becomes a call without a name, which the tools answer with a sentence."""
    found = []
    for block in _CALL.findall(text):
        try:
            call = json.loads(block)
            name, arguments = str(call["name"]), call.get("arguments", {})
        except (ValueError, KeyError, TypeError):
            found.append(("", block.strip()))
            continue
        raw = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
        found.append((name, raw))
    return found


def as_text(shown: Any) -> str:
    """A result without its pictures."""
    if isinstance(shown, str):
        return shown
    return "\n".join(part["text"] for part in shown if part["type"] == "text")

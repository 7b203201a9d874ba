"""verifiers' environments around our loop; made for and tried with verifiers 0.4.0.

There a harness is whatever plays a task by the endpoint that it is lent, which keeps the tokens. So
the whole `chat` planner plays, as in a run, and says what it was worth. In a module of your own,
here ``rooms.py``: ``RoomsTaskset, RoomsHarness = plugin_of(grounds)``, both in ``__all__``; then
``--env.taskset.id rooms --env.agent.harness.id rooms --env.agent.runtime.type subprocess``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.core.errors import InfrastructureError
from surveyor.memory.episodes import fold
from surveyor.memory.events import EpisodeStatus
from surveyor.memory.log import EventList
from surveyor.tools.workspace import Workspace
from surveyor.training.extras import need
from surveyor.training.grpo.adapters.rollout import Grounds
from surveyor.training.rewards.parts import Reward


class _Lent(httpx2.AsyncHTTPTransport):
    """Requests with the secret of one rollout, which no environment variable holds."""

    def __init__(self, secret: str) -> None:
        super().__init__()
        self._secret = secret

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["authorization"] = f"Bearer {self._secret}"
        return await super().handle_async_request(request)


async def played(grounds: Grounds, task_id: str, chat: ChatConfig, secret: str) -> Reward:
    """The reward of one whole episode; raises `InfrastructureError` for one that did not end."""
    stage, events = grounds.stage, EventList()
    task = stage.tasks[task_id]
    async with ChatPlanner(chat, stage.stores, transport=_Lent(secret)) as planner:
        workspace, limits = Workspace(task, stage.client()), Limits(tool_calls=stage.most)
        ended = await run_episode(task, planner, stage.registry, workspace, events, limits)
    episode = fold(events)
    if episode is None or ended.status is EpisodeStatus.INCOMPLETE:
        raise InfrastructureError(f"{task_id}: {ended.reason}")
    return await grounds.worth(episode)


def plugin_of(grounds: Grounds) -> tuple[type[Any], type[Any]]:
    """The taskset's class, one task a question of ``grounds``, and the harness's."""
    vf = need("verifiers.v1", "verifiers")
    result = need("verifiers.v1.runtimes", "verifiers").ProgramResult

    class RoomsTask(vf.Task[vf.TaskData]):  # type: ignore[misc,name-defined]
        """A question; its answer stays with the scorer."""

    class RoomsTaskset(vf.Taskset[RoomsTask, vf.TasksetConfig]):  # type: ignore[misc,name-defined]
        """The questions."""

        def load(self) -> Iterator[RoomsTask]:
            for task in grounds.stage.tasks.values():
                yield RoomsTask(vf.TaskData(id=task.id, prompt=task.question), self.config.task)

    class RoomsHarness(vf.Harness[vf.HarnessConfig]):  # type: ignore[misc,name-defined]
        """Our loop with our tools, in this process."""

        EXECUTES_CODE = NEEDS_CONTAINER = False

        async def launch(
            self,
            ctx: Any,
            trace: Any,
            _runtime: Any,
            endpoint: str,
            secret: str,
            _mcp: Any,
            data: Any,
        ) -> Any:
            images = grounds.stage.images
            chat = ChatConfig(
                model=ctx.model, base_url=endpoint, key_env="", capabilities={"images": images}
            )
            given = await grounds.here(played(grounds, data.id, chat, secret))
            trace.record_reward("surveyor", given.total)
            trace.record_metrics(given.parts)
            return result(0, "", "")

    return RoomsTaskset, RoomsHarness

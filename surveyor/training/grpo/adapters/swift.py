"""ms-swift's multi-turn scheduler over our environment; made for and tried with ms-swift 4.6.

In a plugin for ``--external_plugins``: ``multi_turns["rooms"] = scheduler_of(grounds)``, then
``--multi_turn_scheduler rooms --use_gym_env true --vllm_server_pass_dataset true``. Rows need
``task_id`` and ``tools``; the reward is what ms-swift calls the environment's ``total_reward``.
"""

from __future__ import annotations

from typing import Any

from surveyor.training.extras import need
from surveyor.training.grpo.adapters.rollout import Grounds, OutsideRollout, as_text, calls_in


def scheduler_of(grounds: Grounds) -> type[Any]:
    """The scheduler's class; its hooks serve server and colocate mode alike."""
    base = need("swift.rollout.multi_turn", "ms-swift").MultiTurnScheduler

    class RoomsScheduler(base):  # type: ignore[misc,valid-type]
        """Carries out a turn's calls, and rewards the last turn."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._lived: dict[str, OutsideRollout] = {}
            self._results: dict[str, list[str]] = {}

        async def on_trajectory_start(self, requests: list[Any]) -> None:
            """Begin an episode for every request, by its row's task."""
            for request in requests:
                self._lived[request.uuid] = grounds.rollout(str(request.data_dict.get("task_id")))

        async def on_turn_end(self, request: Any, choice: Any, turn: int) -> dict[str, Any]:
            """Make the calls, or end with a reward where there are none or no turn is left."""
            rollout, text = self._lived[request.uuid], request.messages[-1]["content"]
            cut = choice.finish_reason == "length"
            last = cut or bool(self.max_turns and turn >= self.max_turns)
            calls = calls_in(text)
            if calls and not last:
                told = [as_text(await rollout.call(*call)) for call in calls]
                self._results[request.uuid] = told
                return {"done": False}
            del self._lived[request.uuid]
            given = await rollout.reward("" if calls else text, cut=cut)
            infos = {"total_reward": given.total, "gym_done": True, "parts": dict(given.parts)}
            return {"done": True, "rollout_infos": infos}

        def step(self, request: Any, choice: Any, turn: int) -> dict[str, Any]:
            """Give the results to the next turn."""
            told = self._results.pop(request.uuid)
            request.messages.extend({"role": "tool", "content": text} for text in told)
            return {"infer_request": request}

    return RoomsScheduler

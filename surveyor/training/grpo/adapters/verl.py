"""verl's tool agent loop over our environment; made for and tried with verl 0.9.1.

In a module of your own: ``RoomsLoop = loop_of(grounds)``, named ``_target_: your_module.RoomsLoop``
in the file of ``actor_rollout_ref.rollout.agent.agent_loop_config_path``. Rows need
``extra_info.task_id``. verl's own tool files stay empty: its schemas do not hold ours.
"""

from __future__ import annotations

from typing import Any

from surveyor.training.extras import need
from surveyor.training.grpo.adapters.rollout import Grounds, OutsideRollout, as_text

_ROLLOUT = "surveyor"


def loop_of(grounds: Grounds) -> type[Any]:
    """The agent loop's class."""
    base = need("verl.experimental.agent_loop.tool_agent_loop", "verl").ToolAgentLoop
    response = need("verl.tools.schemas", "verl").ToolResponse

    class RoomsLoop(base):  # type: ignore[misc,valid-type]
        """verl's loop of calls, with our tools and our reward."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.tool_schemas = list(grounds.stage.schemas)

        async def run(self, sampling_params: dict[str, Any], **kwargs: Any) -> Any:
            """One episode; its reward stands in the output."""
            rollout = grounds.rollout(str(kwargs.get("extra_info", {}).get("task_id")))
            lent = {**(kwargs.pop("tools_kwargs", None) or {}), _ROLLOUT: rollout}
            said: list[dict[str, Any]] = lent.setdefault("said", [])
            output = await super().run(sampling_params, tools_kwargs=lent, **kwargs)
            ended = said[-1] if said else {}
            cut = not ended or len(output.response_ids) >= self.response_length
            text = "" if ended.get("tool_calls") else str(ended.get("content", ""))
            given = await rollout.reward(text, cut=cut)
            output.reward_score = given.total
            output.extra_fields["reward_extra_info"] = dict(given.parts)
            return output

        def _build_assistant_message(self, content: str, agent_data: Any) -> dict[str, Any]:
            message: dict[str, Any] = super()._build_assistant_message(content, agent_data)
            agent_data.tools_kwargs["said"].append(message)
            return message

        async def _call_tool(
            self, tool_call: Any, tools_kwargs: dict[str, Any], agent_data: Any
        ) -> tuple[Any, float, dict[str, Any]]:
            rollout: OutsideRollout = tools_kwargs[_ROLLOUT]
            shown = await rollout.call(tool_call.name, tool_call.arguments)
            parts = [] if isinstance(shown, str) else shown
            pictures = [part["image"] for part in parts if part["type"] == "image"]
            more = {"image": pictures} if pictures else {}
            return response(text=as_text(shown), **more), 0.0, {}

    return RoomsLoop

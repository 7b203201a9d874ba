"""An episode of the `program` planner, told as the conversation that a chat model would have had.

Every message is made by the classes that make a chat run's messages, from the events alone: what
is trained is what will be sent. Why a turn's calls are made is said by
`surveyor.agent.program.trace`, which says nothing that the events do not show.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from surveyor.agent.chat.capabilities import Capabilities
from surveyor.agent.chat.messages import Message
from surveyor.agent.chat.native import NativeDialect, turn_of
from surveyor.agent.chat.prompt import agent_prompt, opening
from surveyor.agent.chat.transcript import as_sent
from surveyor.agent.planner import PlannerInput
from surveyor.agent.program.trace import plan, reason
from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from surveyor.memory.episodes import Episode
from surveyor.memory.events import Answer, ToolCall, ToolOutcome
from surveyor.tools.spec import CallRequest
from surveyor.training.rows.records import Chat


def tell(
    task: Task,
    brief: PlannerInput,
    episode: Episode,
    capabilities: Capabilities,
    *,
    reasoning: bool = True,
) -> tuple[Chat, ...]:
    """The whole conversation; without ``reasoning`` the turns are calls and answers alone. The
    brief's tools are as the model is told them.

    Raises `UserError` for an episode without an answer: half a conversation teaches to stop.
    """
    if episode.answer is None:
        raise UserError(f"the episode of {task.id} has no answer; leave it out of training")
    dialect = NativeDialect(task, brief, capabilities)
    prompt = agent_prompt(task, brief, dialect.instructions)
    shown = capabilities.max_images if capabilities.images else 0
    messages: list[Message] = list(opening(prompt, task, brief, shown))
    outcomes = {outcome.call_id: outcome for outcome in episode.outcomes}
    for turn, calls in _turns(call for call in episode.calls if not call.parent):
        said = _why(task, calls, first=turn == 0) if reasoning else ""
        messages.append(turn_of(said, list(map(_request, calls))))
        messages += dialect.observe(_seen(calls, outcomes))
    words = f"{_closing(episode)}\n" if reasoning else ""
    messages.append(turn_of(f"{words}<answer>{episode.answer}</answer>", ()))
    return tuple(_quiet(as_sent(message)) for message in messages)


def _quiet(message: Chat) -> Chat:
    """A turn that only calls says nothing, rather than an empty text: some templates write a line
    for the latter."""
    if message.get("tool_calls") and not message.get("content"):
        return {**message, "content": None}
    return message


def _turns(calls: Iterable[ToolCall]) -> Iterable[tuple[int, list[ToolCall]]]:
    return [(turn, list(group)) for turn, group in groupby(calls, key=lambda call: call.turn)]


def _request(call: ToolCall) -> CallRequest:
    return CallRequest(call.call_id, call.name, call.raw_arguments)


def _seen(calls: list[ToolCall], outcomes: dict[str, ToolOutcome]) -> tuple[ToolOutcome, ...]:
    return tuple(outcomes[call.call_id] for call in calls if call.call_id in outcomes)


def _why(task: Task, calls: list[ToolCall], *, first: bool) -> str:
    why = reason([(call.name, call.arguments or {}) for call in calls])
    return f"{plan(task.question)} {why}" if first else why


def _closing(episode: Episode) -> str:
    answer = next(event for event in reversed(episode.events) if isinstance(event, Answer))
    if not answer.sources:
        return "What was asked about was not found, so this is a guess."
    return f"This rests on {', '.join(answer.sources)}."

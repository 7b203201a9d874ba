"""A scripted chat model that follows loaded skills to the letter.

It has nothing but the conversation: it reads the question from the user's message, the first
workflow block from the skills in the system prompt (none: it looks the plain way), and the tools'
results, which `readable` writes as JSON. What it would do next is replayed from the start at every
request, so the server keeps no state and a retried request is answered alike.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Coroutine, Iterable
from typing import Any

from surveyor.agent.planner import PlannerInput, Session, Turn
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.core.tasks import AnswerKind, Task
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.skills.workflow import PLAIN, Workflow
from surveyor.tools.spec import Arguments, Tool, ToolResult
from surveyor.tools.workspace import Workspace
from tests.support.mock_endpoint import Reply, Request, says

_BLOCK = re.compile(r"^```workflow[ \t]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_QUESTION = re.compile(r"^Question: (.*)$", re.MULTILINE)
_OPTION = re.compile(r"^[A-Z]\. .*$", re.MULTILINE)
_FRAMES = re.compile(r"^(frame_\d+)(?::$| \(not shown\)$)", re.MULTILINE)
_SCENE = re.compile(r"^Scene: (.*)$", re.MULTILINE)


def follow(request: Request) -> Reply:
    """What the model says to one request."""
    messages: list[dict[str, Any]] = request.json["messages"]
    system = "\n".join(message_text(m) for m in messages if m["role"] == "system")
    return _reply(request, messages, first_workflow(system) or PLAIN)


def ignore(request: Request) -> Reply:
    """What a model says that looks the plain way whatever it is told."""
    return _reply(request, request.json["messages"], PLAIN)


def _reply(
    request: Request,
    messages: list[dict[str, Any]],
    workflow: Workflow,
) -> Reply:
    offered = [tool["function"]["name"] for tool in request.json.get("tools", ())]
    session = read_session(messages, workflow, offered)
    turn = step(session.next(()))
    for number, message in enumerate(m for m in messages if m["role"] == "assistant"):
        results = _results(messages, message, number)
        turn = step(session.next(tuple(results)))
    if turn.answer is not None:
        return says(f"<answer>{turn.answer}</answer>")
    calls = tuple((call.name, call.raw_arguments) for call in turn.calls)
    return says(turn.notes.get("why"), calls=calls, ids=f"turn_{request.turn}_")


def readable(tool: Tool[Any]) -> Tool[Any]:
    """The tool with results as JSON, for a model that reads nothing else."""

    async def run(asked: Arguments, workspace: Workspace) -> ToolResult:
        result = await tool.run(asked, workspace)
        written = {"text": result.text, "handles": result.handles, "data": result.data}
        return dataclasses.replace(result, text=json.dumps(written))

    return dataclasses.replace(tool, run=run)


def first_workflow(system: str) -> Workflow | None:
    """The first workflow block of a prompt."""
    found = _BLOCK.search(system)
    return Workflow.model_validate_json(found.group(1)) if found else None


def read_session(
    messages: list[dict[str, Any]],
    workflow: Workflow,
    tools: Iterable[str] = (),
) -> Session:
    """A session of the `program` planner on what a conversation says, with the ``tools`` named."""
    said = "\n".join(message_text(m) for m in messages if m["role"] == "user")
    asked, frames = _QUESTION.search(said), dict.fromkeys(_FRAMES.findall(said))
    scene = _SCENE.search(said)
    options = tuple(_OPTION.findall(said))
    task = Task(
        id="read",
        dataset="read",
        scene_id=scene.group(1) if scene else "read",
        question_type="read",
        question=asked.group(1) if asked else "",
        options=options,
        answer_kind=AnswerKind.CHOICE if options else AnswerKind.NUMBER,
    )
    named = tuple({"function": {"name": name}} for name in tools)
    brief = PlannerInput(tools=named, frame_handles=tuple(frames))
    return ProgramPlanner(workflow).start(task, brief)


def _results(
    messages: list[dict[str, Any]], spoken: dict[str, Any], turn: int
) -> Iterable[ToolOutcome]:
    answers = {m["tool_call_id"]: message_text(m) for m in messages if m["role"] == "tool"}
    for call in spoken.get("tool_calls", ()):
        text = answers[call["id"]]
        try:
            read = json.loads(text)
        except ValueError:  # a refusal is plain text
            read = None
        yield ToolOutcome(
            turn=turn,
            call_id=call["id"],
            name=call["function"]["name"],
            status=ToolStatus.MISTAKE if read is None else ToolStatus.OK,
            text=text if read is None else read["text"],
            data=None if read is None else read["data"],
            handles=() if read is None else tuple(read["handles"]),
        )


def message_text(message: dict[str, Any]) -> str:
    """What a message says in words."""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or ())


def step(coming: Coroutine[Any, Any, Turn]) -> Turn:
    """The turn of a session that never waits for anything."""
    try:
        coming.send(None)
    except StopIteration as done:
        turn: Turn = done.value
        return turn
    raise AssertionError("a program session waits for nothing")

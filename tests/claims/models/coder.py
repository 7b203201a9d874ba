"""A scripted chat model that acts in cells: it reads the prompt and what cells print, nothing else.

It makes the calls that the `program` planner makes through `survey`, a cell a turn, and has the
cell print what they gave, packed, in as many cells as that takes.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

from surveyor.agent.planner import Turn
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.skills.workflow import PLAIN
from surveyor.tools.spec import CallRequest
from tests.claims.skills.follower import first_workflow, message_text, read_session, step
from tests.support.mock_endpoint import Reply, Request, says

_PART = 3900
_CELL = """\
import base64, zlib
said = []
for tool, arguments in {calls}:
    try:
        got = tool(**arguments)
        said.append([got.text, got.data, got.handles])
    except ToolMistake as refused:
        said.append([str(refused), None, None])
packed = base64.b85encode(zlib.compress(json.dumps(said).encode(), 9)).decode()
print(len(packed), packed[:{part}])"""
_REST = "print(0, packed[{begin}:{end}])"
_FUNCTION = re.compile(r"^(\w+)\(.*\): ", re.MULTILINE)
_OUTPUT = re.compile(r"^Output:\n(\d+) (\S*)$", re.MULTILINE)


def coding(request: Request) -> Reply:
    """What the model says to one request; everything said before is replayed from the start."""
    messages: list[dict[str, Any]] = request.json["messages"]
    system = "\n".join(message_text(m) for m in messages if m["role"] == "system")
    workflow = first_workflow(system) or PLAIN
    session = read_session(messages, workflow, _FUNCTION.findall(system))
    printed = _printed(messages)
    turn = step(session.next(()))
    for length, part in printed:
        packed = part
        while len(packed) < length:
            _, more = next(printed, (0, ""))
            if not more:
                return _cell(_REST.format(begin=len(packed), end=len(packed) + _PART))
            packed += more
        turn = step(session.next(_outcomes(turn, packed)))
    if turn.answer is not None:
        return _cell(f"answer({turn.answer!r}, because={list(turn.sources)!r})")
    return _cell(_CELL.format(calls=_written(turn.calls), part=_PART), turn.notes.get("why", ""))


def _cell(code: str, thought: str = "") -> Reply:
    return says(f"{thought}\n```python\n{code}\n```")


def _written(calls: tuple[CallRequest, ...]) -> str:
    pairs = (f"({one.name}, {json.loads(one.raw_arguments)!r})" for one in calls)
    return f"[{', '.join(pairs)}]"


def _printed(messages: list[dict[str, Any]]) -> Iterator[tuple[int, str]]:
    for message in messages:
        found = _OUTPUT.search(message_text(message)) if message["role"] == "user" else None
        if found is not None:
            yield int(found[1]), found[2]


def _outcomes(turn: Turn, packed: str) -> tuple[ToolOutcome, ...]:
    said = json.loads(zlib.decompress(base64.b85decode(packed)))
    return tuple(
        ToolOutcome(
            turn=0,
            call_id=call.call_id,
            name=call.name,
            status=ToolStatus.MISTAKE if handles is None else ToolStatus.OK,
            text=text,
            data=data,
            handles=tuple(handles or ()),
        )
        for call, (text, data, handles) in zip(turn.calls, said, strict=True)
    )

"""The code dialect: every turn is one cell of Python, in which the tools are functions.

::

    The chairs first.
    ```python
    seen = survey(categories=["chair", "door"])
    for one in seen.objects:
        print(one.handle, one.category, one.center)
    ```

A cell's output comes back; `answer("2.4", because=["meas_1"])` in a cell ends the episode. How
cells are run is the business of `surveyor.agent.cells`.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from surveyor.agent.cells.results import fields_of
from surveyor.agent.cells.tool import CELL, MOST_CODE
from surveyor.agent.chat.capabilities import Capabilities
from surveyor.agent.chat.messages import Message, one_message
from surveyor.agent.chat.reply_parser import (
    Reading,
    bare_answer,
    made_id,
    one_answer,
    reading_of,
    text_of,
    too_long,
)
from surveyor.agent.chat.tagged_text import read_blocks
from surveyor.agent.chat.terse import signatures
from surveyor.agent.planner import Observation, PlannerInput
from surveyor.core.tasks import Task
from surveyor.tools.spec import CallRequest

_FORM = """\
Think briefly, then write exactly one cell of Python in a ```python block. It runs in a kernel that
keeps its variables; what it prints and the value of its last line come back. There are no files, no
network and no other processes. `np`, `math`, `itertools` and `re` are there; FRAMES are the handles
of the frames. The tools are functions of the kernel:"""
_RESULTS = """\
A result prints as one line of text; result.handles are the handles that it made. Its fields, or
those of each of its rows when you iterate over it:"""
_END = """\
A call that cannot be carried out raises ToolMistake, whose text says what to change. show(result)
shows you its pictures. When you know the answer, end with answer("...", because=["meas_1", ...]),
naming the handles that it rests on."""
_NO_CELL = "that held no cell; write one cell of Python between ```python and ```"
_CUT = "your cell was cut off at the length limit and was not run; write a shorter one"
_SEVERAL = "write exactly one ```python block a turn; nothing was run"
_LONG = f"your cell was longer than {MOST_CODE} characters and was not run; write a shorter one"
_FENCE = re.compile(r"^[ \t]*```[ \t]*(?:python|py|Python)?[ \t]*\n(.*?)^[ \t]*```", re.S | re.M)
_OPEN = re.compile(r"^[ \t]*```[ \t]*(?:python|py|Python)?[ \t]*\n", re.M)


class CodeDialect:
    """Reads and writes cells; the API's own tool fields stay unused."""

    name = "code"

    def __init__(self, task: Task, brief: PlannerInput, capabilities: Capabilities) -> None:
        self._task = task
        self._can = capabilities
        self._tools = tuple(one for one in brief.tools if one["function"]["name"] != CELL)

    @property
    def instructions(self) -> str:
        """The form of a turn, the functions, and what their results hold."""
        names = [tool["function"]["name"] for tool in self._tools]
        told: dict[str, list[str]] = {}
        for name in names:
            if fields := fields_of(name):
                told.setdefault(fields, []).append(name)
        results = "\n".join(f"{', '.join(who)}: {fields}" for fields, who in told.items())
        return f"{_FORM}\n{signatures(self._tools)}\n\n{_RESULTS}\n{results}\n\n{_END}"

    @property
    def request_fields(self) -> dict[str, Any]:
        """Nothing: functions are described in the text."""
        return {}

    def read(self, message: dict[str, Any], finish: str, turn: int) -> Reading:
        """Understand one assistant message; never raises, whatever the message holds."""
        said = text_of(message.get("content"))
        if (mistake := too_long(said, ())) is not None:
            return reading_of(message, (), {"mistake": mistake})
        blocks = read_blocks(said, cut=finish == "length")
        decided = self._decide(blocks.rest, blocks.answers, finish == "length", turn)
        return reading_of(message, decided.get("calls", ()), decided, thought=blocks.thought)

    def _decide(self, text: str, answers: list[str], cut: bool, turn: int) -> dict[str, Any]:
        """The turn: a cell, an answer in plain words, or what was wrong."""
        cells = _FENCE.findall(text)
        if len(cells) > 1:
            return {"mistake": _SEVERAL}
        repairs: tuple[str, ...] = ()
        if not cells and (begun := _OPEN.search(text)) is not None:
            if cut:
                return {"mistake": _CUT}
            cells, repairs = [text[begun.end() :]], ("closed a cell at the end of the message",)
        if cells:
            if len(cells[0]) > MOST_CODE:
                return {"mistake": _LONG}
            raw = orjson.dumps({"code": cells[0].rstrip()}).decode()
            return {"calls": (CallRequest(made_id(turn, 0), CELL, raw),), "repairs": repairs}
        if answers:
            answer, more = one_answer(answers, self._task)
            return {**answer, "repairs": (*more, "took an answer without a cell")}
        bare = bare_answer(text, self._task)
        if bare is not None:
            return {"answer": bare, "repairs": ("took an answer without a cell",)}
        return {"mistake": _CUT if cut else _NO_CELL}

    def observe(self, observations: tuple[Observation, ...]) -> list[Message]:
        """What came back, as one user message."""
        return one_message(
            observations, lambda result: f"Output:\n{result.text}", images=self._can.images
        )

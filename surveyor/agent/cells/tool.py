"""`cell`: one piece of Python that a model wrote, run in the kernel of its episode.

The calls that a cell makes are made and logged one by one under this one, as those of `survey` are,
so limits, clocks, evidence, costs and replay stay as they are. `answer(…)` in a cell becomes the
answer of the episode (`answered`).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final
from weakref import WeakKeyDictionary

from pydantic import Field, JsonValue

from surveyor.agent.cells.host import (
    CellBounds,
    CellCall,
    CellEnd,
    KernelLost,
    KernelProcess,
    Reply,
)
from surveyor.agent.cells.sandbox import require
from surveyor.agent.chat.reply_parser import too_long
from surveyor.agent.planner import Observation
from surveyor.core.blobs import BlobRef
from surveyor.core.errors import ModelMistake
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.tools.nesting import current_call, perform
from surveyor.tools.spec import Arguments, CallRequest, Effects, Tool, ToolResult
from surveyor.tools.workspace import Workspace

CELL: Final = "cell"
MOST_CODE: Final = 16_000
_PICTURES = 4
_ASKED = 8
"""Calls that a cell may try, refused ones among them, as a multiple of those that are made."""


class CellArguments(Arguments):
    """A cell."""

    code: Annotated[str, Field(max_length=MOST_CODE, description="Python")]


class _Cells:
    """Keeps each episode's kernel: started for its first cell, gone with its workspace."""

    def __init__(self, tools: Sequence[Tool[Any]], bounds: CellBounds) -> None:
        self._names = frozenset(tool.name for tool in tools) - {CELL}
        self._told = [_function(tool) for tool in tools if tool.name != CELL]
        self._bounds = bounds
        self._kernels: WeakKeyDictionary[Workspace, _EpisodeKernel] = WeakKeyDictionary()

    async def run(self, asked: CellArguments, workspace: Workspace) -> ToolResult:
        kernel = self._kernels.get(workspace)
        if kernel is None:
            frames = workspace.frame_handles
            kernel = _EpisodeKernel(lambda: KernelProcess.start(self._told, frames, self._bounds))
            self._kernels[workspace] = kernel
            workspace.on_close(kernel.aclose)
        calls = _Calls(self._names, self._bounds.calls)
        try:
            end = await kernel.run(asked.code, calls)
        except KernelLost as lost:
            raise ModelMistake(f"{lost}; what it made is gone, earlier cells stand") from None
        finally:
            current_call.set(calls.parent)
        return _told(end, calls, asked.code, workspace)


class _EpisodeKernel:
    """An episode's kernel through all its lives: after a cell that killed it, the cells before are
    run again on what their calls gave, and no tool is asked twice."""

    def __init__(self, start: Callable[[], Awaitable[KernelProcess]]) -> None:
        self._start = start
        self._process: KernelProcess | None = None
        self._past: list[tuple[str, list[Reply]]] = []

    async def run(self, code: str, calls: _Calls) -> CellEnd:
        """Run one cell; `KernelLost` when it killed the kernel."""
        process = self._process or await self._begun()
        self._process = None
        end = await process.run(code, calls.carry)
        self._process = process
        self._past.append((code, calls.replies))
        return end

    async def _begun(self) -> KernelProcess:
        process = await self._start()
        for code, replies in self._past:
            await process.run(code, _Recorded(replies).carry)
        return process

    async def aclose(self) -> None:
        if self._process is not None:
            await self._process.aclose()


class _Recorded:
    """Gives what the calls of a cell gave when it first ran."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        self._left = iter(replies)

    async def carry(self, call: CellCall) -> Reply:
        return next(self._left, _refused(f"{call.name} was not called here before"))


class _Calls:
    """The calls of one cell, made under the call that is running."""

    def __init__(self, names: frozenset[str], most: int) -> None:
        self.parent = current_call.get()
        self.outcomes: list[ToolOutcome] = []
        self.replies: list[Reply] = []
        self._names = names
        self._most = most

    async def carry(self, call: CellCall) -> Reply:
        """Make one call; what the cell is told of it. `KernelLost` for one that asks on and on."""
        if len(self.replies) >= _ASKED * self._most:
            raise KernelLost(f"the cell asked {_ASKED * self._most} times and was stopped")
        reply = await self._made(call)
        self.replies.append(reply)
        return reply

    async def _made(self, call: CellCall) -> Reply:
        if call.name not in self._names:
            return _refused(f"there is no tool {call.name!r}")
        number = len(self.outcomes) + 1
        if number > self._most:
            return _refused(f"a cell makes at most {self._most} calls; go on in the next one")
        current_call.set(self.parent)
        raw = json.dumps(call.arguments)  # whole numbers of any size, which a tool refuses itself
        if (mistake := too_long("", [(call.name, raw)])) is not None:
            return _refused(mistake)
        (outcome,) = await perform([CallRequest(f"{self.parent}.{number}", call.name, raw)])
        self.outcomes.append(outcome)
        return {
            "status": outcome.status.value,
            "text": outcome.text,
            "data": outcome.data,
            "handles": outcome.handles,
            "number": number,
        }


def _refused(text: str) -> Reply:
    return {"status": ToolStatus.MISTAKE.value, "text": text}


def _function(tool: Tool[Any]) -> dict[str, Any]:
    return {
        "name": tool.name,
        "arguments": list(tool.schema["function"]["parameters"].get("properties", {})),
        "help": tool.description,
    }


def _told(end: CellEnd, calls: _Calls, code: str, workspace: Workspace) -> ToolResult:
    """What the model reads; `ModelMistake` when the cell raised."""
    if end.answer is not None:
        unknown = [one for one in end.answer.because if not workspace.known(one)]
        if unknown:
            raise ModelMistake(
                f"there is no {unknown[0]} for an answer to rest on; name handles in because=[...]"
            )
        said: JsonValue = {"answer": end.answer.text, "because": list(end.answer.because)}
        return ToolResult(f"answered: {end.answer.text}", said, sources=end.answer.because)
    parts = [end.output.rstrip(), end.value]
    if end.error:
        raise ModelMistake("\n".join(filter(None, (*parts, _fault(end, code)))))
    text = "\n".join(filter(None, parts))
    if not text:
        made = f" made {', '.join(end.made)};" if end.made else ""
        text = f"the cell ran,{made} print what you want to see"
    return ToolResult(text, images=_pictures(end.shown, calls.outcomes))


def _fault(end: CellEnd, code: str) -> str:
    """The error, and the line of the cell that raised it."""
    lines = code.splitlines()
    if not 1 <= end.line <= len(lines):
        return end.error
    return f"line {end.line}: {lines[end.line - 1].strip()[:200]}\n{end.error}"


def _pictures(shown: Sequence[int], outcomes: Sequence[ToolOutcome]) -> tuple[BlobRef, ...]:
    found = [outcomes[n - 1].images for n in shown if 1 <= n <= len(outcomes)]
    return tuple(image for images in found for image in images)[:_PICTURES]


def answered(observations: Sequence[Observation]) -> tuple[str, tuple[str, ...]] | None:
    """The answer that a cell just gave, with the handles that it rests on, if one did."""
    for one in observations:
        if isinstance(one, ToolOutcome) and one.name == CELL and isinstance(one.data, dict):
            said, because = one.data.get("answer"), one.data.get("because")
            if isinstance(said, str) and isinstance(because, list):
                return said, tuple(str(handle) for handle in because)
    return None


def cell_tool(tools: Sequence[Tool[Any]], bounds: CellBounds | None = None) -> Tool[CellArguments]:
    """Cells that call ``tools``. Raises `UserError` where no wall can be put around them."""
    require()
    return Tool(
        CELL,
        "Run one cell of Python in the kernel of this episode.",
        CellArguments,
        Effects.EXPERT,
        _Cells(tools, bounds or CellBounds()).run,
        parallel=False,
    )

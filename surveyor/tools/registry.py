"""From raw calls to outcomes: the one place where a tool's exceptions are caught."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from pydantic import ValidationError

from surveyor.core.errors import InfrastructureError, ModelMistake
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.tools.spec import Arguments, CallRequest, Tool, ToolResult
from surveyor.tools.workspace import Workspace, earlier_calls


class Registry:
    """The tools of one planner, by name."""

    def __init__(self, tools: Sequence[Tool[Any]]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        if len(self._tools) != len(tools):
            raise ValueError("two tools have the same name")

    @property
    def tools(self) -> tuple[Tool[Any], ...]:
        """Every tool, in the order given."""
        return tuple(self._tools.values())

    @property
    def schemas(self) -> tuple[dict[str, Any], ...]:
        """OpenAI function schemas, in the order given."""
        return tuple(tool.schema for tool in self._tools.values())

    async def execute(
        self, turn: int, calls: Sequence[CallRequest], workspace: Workspace
    ) -> tuple[ToolOutcome, ...]:
        """Carry out one turn's calls; outcomes come in call order, each under its call id.

        Neighbouring calls that are safe in parallel run at the same time; a call that is not
        waits for those before it and holds up those after it. Wrong arguments and requests that
        cannot be carried out give status ``mistake`` with a text that says what to change; a
        service that cannot be reached gives ``failed``. Any other exception is a bug and escapes.
        """
        outcomes: list[ToolOutcome] = []
        for batch in self._batches(calls):
            outcomes += await self._together(turn, batch, workspace)
        return tuple(outcomes)

    def _batches(self, calls: Sequence[CallRequest]) -> Iterator[list[CallRequest]]:
        batch: list[CallRequest] = []
        for call in calls:
            tool = self._tools.get(call.name)
            if tool is not None and not tool.parallel:
                if batch:
                    yield batch
                yield [call]
                batch = []
            else:
                batch.append(call)
        if batch:
            yield batch

    async def _together(
        self, turn: int, calls: Sequence[CallRequest], workspace: Workspace
    ) -> list[ToolOutcome]:
        done = [asyncio.Event() for _ in calls]

        async def one(position: int) -> ToolOutcome:
            before = done[position - 1] if position else None
            earlier_calls.set(before)
            try:
                return await self._run(turn, calls[position], workspace)
            finally:
                if before is not None:
                    await before.wait()
                done[position].set()

        if len(calls) == 1:
            return [await one(0)]
        outcomes = await asyncio.gather(*map(one, range(len(calls))), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return [outcome for outcome in outcomes if isinstance(outcome, ToolOutcome)]

    async def _run(self, turn: int, call: CallRequest, workspace: Workspace) -> ToolOutcome:
        started = time.perf_counter()
        status, result = ToolStatus.OK, ToolResult("")
        try:
            tool = self._find(call.name)
            result = await tool.run(_parse(tool, call.raw_arguments), workspace)
        except ModelMistake as error:
            status, result = ToolStatus.MISTAKE, ToolResult(str(error))
        except InfrastructureError as error:
            status, result = ToolStatus.FAILED, ToolResult(str(error))
        return ToolOutcome(
            turn=turn,
            call_id=call.call_id,
            name=call.name,
            status=status,
            elapsed=time.perf_counter() - started,
            **{field.name: getattr(result, field.name) for field in fields(ToolResult)},
        )

    def _find(self, name: str) -> Tool[Any]:
        tool = self._tools.get(name)
        if tool is None:
            raise ModelMistake(
                f"there is no tool {name!r}; choose one of: {', '.join(self._tools)}"
            )
        return tool


def _parse(tool: Tool[Any], raw: str) -> Arguments:
    try:
        arguments: Arguments = tool.arguments.model_validate_json(raw or "{}")
    except ValidationError as error:
        raise ModelMistake(_advice(tool, error)) from None
    return arguments


def _advice(tool: Tool[Any], error: ValidationError) -> str:
    """One line a problem: which field, what is wrong with it, and what the tool takes."""
    problems = error.errors(include_url=False, include_context=False)
    if problems[0]["type"] == "json_invalid":
        return (
            f"{tool.name}: the arguments are not valid JSON ({problems[0]['msg']}); send an object"
        )
    lines = []
    for problem in problems[:5]:
        field = ".".join(str(part) for part in problem["loc"]) or "arguments"
        if problem["type"] == "missing":
            lines.append(f"{field} is missing: add it")
        elif problem["type"] == "extra_forbidden":
            lines.append(f"{field} is not an argument: leave it out")
        else:
            shown = repr(problem["input"])
            shown = shown if len(shown) <= 80 else shown[:77] + "..."
            lines.append(f"{field} was {shown}: {problem['msg']}")
    fields = ", ".join(
        name if field.is_required() else f"{name} (optional)"
        for name, field in tool.arguments.model_fields.items()
    )
    return f"{tool.name}: {'; '.join(lines)}. Its arguments: {fields or 'none'}."

"""The host's side of a kernel: starts it behind the wall, and carries its calls.

Whatever comes out of a kernel is taken for hostile: one JSON object a line of bounded length, of
few known forms, and nothing in it is ever evaluated, unpickled or opened. A kernel that says
anything else, or takes too long, is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from surveyor.agent.cells.sandbox import command, filter_file
from surveyor.core.errors import UserError

_LINE = 1_000_000
_READY = 60.0
_BROKEN = "the cell broke the kernel"


class KernelLost(Exception):
    """The kernel is gone, with every name in it; the text says why, for the model."""


@dataclass(frozen=True, slots=True)
class CellBounds:
    """What a cell may spend: ``wall`` seconds of its own (tools are not counted) and ``calls`` of
    tools; and its kernel: ``memory`` in bytes of address space, ``cpu`` seconds in all."""

    wall: float = 10.0
    calls: int = 32
    memory: int = 1 << 30
    cpu: int = 120


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ready(_Message):
    """The kernel can run cells; ``holes`` are what it could do that it must not."""

    op: Literal["ready"]
    holes: tuple[str, ...]


class CellCall(_Message):
    """A cell wants a tool called."""

    op: Literal["call"]
    cell: int
    name: Annotated[str, Field(max_length=256)]
    arguments: dict[str, JsonValue]


class CellAnswer(_Message):
    """The answer that a cell gave, and the handles that it says it rests on."""

    text: Annotated[str, Field(max_length=100_000)]
    because: Annotated[tuple[str, ...], Field(max_length=256)] = ()


class CellEnd(_Message):
    """How a cell ended: printed ``output``, ``value`` of its last line, or the ``error`` and its
    line; numbers of the calls whose pictures it wants ``shown``, and the names that it ``made``."""

    op: Literal["done"]
    cell: int
    output: Annotated[str, Field(max_length=10_000)] = ""
    value: Annotated[str, Field(max_length=10_000)] = ""
    error: Annotated[str, Field(max_length=10_000)] = ""
    line: int = 0
    answer: CellAnswer | None = None
    shown: Annotated[tuple[int, ...], Field(max_length=256)] = ()
    made: Annotated[tuple[str, ...], Field(max_length=64)] = ()


_SAID: TypeAdapter[Ready | CellCall | CellEnd] = TypeAdapter(
    Annotated[Ready | CellCall | CellEnd, Field(discriminator="op")]
)

Reply = Mapping[str, Any]
Carry = Callable[[CellCall], Awaitable[Reply]]
"""Makes one call for a cell; what the kernel is told of it."""


class KernelProcess:
    """One process behind the wall. Not to be shared between episodes."""

    def __init__(self, process: Process, bounds: CellBounds) -> None:
        self._process = process
        self._bounds = bounds
        self._cells = 0

    @classmethod
    async def start(
        cls, tools: Sequence[Mapping[str, Any]], frames: Sequence[str], bounds: CellBounds
    ) -> KernelProcess:
        """A fresh kernel with functions for ``tools``, each with name, arguments and help.

        Raises `UserError` where there is no bubblewrap, or where its wall has a hole.
        """
        filtering = filter_file()
        try:
            process = await asyncio.create_subprocess_exec(
                *command(filtering), stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
                pass_fds=(filtering,), limit=_LINE, env={},
            )  # fmt: skip
        finally:
            os.close(filtering)
        kernel = cls(process, bounds)
        try:
            kernel._tell(
                {"op": "start", "tools": list(tools), "frames": list(frames),
                 "memory": bounds.memory, "cpu": bounds.cpu}
            )  # fmt: skip
            said = await kernel._hear(_READY)
            if not isinstance(said, Ready) or said.holes:
                holes = ", ".join(said.holes) if isinstance(said, Ready) else "speak out of turn"
                raise UserError(f"bubblewrap here does not confine: a cell could {holes}")
        except KernelLost as lost:
            await kernel.aclose()
            raise UserError(
                f"no cell can be run: bubblewrap did not start ({lost}); user namespaces may be "
                "off on this machine, see `bwrap --unshare-all --ro-bind / / true`"
            ) from None
        except BaseException:
            await kernel.aclose()
            raise
        return kernel

    async def run(self, code: str, carry: Carry) -> CellEnd:
        """Run one cell; its calls go through ``carry``. `KernelLost` when it did not survive."""
        loop = asyncio.get_running_loop()
        left = self._bounds.wall
        self._cells += 1
        try:
            self._tell({"op": "run", "code": code})
            while True:
                began = loop.time()
                said = await self._hear(left)
                left -= loop.time() - began
                if isinstance(said, Ready) or said.cell != self._cells:
                    raise KernelLost(_BROKEN)  # a line that was forged, or what one left behind
                if isinstance(said, CellEnd):
                    return said
                self._tell(await carry(said))
        except BaseException:
            await self.aclose()
            raise

    def _tell(self, message: Mapping[str, Any]) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(orjson.dumps(message) + b"\n")

    async def _hear(self, seconds: float) -> Ready | CellCall | CellEnd:
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise KernelLost(
                f"the cell ran longer than {self._bounds.wall:g} s and was stopped"
            ) from None
        except ValueError:
            raise KernelLost("the cell said more than a kernel may") from None
        if not line:
            raise KernelLost("the cell ended the kernel (out of memory or time, or it crashed)")
        try:
            return _SAID.validate_json(line)
        except ValidationError:
            raise KernelLost(_BROKEN) from None

    async def aclose(self) -> None:
        """Kill the process, if it lives, and wait until it is gone."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        if self._process.stdout is not None:
            while await self._process.stdout.read(_LINE):  # a full pipe would be waited for
                pass
        await self._process.wait()

"""Calls under a call: how a tool has other tools called for it, in the open.

Whoever runs an episode says how such calls are made, so that each is logged, limited and paid as
any other, under the call that wanted it. A tool never calls another tool behind the log's back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar

from surveyor.core.errors import ModelMistake
from surveyor.memory.events import ToolOutcome
from surveyor.tools.spec import CallRequest

Perform = Callable[[str, Sequence[CallRequest], str], Awaitable[tuple[ToolOutcome, ...]]]
"""Make calls under the call with this id, for a reason; outcomes come in call order."""

performer: ContextVar[Perform | None] = ContextVar("performer", default=None)
current_call: ContextVar[str] = ContextVar("current_call", default="")
within: ContextVar[str] = ContextVar("within", default="")
"""The call under which calls are being made; empty for a planner's own."""


async def perform(calls: Sequence[CallRequest], why: str = "") -> tuple[ToolOutcome, ...]:
    """Make calls under the one that is running; `ModelMistake` where nobody can make them."""
    make = performer.get()
    if make is None:
        raise ModelMistake("this tool works only within an episode; call the single tools instead")
    return await make(current_call.get(), calls, why)

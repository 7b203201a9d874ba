"""Limits as nested scopes: what an episode, or a whole run, may spend.

A scope counts what happens inside it and inside the scopes opened within it. Counters are checked
between turns, outermost scope first, so that a run's budget is named before an episode's. The two
clocks also cut: a hanging call is cancelled when time is up. *Working* time stops while the
provider of a model is being waited for (see `waiting`), so a slow or throttled provider never
costs an episode its working budget.

A price that is unknown stays unknown: it never trips a limit and never counts as zero.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType

from pydantic import BaseModel, ConfigDict, Field

from surveyor.core.errors import SurveyorError
from surveyor.memory.events import Usage


class LimitExceeded(SurveyorError):
    """A scope's bound was reached; ``scope`` is the one that owns the bound. A model's own bound
    that it doesn't tell is 0."""

    def __init__(
        self, limit: str, value: float, bound: float, scope: LimitScope | None = None
    ) -> None:
        owner = scope.name if scope else "model"
        numbers = f" of {bound:g} was reached ({value:g})" if bound else " was reached"
        super().__init__(f"the {owner}'s {limit} limit{numbers}")
        self.limit = limit
        self.value = value
        self.bound = bound
        self.scope = scope


class Limits(BaseModel):
    """Bounds of one scope; ``None`` means unbounded.

    ``wall`` and ``working`` are seconds, ``cost`` US dollars, ``mistakes`` consecutive turns in
    which the planner did nothing useful.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    turns: int | None = Field(default=16, ge=1)
    tokens: int | None = Field(default=None, ge=1)
    cost: float | None = Field(default=None, gt=0)
    tool_calls: int | None = Field(default=64, ge=1)
    wall: float | None = Field(default=900.0, gt=0)
    working: float | None = Field(default=None, gt=0)
    mistakes: int | None = Field(default=3, ge=1)

    def scope(self, name: str = "episode") -> LimitScope:
        """A fresh scope with these bounds; enter it with ``async with``."""
        return LimitScope(self, name)


UNLIMITED = Limits(turns=None, tool_calls=None, wall=None, mistakes=None)
"""No bound at all: for totals, and as a base for a run's own bounds."""


@dataclass(slots=True)
class Spent:
    """Running totals of a scope; ``unpriced`` calls are those whose price is unknown."""

    turns: int = 0
    tokens: int = 0
    known_cost: float = 0.0
    unpriced: int = 0
    tool_calls: int = 0

    @property
    def cost(self) -> float | None:
        """Total in US dollars, or ``None`` as soon as one call's price is unknown."""
        return None if self.unpriced else self.known_cost


_current: ContextVar[LimitScope | None] = ContextVar("limit_scope", default=None)


class LimitScope:
    """One level of accounting; scopes nest by context, across tasks that were started inside."""

    def __init__(self, limits: Limits, name: str) -> None:
        self.limits = limits
        self.name = name
        self.spent = Spent()
        self.tripped: LimitExceeded | None = None
        self._parent: LimitScope | None = None
        self._start = 0.0
        self._waited = 0.0
        self._wait_began = 0.0
        self._wait_depth = 0
        self._timeout = asyncio.timeout_at(None)

    @property
    def wall(self) -> float:
        """Seconds since the scope was entered."""
        return asyncio.get_running_loop().time() - self._start

    @property
    def working(self) -> float:
        """Wall seconds less those in which a provider was waited for."""
        now = asyncio.get_running_loop().time()
        waiting_now = now - self._wait_began if self._wait_depth else 0.0
        return now - self._start - self._waited - waiting_now

    def take_turn(self, usage: Usage | None) -> None:
        """Count one turn and, when a model was asked, what it used."""
        for scope in self._chain():
            scope.spent.turns += 1
            if usage is not None:
                scope.spent.tokens += (usage.input_tokens or 0) + (usage.output_tokens or 0)
                scope.spent.known_cost += usage.cost or 0.0
                scope.spent.unpriced += usage.cost is None

    def take_calls(self, number: int) -> None:
        """Count tool calls about to be made; raise when they would pass the bound."""
        for scope in self._chain():
            bound, value = scope.limits.tool_calls, scope.spent.tool_calls + number
            if bound is not None and value > bound:
                raise LimitExceeded("tool_calls", value, bound, scope)
        for scope in self._chain():
            scope.spent.tool_calls += number

    def tolerate(self, mistakes: int) -> None:
        """Raise when so many consecutive mistakes are too many for this scope."""
        bound = self.limits.mistakes
        if bound is not None and mistakes >= bound:
            raise LimitExceeded("mistakes", mistakes, bound, self)

    def check(self) -> None:
        """Raise `LimitExceeded` when nothing more may be spent here or in an outer scope."""
        for scope in reversed(self._chain()):
            scope._check_own()

    def _check_own(self) -> None:
        values = (
            ("turns", self.spent.turns, self.limits.turns),
            ("tokens", self.spent.tokens, self.limits.tokens),
            ("cost", self.spent.known_cost, self.limits.cost),
            ("wall", self.wall, self.limits.wall),
            ("working", self.working, self.limits.working),
        )
        for limit, value, bound in values:
            if bound is not None and value >= bound:
                raise LimitExceeded(limit, value, bound, self)

    def _chain(self) -> list[LimitScope]:
        """This scope and the ones around it, innermost first."""
        return [self, *(self._parent._chain() if self._parent else ())]

    def _deadline(self) -> float | None:
        ends = []
        if self.limits.wall is not None:
            ends.append(self._start + self.limits.wall)
        if self.limits.working is not None and not self._wait_depth:
            ends.append(self._start + self._waited + self.limits.working)
        return min(ends, default=None)

    def _wait(self, step: int) -> None:
        now = asyncio.get_running_loop().time()
        if step > 0 and self._wait_depth == 0:
            self._wait_began = now
        self._wait_depth += step
        if step < 0 and self._wait_depth == 0:
            self._waited += now - self._wait_began
        if self.limits.working is not None and not self._timeout.expired():
            self._timeout.reschedule(self._deadline())

    async def __aenter__(self) -> LimitScope:
        self._parent = _current.get()
        self._start = asyncio.get_running_loop().time()
        self._timeout = asyncio.timeout_at(self._deadline())
        await self._timeout.__aenter__()
        self._token = _current.set(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _current.reset(self._token)
        if isinstance(error, LimitExceeded) and error.scope is self:
            self.tripped = error
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            self.tripped = self._out_of_time()
            raise self.tripped from None

    def _out_of_time(self) -> LimitExceeded:
        wall = self.limits.wall
        if wall is not None and self.wall >= wall:
            return LimitExceeded("wall", self.wall, wall, self)
        return LimitExceeded("working", self.working, self.limits.working or 0.0, self)


@contextmanager
def waiting() -> Iterator[None]:
    """Stop the working clocks of every scope around us, while a provider is waited for."""
    scope = _current.get()
    chain = scope._chain() if scope is not None else []
    for each in chain:
        each._wait(+1)
    try:
        yield
    finally:
        for each in chain:
            each._wait(-1)

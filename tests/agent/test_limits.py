"""Scopes: they nest, they name who tripped, and waiting costs no working time."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from pydantic import ValidationError

from surveyor.agent.limits import UNLIMITED, LimitExceeded, Limits, waiting
from surveyor.memory.events import Usage
from tests.support.clock import run_fast


def test_an_unknown_price_never_trips_and_never_counts_as_zero() -> None:
    async def spend() -> None:
        async with UNLIMITED.model_copy(update={"cost": 0.01}).scope("run") as scope:
            for _ in range(1000):
                scope.take_turn(Usage(input_tokens=1, output_tokens=1))
                scope.check()
            assert scope.spent.unpriced == 1000
            assert scope.spent.cost is None
            scope.take_turn(Usage(cost=0.02))
            with pytest.raises(LimitExceeded) as stop:
                scope.check()
            assert stop.value.limit == "cost"

    run_fast(spend())


def test_inner_spending_counts_outside_and_the_outer_scope_is_named_first() -> None:
    async def nest() -> None:
        async with Limits(turns=3).scope("run") as run:
            for _ in range(3):
                async with Limits(turns=1).scope("episode") as episode:
                    run.check()
                    episode.take_turn(None)
            assert run.spent.turns == 3
            async with Limits(turns=1).scope("episode") as episode:
                with pytest.raises(LimitExceeded) as stop:
                    episode.check()
            assert stop.value.scope is run

    run_fast(nest())


def test_the_scope_that_tripped_says_so_and_others_do_not() -> None:
    async def trip() -> None:
        outer = Limits().scope("run")
        inner = Limits(turns=1).scope("episode")
        with contextlib.suppress(LimitExceeded):
            async with outer, inner:
                inner.take_turn(None)
                inner.check()
        assert outer.tripped is None
        assert inner.tripped is not None
        assert (inner.tripped.limit, inner.tripped.bound) == ("turns", 1)

    run_fast(trip())


def test_calls_beyond_the_bound_are_refused_before_they_are_counted() -> None:
    async def call() -> None:
        async with Limits(tool_calls=3).scope() as scope:
            scope.take_calls(2)
            with pytest.raises(LimitExceeded):
                scope.take_calls(2)
            assert scope.spent.tool_calls == 2
            scope.take_calls(1)

    run_fast(call())


def test_waiting_for_a_provider_costs_no_working_time() -> None:
    async def wait() -> tuple[float, float]:
        async with Limits(wall=None, working=5).scope() as scope:
            with waiting():
                await asyncio.sleep(60)
            scope.check()
            return scope.wall, scope.working

    wall, working = run_fast(wait())
    assert wall == pytest.approx(60)
    assert working == pytest.approx(0)


def test_working_time_cuts_a_hanging_tool() -> None:
    async def hang() -> None:
        async with Limits(wall=None, working=20).scope() as scope:
            with waiting():
                await asyncio.sleep(300)
            await asyncio.Event().wait()
        assert scope

    with pytest.raises(LimitExceeded) as stop:
        run_fast(hang())
    assert stop.value.limit == "working"


def test_someone_elses_time_out_is_not_ours() -> None:
    async def time_out() -> None:
        async with Limits(wall=5).scope():
            raise TimeoutError("a socket's")

    with pytest.raises(TimeoutError, match="socket"):
        run_fast(time_out())


@pytest.mark.parametrize("bad", [{"turns": 0}, {"cost": -1}, {"wall": 0}, {"moves": 3}])
def test_impossible_bounds_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate(bad)

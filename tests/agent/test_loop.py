"""The loop: what ends an episode, what it logs, and who is blamed."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from surveyor.agent.limits import UNLIMITED, LimitExceeded, Limits
from surveyor.agent.planner import PlannerInput, Turn
from surveyor.agent.scripted import Play, ScriptedPlanner, turns
from surveyor.core.errors import ServiceUnavailable, UserError
from surveyor.core.tasks import Task
from surveyor.memory.events import (
    Answer,
    EpisodeStarted,
    EpisodeStatus,
    LimitHit,
    ModelCall,
    ToolCall,
    ToolOutcome,
    ToolStatus,
    Usage,
)
from surveyor.tools.spec import CallRequest
from tests.support.agent_stage import MemoryLog, make_task, play
from tests.support.clock import run_fast


def call(number: int, name: str = "sum", raw: str = '{"a": 1, "b": 2}') -> CallRequest:
    return CallRequest(f"c{number}", name, raw)


def run(
    *sequence: Turn, root: Path, limits: Limits | None = None
) -> tuple[EpisodeStatus, MemoryLog]:
    ended, log = asyncio.run(play(ScriptedPlanner(turns(*sequence)), root, limits))
    return ended.status, log


def test_an_episode_is_logged_in_the_order_in_which_it_happened(tmp_path: Path) -> None:
    status, log = run(
        Turn(calls=(call(1), call(2)), model=ModelCall(model="m", turn=99)),
        Turn(answer="A", sources=("measurement_1",)),
        root=tmp_path,
    )
    assert status is EpisodeStatus.ANSWERED
    assert log.types == [
        "episode_started",
        "model_call",
        "tool_call",
        "tool_call",
        "tool_result",
        "tool_result",
        "answer",
        "episode_ended",
    ]
    model, answer = log.events[1], log.events[-2]
    assert isinstance(model, ModelCall)
    assert model.turn == 0
    assert isinstance(answer, Answer)
    assert (answer.turn, answer.text, answer.sources) == (1, "A", ("measurement_1",))
    assert [e.call_id for e in log.events if isinstance(e, ToolOutcome)] == ["c1", "c2"]
    started = log.events[0]
    assert isinstance(started, EpisodeStarted)
    assert len(started.frames) == 2
    assert len(started.task_hash) == 64


def test_raw_arguments_are_kept_beside_the_parsed_ones(tmp_path: Path) -> None:
    _, log = run(
        Turn(calls=(call(1, raw='{"a":1,  "b":2}'), call(2, raw="{oops"))),
        Turn(answer="A"),
        root=tmp_path,
    )
    first, second = (e for e in log.events if isinstance(e, ToolCall))
    assert (first.raw_arguments, first.arguments) == ('{"a":1,  "b":2}', {"a": 1, "b": 2})
    assert (second.raw_arguments, second.arguments) == ("{oops", None)


def test_a_planner_sees_what_its_calls_gave_in_call_order(tmp_path: Path) -> None:
    seen: list[str] = []

    def script(_task: Task, brief: PlannerInput) -> Play:
        assert brief.frame_handles == ("frame_0", "frame_1")
        observations = yield Turn(calls=(call(1), call(2, raw='{"a": 5, "b": 5}')))
        seen.extend(o.text for o in observations if isinstance(o, ToolOutcome))
        yield Turn(answer="B")

    asyncio.run(play(ScriptedPlanner(script), tmp_path))
    assert seen == ["3 m", "10 m"]


def test_nonsense_ends_at_the_cap_of_consecutive_mistakes(tmp_path: Path) -> None:
    nonsense = [Turn(calls=(call(i, "wiggle"),)) for i in range(20)]
    status, log = run(*nonsense, root=tmp_path)
    assert status is EpisodeStatus.LIMIT
    (hit,) = log.of("limit_hit")
    assert isinstance(hit, LimitHit)
    assert (hit.limit, hit.value, hit.bound) == ("mistakes", 3, 3)
    outcomes = [e for e in log.events if isinstance(e, ToolOutcome)]
    assert [o.status for o in outcomes] == [ToolStatus.MISTAKE] * 3


def test_a_good_call_forgives_earlier_mistakes(tmp_path: Path) -> None:
    bad, good = Turn(mistake="eh?", raw="..."), Turn(calls=(call(1),))
    status, log = run(bad, bad, good, bad, bad, Turn(answer="A"), root=tmp_path)
    assert status is EpisodeStatus.ANSWERED
    assert len(log.of("format_error")) == 4


def test_a_failing_expert_leaves_the_episode_incomplete_and_its_result_logged(
    tmp_path: Path,
) -> None:
    status, log = run(Turn(calls=(call(1, "broken", "{}"),)), Turn(answer="A"), root=tmp_path)
    assert status is EpisodeStatus.INCOMPLETE
    assert log.types[-2:] == ["tool_result", "episode_ended"]


def test_an_unreachable_model_leaves_the_episode_incomplete(tmp_path: Path) -> None:
    def script(_task: Task, _brief: PlannerInput) -> Play:
        raise ServiceUnavailable("no model there")
        yield

    ended, _ = asyncio.run(play(ScriptedPlanner(script), tmp_path))
    assert (ended.status, ended.reason) == (EpisodeStatus.INCOMPLETE, "no model there")


@pytest.mark.parametrize("error", [UserError("mend me"), KeyError("a bug of ours")])
def test_user_errors_and_bugs_pass_through_and_leave_no_end(
    tmp_path: Path, error: Exception
) -> None:
    def script(_task: Task, _brief: PlannerInput) -> Play:
        raise error
        yield

    with pytest.raises(type(error)):
        asyncio.run(play(ScriptedPlanner(script), tmp_path))


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        (Limits(turns=2), "turns"),
        (Limits(tokens=30), "tokens"),
        (Limits(cost=0.05), "cost"),
        (Limits(tool_calls=3), "tool_calls"),
    ],
)
def test_each_counter_ends_the_episode_by_name(tmp_path: Path, limits: Limits, limit: str) -> None:
    usage = Usage(input_tokens=10, output_tokens=5, cost=0.03)
    busy = Turn(calls=(call(1), call(2)), model=ModelCall(model="m", turn=0, usage=usage))
    status, log = run(*[busy] * 9, root=tmp_path, limits=limits)
    assert status is EpisodeStatus.LIMIT
    (hit,) = log.of("limit_hit")
    assert isinstance(hit, LimitHit)
    assert hit.limit == limit
    assert hit.value >= hit.bound


def test_a_hanging_planner_is_cut_at_the_wall_clock(tmp_path: Path) -> None:
    class Sleeper:
        name = "sleeper"

        def start(self, _task: Task, _brief: PlannerInput) -> Sleeper:
            return self

        async def next(self, _observations: object) -> Turn:
            await asyncio.Event().wait()
            raise AssertionError

    ended, log = run_fast(play(Sleeper(), tmp_path, Limits(wall=600)))
    assert ended.status is EpisodeStatus.LIMIT
    (hit,) = log.of("limit_hit")
    assert isinstance(hit, LimitHit)
    assert hit.limit == "wall"


def test_a_spent_run_budget_leaves_the_episode_incomplete(tmp_path: Path) -> None:
    usage = Usage(input_tokens=10, output_tokens=5)
    busy = Turn(calls=(call(1),), model=ModelCall(model="m", turn=0, usage=usage))

    async def whole_run() -> tuple[EpisodeStatus, LimitExceeded | None]:
        budget = UNLIMITED.model_copy(update={"tokens": 20}).scope("run")
        with contextlib.suppress(LimitExceeded):
            async with budget:
                ended, _ = await play(ScriptedPlanner(turns(*[busy] * 9)), tmp_path)
                budget.check()
        return ended.status, budget.tripped

    status, tripped = asyncio.run(whole_run())
    assert status is EpisodeStatus.INCOMPLETE
    assert tripped is not None
    assert tripped.limit == "tokens"


def test_cancelling_leaves_a_log_without_an_end(tmp_path: Path) -> None:
    class Sleeper:
        name = "sleeper"

        def start(self, _task: Task, _brief: PlannerInput) -> Sleeper:
            return self

        async def next(self, _observations: object) -> Turn:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    asked = asyncio.Event()

    async def cancelled() -> None:
        episode = asyncio.create_task(play(Sleeper(), tmp_path))
        await asked.wait()
        episode.cancel()
        with pytest.raises(asyncio.CancelledError):
            await episode

    asyncio.run(cancelled())


def test_the_stage_hands_out_what_it_says(tmp_path: Path) -> None:
    from surveyor.core.blobs import BlobStore

    task = make_task(BlobStore(tmp_path), frames=3)
    assert [frame.index for frame in task.frames] == [0, 1, 2]

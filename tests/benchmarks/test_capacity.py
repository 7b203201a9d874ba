"""Planning from a finished run: the queue by hand and by laws, and the verb as it is typed."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import surveyor
from surveyor.benchmarks.capacity import Visit, makespan, measured, plan
from surveyor.cli.capacity import app
from surveyor.core.errors import UserError
from surveyor.memory.events import ToolOutcome
from surveyor.memory.log import read_events
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset


def visits(*requests: int, tool: str = "depth") -> tuple[Visit, ...]:
    return tuple(Visit(tool, count, 0.0) for count in requests)


def test_by_hand() -> None:
    two = [visits(3), visits(1)]
    assert makespan(two, {"depth": 2.0}, {"depth": 1}, at_once=2) == 8.0
    assert makespan(two, {"depth": 2.0}, {"depth": 2}, at_once=2) == 4.0
    assert makespan([visits(1, 1)], {"depth": 2.0}, {"depth": 9}, at_once=2, between=1.0) == 6.0
    both = [(*visits(2), *visits(1, tool="detect"))] * 2
    assert makespan(both, {"depth": 1.0, "detect": 5.0}, {"depth": 1, "detect": 1}, 2) == 12.0


META = Path(__file__).parents[1] / "fixtures" / "vsi_meta"
EPISODES = st.lists(st.lists(st.integers(1, 5), max_size=4), min_size=1, max_size=8)


@given(EPISODES, st.integers(1, 4), st.integers(1, 4))
def test_work_is_kept_and_more_lanes_never_hurt_one_stream(
    counts: list[list[int]], lanes: int, at_once: int
) -> None:
    episodes = [visits(*each) for each in counts]
    work = sum(map(sum, counts))
    took = makespan(episodes, {"depth": 1.0}, {"depth": lanes}, at_once)
    longest = max(sum(math.ceil(n / lanes) for n in each) for each in counts)
    assert max(work / lanes, longest) <= took + 1e-9
    assert took <= sum(math.ceil(n / lanes) for each in counts for n in each) + 1e-9
    assert makespan(episodes, {"depth": 1.0}, {"depth": 1}, at_once) == pytest.approx(work)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of some questions about scanned places, by the table of objects."""
    folder = tmp_path_factory.mktemp("capacity")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SURVEYOR_CACHE", str(folder / "cache"))
        make_vsi_meta_dataset(folder / "meta", META)
        surveyor.run(folder / "meta", limit=12, out=folder / "run")
    return folder / "run"


def test_a_plan_is_the_runs_requests_times_the_episodes(finished: Path) -> None:
    load = measured(RunFolder.open(finished))
    assert len(load.episodes) == 12
    asked = load.requests["scene"]
    assert 0 < asked <= 12  # a scene is asked for once
    (row,) = plan(load, 12_000, hours=10.0, seconds={"scene": 3.6})
    assert row.requests == 1000 * asked
    assert row.hours == pytest.approx(asked)
    assert row.accelerators == math.ceil(asked / 7)


def test_as_it_is_typed(finished: Path) -> None:
    told = CliRunner().invoke(app, [str(finished), "--episodes", "12000", "--seconds", "scene=3.6"])
    assert told.exit_code == 0, told.output
    assert "12,000 episodes within 24 h, from 12 of" in told.output
    assert "one runner ended" in told.output


def test_a_run_that_the_cache_answered_says_what_it_would_have_cost(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SURVEYOR_CACHE", str(finished.parent / "cache"))
    surveyor.run(finished.parent / "meta", limit=12, out=tmp_path / "again")
    load = measured(RunFolder.open(tmp_path / "again"))
    assert not load.requests
    assert load.without_cache.requests == measured(RunFolder.open(finished)).without_cache.requests
    options = ["--episodes", "12000", "--seconds", "scene=3.6", "--price", "0.7"]
    told = CliRunner().invoke(app, [str(tmp_path / "again"), *options])
    assert told.exit_code == 0, told.output
    asked = load.without_cache.requests.total()
    says = f"{asked} of the run's {asked} requests were answered by its cache"
    assert f"{says}; with all of them sent: {asked} dollars" in told.output


def test_requests_of_one_call_share_its_price_and_a_pause_is_no_work(
    finished: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    run = RunFolder.open(tmp_path / "run")
    before, hour, changed = measured(run).seconds, 3600.0, False
    for task, epoch in list(run.scheduled())[6:]:  # as if a later session had played them
        path = run.episode_path(task.id, epoch)
        events = []
        for event in read_events(path):
            event = event.model_copy(update={"t": event.t + hour})
            if isinstance(event, ToolOutcome) and event.cached and not changed:
                event, changed = event.model_copy(update={"expert_calls": 3, "cost": 8.0}), True
            events.append(event)
        path.write_text("".join(event.model_dump_json() + "\n" for event in events))
    load = measured(run)
    assert load.seconds < before + 60
    (visit,) = [v for visits in load.episodes for v in visits if v.requests == 3]
    assert changed
    assert visit.cost == 6.0  # three of four at 2 s each


@pytest.mark.parametrize("wrong", ["scene", "scene=0", "scene=fast", "secne=1"])
def test_wrong_seconds_are_one_sentence(finished: Path, wrong: str) -> None:
    told = CliRunner().invoke(app, [str(finished), "--seconds", wrong])
    assert isinstance(told.exception, UserError), told.output


def test_nothing_ended_is_nothing_to_plan_from(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    for path in (tmp_path / "run" / "episodes").iterdir():
        path.unlink()
    with pytest.raises(UserError, match="finish the run first"):
        measured(RunFolder.open(tmp_path / "run"))

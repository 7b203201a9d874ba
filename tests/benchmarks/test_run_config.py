"""Configuration, schedule and progress: what a run is asked to do, and what it says meanwhile."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.benchmarks.run.config import Baseline, RunConfig, Shard
from surveyor.benchmarks.run.progress import LiveBar, PlainLines, Progress, clock_text, describe
from surveyor.benchmarks.run.provenance import code_version, installed_packages
from surveyor.benchmarks.run.schedule import scheduled, select, shard, task_hash
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind, Task
from surveyor.memory.events import EpisodeEnded, EpisodeStatus


def task(number: int, scene: str = "a", kind: str = "count") -> Task:
    return Task(
        id=f"t{number}",
        dataset="s",
        scene_id=scene,
        question_type=kind,
        question="How many?",
        answer_kind=AnswerKind.NUMBER,
    )


TASKS = [task(i, f"scene{i % 5}", ("count", "size")[i % 2]) for i in range(20)]


def test_a_file_says_everything_and_survives_a_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(
        'dataset = "datasets/rooms"\nplanner = "chat"\nepochs = 2\nshard = "2/8"\n'
        'baseline = "no-tools"\n[planner_options]\nmodel = "m"\n[corruption]\nshare = 0.2\n'
    )
    config = RunConfig.read(path)
    assert (config.shard, config.baseline) == (Shard(index=2, count=8), Baseline.NO_TOOLS)
    assert config.corruption is not None
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "dataset: is missing"),
        ('dataset = "s"\nepochs = 0', "epochs: "),
        ('dataset = "s"\ncolour = 1', "colour: "),
        ('dataset = "s"\nshard = "9/8"', "there is no shard 9 of 8"),
        ('dataset = "s"\nshard = "half"', "a shard is written i/n"),
        ("dataset = ", "cannot be read as TOML"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"run\.toml") as told:
        RunConfig.read(path)
    assert words in str(told.value)
    with pytest.raises(UserError, match="there is no configuration file"):
        RunConfig.read(tmp_path / "none.toml")
    with pytest.raises(UserError, match="concurrency"):
        RunConfig(dataset="s").changed(concurrency=0)


def test_selection_by_type_and_number_keeps_the_order() -> None:
    config = RunConfig(dataset="s", types=("size",), limit=3)
    assert [t.id for t in select(TASKS, config)] == ["t1", "t3", "t5"]
    with pytest.raises(UserError, match=r"no questions of type 'colour'; it has: count, size"):
        select(TASKS, config.changed(types=["colour"]))
    with pytest.raises(UserError, match="nothing to run"):
        select([], RunConfig(dataset="s"))


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    count=st.integers(1, 6),
)
def test_shards_cover_every_task_once_and_never_cut_a_scene(sizes: list[int], count: int) -> None:
    tasks = [
        task(100 * scene + number, f"scene{scene}")
        for scene, size in enumerate(sizes)
        for number in range(size)
    ]
    parts = [shard(tasks, Shard(index=i + 1, count=count)) for i in range(count)]
    assert Counter(t.id for part in parts for t in part) == Counter(t.id for t in tasks)
    homes = [{t.scene_id for t in part} for part in parts]
    assert sum(map(len, homes)) == len(sizes)
    loads = sorted(map(len, parts))
    assert loads[-1] - loads[0] <= max(sizes)


def test_the_hash_of_a_task_changes_with_anything_the_planner_is_given() -> None:
    one = TASKS[0]
    changed = [{"question": "?"}, {"options": ("A. x",)}, {"unit": "m"}, {"scene_id": "b"}]
    hashes = {task_hash(one.model_copy(update=change)) for change in changed}
    assert len(hashes | {task_hash(one)}) == 5
    assert scheduled(one).hash == task_hash(one)


ANSWERED = EpisodeEnded(status=EpisodeStatus.ANSWERED)
INCOMPLETE = EpisodeEnded(status=EpisodeStatus.INCOMPLETE, reason="the depth expert is gone")


def test_progress_counts_rate_and_time_left() -> None:
    progress = Progress(total=10, earlier=2)
    assert (progress.rate, progress.time_left, progress.left) == (0.0, None, 8)
    progress = progress.after(ANSWERED, 1.0).after(ANSWERED, 2.0).after(INCOMPLETE, 2.0)
    assert (progress.ended, progress.left, progress.rate) == (2, 6, 1.0)
    assert progress.time_left == 6.0
    assert describe(progress) == (
        "4/10 1.0/s · 0:06 left · 1 incomplete (the depth expert is gone)"
    )
    assert [clock_text(s) for s in (0.4, 75, 3723)] == ["0:00", "1:15", "1:02:03"]


def test_plain_lines_come_now_and_then_and_at_the_end() -> None:
    out, now = io.StringIO(), [0.0]
    lines = PlainLines(out, interval=5.0, clock=lambda: now[0])
    progress = Progress(total=100, earlier=3)
    lines.started(progress)
    for second in range(12):
        now[0] = float(second)
        progress = progress.after(ANSWERED, now[0])
        lines.ended(TASKS[0], 0, ANSWERED, progress)
    lines.finished(progress)
    told = out.getvalue().splitlines()
    assert told[0] == "resuming: 3 of 100 are done"
    assert [line.split()[0] for line in told[1:]] == ["9/100", "14/100", "15/100"]


def test_the_live_bar_shows_the_same_counts() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    progress = Progress(total=4)
    with LiveBar(out, "rooms", lambda: {"openai": "12 of 32", "cost": "$0.40"}) as bar:
        bar.started(progress)
        for _ in range(3):
            progress = progress.after(ANSWERED, 1.5)
            bar.ended(TASKS[0], 0, ANSWERED, progress)
        bar.finished(progress.after(INCOMPLETE, 2.0))
    assert "3/4" in out.getvalue()
    assert "1 incomplete" in out.getvalue()
    assert "openai 12 of 32 · cost $0.40" in out.getvalue()
    assert "last error: the depth expert is gone" in out.getvalue()


def test_the_manifest_names_code_and_packages() -> None:
    assert code_version()
    packages = installed_packages()
    assert {"pydantic", "numpy"} <= packages.keys()
    assert list(packages) == sorted(packages, key=str.lower)

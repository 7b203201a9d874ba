"""What is no change of the experiment does not stop a resume; a higher limit adds tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.core.errors import UserError
from surveyor.core.producer import Producer
from surveyor.memory.manifest import RunRecord, ScheduledTask
from surveyor.memory.runs import RunFolder
from tests.memory.test_runs import TASKS, record


def with_options(limit: int | None = None, **options: object) -> RunRecord:
    config: dict[str, object] = {"planner": "chat", "limit": limit, "planner_options": options}
    return record(config=config, free=("planner_options.key_env", "planner_options.price"))


def test_ports_prices_and_names_of_keys_may_change(tmp_path: Path) -> None:
    first = with_options(model="m", base_url="http://127.0.0.1:8001/v1", key_env="A")
    RunFolder.create(tmp_path / "r", first, TASKS)
    RunFolder.create(
        tmp_path / "r",
        with_options(model="m", base_url="http://127.0.0.1:9/v1", key_env="B", price={"input": 1}),
        TASKS,
    )
    for changed in (
        with_options(model="n", base_url="http://127.0.0.1:8001/v1"),
        with_options(model="m", base_url="http://elsewhere:8001/v1"),
        with_options(model="m", base_url="http://127.0.0.1:8001/v2"),
    ):
        with pytest.raises(UserError, match="already holds a run with planner_options"):
            RunFolder.create(tmp_path / "r", changed, TASKS)


def test_what_was_typed_is_named_before_what_follows_from_it(tmp_path: Path) -> None:
    def made(prompt: str, version: str = "1", **config: object) -> RunRecord:
        one = record(config={"planner": "program", **config})
        experts = (Producer(name="depth", version="1"), Producer(name="detect", version=version))
        told = one.manifest.model_copy(update={"prompt": prompt, "experts": experts})
        return one.model_copy(update={"manifest": told})

    look = {"planner_options": {"workflow": "plain", "model": "m"}}
    RunFolder.create(tmp_path / "r", made("aa", tools=[], **look), TASKS)
    other = {"planner_options": {"workflow": "table", "model": "m"}}
    for changed, words in (
        (made("bb", tools=["look", "count"], **look), "tools = unset, not look, count"),
        (made("bb", tools=[], **other), "planner_options.workflow = 'plain', not 'table'"),
        (made("bb", "2", tools=[], **look), "manifest.experts.detect.version = '1', not '2'"),
        (
            made("bb", tools=[], **look),
            "tools described otherwise, as by another version.*",
        ),
    ):
        with pytest.raises(UserError, match=f"already holds a run with {words}; give"):
            RunFolder.create(tmp_path / "r", changed, TASKS)


def test_a_higher_limit_adds_tasks_and_survives_being_killed(tmp_path: Path) -> None:
    path = tmp_path / "r"
    RunFolder.create(path, with_options(limit=1), TASKS[:1])
    grown = RunFolder.create(path, with_options(limit=2), TASKS[:2])
    assert grown.schedule == TASKS[:2]
    assert RunFolder.open(path).schedule == TASKS[:2]
    assert RunFolder.open(path).record.config["limit"] == 2

    before = (path / "run.json").read_bytes()
    RunFolder.create(path, with_options(limit=3), TASKS)
    (path / "run.json").write_bytes(before)  # killed between the schedule and the record
    assert RunFolder.create(path, with_options(limit=3), TASKS).schedule == TASKS
    assert RunFolder.open(path).schedule == TASKS
    assert RunFolder.create(path, with_options(), TASKS).schedule == TASKS, "no limit at all"

    for limit, tasks in ((1, TASKS[:1]), (9, (*TASKS[:2], record_of_other()))):
        with pytest.raises(UserError, match="already holds a run with"):
            RunFolder.create(path, with_options(limit=limit), tasks)


def record_of_other() -> ScheduledTask:
    return TASKS[0].model_copy(update={"id": "other"})


def test_a_setting_that_an_older_run_does_not_know_is_an_empty_one(tmp_path: Path) -> None:
    old = record()
    RunFolder.create(tmp_path / "r", old, TASKS)
    newer = record(
        config={**old.config, "tools": [], "without": []},
        manifest=old.manifest.model_copy(update={"tools": ()}),
    )
    assert RunFolder.create(tmp_path / "r", newer, TASKS).record.id == "r"
    chosen = record(config={**old.config, "tools": ["detect"]})
    with pytest.raises(UserError, match="tools = unset, not detect"):
        RunFolder.create(tmp_path / "r", chosen, TASKS)

"""Run folders: whole or not there, one owner, one configuration."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.core.errors import UserError
from surveyor.core.names import safe_name
from surveyor.core.producer import Producer
from surveyor.memory.events import Answer, EpisodeEnded, EpisodeStarted, EpisodeStatus, Score
from surveyor.memory.log import EpisodeLog
from surveyor.memory.manifest import DatasetIdentity, Manifest, RunRecord, ScheduledTask
from surveyor.memory.runs import RunFolder, last_status
from tests.faults.disk import no_room_left

TASKS = tuple(
    ScheduledTask(id=f"a.count.{i}", scene_id="a", question_type="count") for i in range(3)
)


def record(**changes: object) -> RunRecord:
    fields: dict[str, object] = {
        "id": "r",
        "created": "2026-01-01T00:00:00+00:00",
        "config": {"planner": "program", "seed": 0, "concurrency": 8},
        "free": ("concurrency",),
        "epochs": 2,
        "manifest": Manifest(dataset=DatasetIdentity(name="rooms", content_hash="c0")),
    }
    return RunRecord.model_validate({**fields, **changes})


def started(task_id: str) -> EpisodeStarted:
    return EpisodeStarted(
        task_id=task_id,
        dataset="s",
        scene_id="a",
        question_type="count",
        question="?",
        planner="scripted",
    )


def test_a_run_is_found_again_as_it_was_made(tmp_path: Path) -> None:
    made = RunFolder.create(tmp_path / "runs" / "r", record(), TASKS)
    found = RunFolder.open(made.path)
    assert found.record == made.record
    assert found.schedule == TASKS
    assert [(t.id, e) for t, e in found.scheduled()] == [(t.id, e) for e in range(2) for t in TASKS]
    assert sorted(p.name for p in made.path.iterdir()) == ["episodes", "run.json", "schedule.jsonl"]
    assert [p.name for p in made.path.parent.iterdir()] == ["r"]


def test_resuming_needs_the_same_run_except_for_speed_and_code(tmp_path: Path) -> None:
    path = tmp_path / "r"
    RunFolder.create(path, record(), TASKS)
    faster = {"planner": "program", "seed": 0, "concurrency": 64}
    later_code = Manifest(dataset=record().manifest.dataset, code="0.2", python="3.12")
    assert RunFolder.create(path, record(config=faster, manifest=later_code), TASKS).schedule

    other_expert = Manifest(
        dataset=record().manifest.dataset, experts=(Producer(name="detect", version="2"),)
    )
    for changed, words in (
        (record(config={"planner": "program", "seed": 1}), "seed = 0, not 1"),
        (record(epochs=3), "epochs = 2, not 3"),
        (record(manifest=other_expert), r"manifest\.experts\.detect = unset, not {"),
    ):
        with pytest.raises(UserError, match=f"already holds a run with {words}"):
            RunFolder.create(path, changed, TASKS)
    with pytest.raises(UserError, match="schedule"):
        RunFolder.create(path, record(), TASKS[:2])
    assert RunFolder.open(path).record.epochs == 2


def test_duplicate_ids_and_empty_schedules_leave_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"two tasks with the id 'a\.count\.0'"):
        RunFolder.create(tmp_path / "r", record(), (*TASKS, TASKS[0]))
    with pytest.raises(UserError, match="nothing to run"):
        RunFolder.create(tmp_path / "r", record(), ())
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_leaves_nothing_half_written(tmp_path: Path) -> None:
    path = tmp_path / "r"
    with no_room_left(100), pytest.raises(UserError, match="cannot create the run folder"):
        RunFolder.create(path, record(), TASKS)
    assert list(tmp_path.iterdir()) == []
    folder = RunFolder.create(path, record(), TASKS)
    folder.write("report.json", b"old")
    before = sorted(path.rglob("*"))
    with no_room_left(100), pytest.raises(UserError, match=r"cannot write .*report\.json"):
        folder.write("report.json", b"new" * 1000)
    assert (path / "report.json").read_bytes() == b"old"
    assert sorted(path.rglob("*")) == before


def test_places_that_cannot_hold_a_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot create the run folder"):
        RunFolder.create(Path(os.devnull) / "r", record(), TASKS)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    for path in (tmp_path / "mine", tmp_path / "mine" / "thesis.tex"):
        with pytest.raises(UserError, match="is not a run"):
            RunFolder.create(path, record(), TASKS)
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_damaged_and_newer_runs_say_so(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "r", record(), TASKS)
    (folder.path / "schedule.jsonl").write_bytes(b"")
    with pytest.raises(UserError, match=r"schedule of .* was changed"):
        _ = RunFolder.open(folder.path).schedule
    (folder.path / "run.json").write_text(record(v=99).model_dump_json())
    with pytest.raises(UserError, match="newer Surveyor"):
        RunFolder.open(folder.path)
    (folder.path / "run.json").write_text("{")
    with pytest.raises(UserError, match=r"run\.json is damaged"):
        RunFolder.open(folder.path)


def test_a_run_has_one_owner_at_a_time(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "r", record(), TASKS)
    refused = pytest.raises(UserError, match="another process is working on")
    with folder.locked(), refused, folder.locked():
        raise AssertionError("both hold it")
    with folder.locked():
        pass


def test_status_is_read_off_the_end_of_the_log(tmp_path: Path) -> None:
    path = tmp_path / "t.0.jsonl"
    assert last_status(path) is None
    path.touch()
    assert last_status(path) is None
    with EpisodeLog(path) as log:
        log.append(started("t"))
        assert last_status(path) is EpisodeStatus.INCOMPLETE
        log.append(Answer(turn=0, text="long " * 50_000))
        assert last_status(path) is EpisodeStatus.INCOMPLETE
        log.append(EpisodeEnded(status=EpisodeStatus.LIMIT))
    assert last_status(path) is EpisodeStatus.LIMIT
    path.write_bytes(path.read_bytes() + b'{"torn')
    assert last_status(path) is EpisodeStatus.LIMIT
    path.write_bytes(b'{"torn')
    assert last_status(path) is EpisodeStatus.INCOMPLETE


def test_a_log_that_is_a_folder_is_said_and_no_traceback(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "r", record(), TASKS)
    run.episode_path(TASKS[0].id, 0).mkdir(parents=True)
    for look in (run.episode, run.status):
        with pytest.raises(UserError, match="cannot be read as an episode's log"):
            look(TASKS[0].id, 0)


def test_results_are_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "r", record(), TASKS)
    assert folder.results() == ()
    scores = [Score(task_id=t.id, scorer="vsi", value=0.5) for t in TASKS]
    folder.write_results(scores)
    folder.write_results(scores[:1])
    assert folder.results() == tuple(scores[:1])


IDS = st.text(min_size=1, max_size=300) | st.sampled_from(
    ["..", ".", "a/b", "a_b", "A", "a", "a.b", "x~y", "ü", "CON", "a" * 121, "a b", "a\\b"]
)


@given(left=IDS, right=IDS)
def test_file_names_are_safe_and_never_shared(left: str, right: str) -> None:
    names = [safe_name(left), safe_name(right)]
    for name in names:
        assert 0 < len(name) <= 120
        assert "/" not in name
        assert not name.startswith(".")
        assert name == name.lower()
    assert (left == right) == (names[0] == names[1])


def test_plain_ids_stay_readable() -> None:
    assert safe_name("room_3.object_abs_distance.12") == "room_3.object_abs_distance.12"
    assert safe_name("Scene 1/Q").startswith("scene_1_q~")

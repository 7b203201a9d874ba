"""Exports: whole or not at all, nothing lost, nothing of a test scene, nothing secret."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from surveyor.agent.chat.capabilities import Capabilities, Coordinates
from surveyor.agent.chat.native import NativeDialect
from surveyor.agent.chat.transcript import as_sent
from surveyor.agent.planner import PlannerInput
from surveyor.benchmarks.run.config import RunConfig
from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.training.compact.drawing import name_of, skill_for
from surveyor.training.compact.rollouts import play_run
from surveyor.training.export.pairs import preference_pairs, prompt_groups
from surveyor.training.export.write import RowDialect, write_sft
from surveyor.training.rows.filters import Filters
from surveyor.training.rows.guard import Apart, guarded
from surveyor.training.rows.records import Row, text_of
from surveyor.training.rows.source import RunSource

TYPES = ("object_size_estimation", "object_rel_distance", "room_size_estimation")
VISION = Capabilities(images_in_tools=True)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "train"
    settings = RoomsSettings(
        n_frames=6, size=(80, 60), types=TYPES, per_type=1, balance=False, light_rays=1
    )
    make_rooms_dataset(path, [31], settings=settings, split="train")
    return path


@pytest.fixture(scope="module")
def source(dataset: Path) -> RunSource:
    config = RunConfig(dataset=str(dataset), skills=name_of(3), epochs=2)
    run, summary = asyncio.run(
        play_run(dataset.parent / "run", dataset, dataset.parent / "work", config)
    )
    assert summary.complete
    return RunSource(
        RunFolder.open(run.path),
        Dataset.open(dataset),
        lambda task, event: tuple(filter(None, [skill_for(event.snapshot, task.id)])),
        VISION,
    )


def test_rows_say_why_before_they_call_and_rest_on_what_happened(source: RunSource) -> None:
    rows = list(source.rows())
    assert len(rows) == 2 * sum(source.dataset.manifest.questions.values())
    for row in rows:
        roles = [message["role"] for message in row.messages]
        assert roles[:2] == ["system", "user"]
        first = row.messages[2]
        assert text_of(first).startswith("To answer, I need ")
        assert first["tool_calls"]
        assert text_of(row.messages[-1]).endswith("</answer>")
        assert row.score is not None
        assert len(row.images) == 6
        if row.skills:
            assert "```workflow" in text_of(row.messages[0])


def test_told_turns_are_as_those_of_a_model_would_be_kept(source: RunSource) -> None:
    tasks = {task.id: task for task in source.dataset.tasks()}
    for row in source.rows():
        dialect = NativeDialect(tasks[row.task_id], PlannerInput(row.tools, ()), VISION)
        turns = [message for message in row.messages if message["role"] == "assistant"]
        for number, turn in enumerate(turns):
            read = dialect.read(turn, "stop", number)
            assert not read.repairs
            assert as_sent(read.echo) == {**turn, "content": turn["content"] or ""}
            assert bool(read.calls) == (number < len(turns) - 1) == (read.answer is None)


def test_tools_are_as_a_model_is_told_them(source: RunSource) -> None:
    pixels = next(source.rows())
    can = VISION.model_copy(update={"coordinates": Coordinates.THOUSANDTHS})
    thousandths = next(replace(source, capabilities=can).rows())
    assert "in pixels of the image as you see it" in str(pixels.tools)
    assert "each from 0 to 1000" in str(thousandths.tools)
    assert "pixels_of" not in str([pixels.tools, thousandths.tools])


def test_rows_are_made_without_the_answers(source: RunSource, dataset: Path) -> None:
    before = list(source.rows())
    hidden = dataset.parent / "hidden"
    shutil.move(dataset / "truth", hidden)
    try:
        assert list(source.rows()) == before
    finally:
        shutil.move(hidden, dataset / "truth")


@pytest.mark.parametrize("dialect", [RowDialect.SWIFT, RowDialect.LLAMA_FACTORY])
def test_no_call_no_result_and_no_picture_is_lost(
    source: RunSource, tmp_path: Path, dialect: RowDialect
) -> None:
    rows = list(source.rows())
    stores = [source.dataset.blobs]
    count = write_sft(tmp_path / "out", rows, dialect, stores, ["run"], vision=True)
    assert count == len(rows)
    if dialect is RowDialect.SWIFT:
        lines = (tmp_path / "out" / "data.jsonl").read_bytes().splitlines()
        told = [orjson.loads(line) for line in lines]
        turns = [one["messages"] for one in told]
        calls = [sum(m["role"] == "tool_call" for m in ms) for ms in turns]
        marks = [sum(m["content"].count("<image>") for m in ms) for ms in turns]
    else:
        told = orjson.loads((tmp_path / "out" / "data.json").read_bytes())
        turns = [one["conversations"] for one in told]
        found = [[t["value"] for t in ts if t["from"] == "function_call"] for ts in turns]
        calls = [sum(len(json.loads(v.split("\n")[-1])) for v in values) for values in found]
        marks = [sum(t["value"].count("<image>") for t in ts) for ts in turns]
        own = [[t["from"] in ("gpt", "function_call") for t in ts] for ts in turns]
        assert all(o == [k % 2 == 1 for k in range(len(o))] for o in own), "turns alternate"
    assert calls == [row.calls for row in rows]
    assert marks == [len(one["images"]) for one in told] == [6] * len(rows)
    assert all((tmp_path / "out" / p).is_file() for one in told for p in one["images"])


def test_parquet_gives_back_what_went_in(source: RunSource, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = list(source.rows())
    stores = [source.dataset.blobs]
    write_sft(tmp_path / "out", rows, RowDialect.TRL, stores, ["run"], vision=True)
    table = parquet.read_table(tmp_path / "out" / "data.parquet").to_pylist()
    for row, told in zip(rows, table, strict=True):
        calls = [
            call["function"]["arguments"]
            for m in told["messages"]
            for call in m["tool_calls"] or ()
        ]
        wanted = [
            call["function"]["arguments"]
            for m in row.messages
            for call in m.get("tool_calls") or ()
        ]
        assert calls == wanted, "arguments of mixed types come back to the byte"
        assert json.loads(told["tools"]) == list(row.tools)
        assert [len(image["bytes"]) > 0 for image in told["images"]] == [True] * 6
    assert "6 rows" in (tmp_path / "out" / "README.md").read_text()


def test_an_export_that_fails_leaves_nothing(source: RunSource, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no episode is left"):
        write_sft(tmp_path / "out", [], RowDialect.SWIFT, [], [], vision=False)
    with pytest.raises(UserError, match="in none of the stores"):
        write_sft(
            tmp_path / "out",
            source.rows(),
            RowDialect.SWIFT,
            [BlobStore(tmp_path / "none")],
            [],
            vision=True,
        )
    assert list(tmp_path.iterdir()) == []


def changed(row: Row, **changes: object) -> Row:
    return replace(row, **changes)


def test_test_scenes_and_secrets_are_refused(
    source: RunSource, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = next(source.rows())
    nothing = Apart(frozenset(), frozenset())
    assert list(guarded([row], nothing)) == [row]
    with pytest.raises(UserError, match="is in a test dataset"):
        list(guarded([row], Apart.of([dataset])))
    with pytest.raises(UserError, match="under another name"):
        list(guarded([changed(row, scene_id="renamed")], Apart.of([dataset])))
    with pytest.raises(UserError, match="split 'test'"):
        list(guarded([changed(row, split="test")], nothing))
    run = "abcdefghijklmnop1234"
    for key in (f"sk-{run}", f"hf_{run}", f"AKIA{run[:16].upper()}", f"ghp_{run}", f"Bearer {run}"):
        told = ({"role": "user", "content": f"key {key}"},)
        with pytest.raises(UserError, match="looks like a key"):
            list(guarded([changed(row, messages=told)], nothing))
    monkeypatch.setenv("SOME_API_KEY", "correct-horse-battery")
    told = ({"role": "user", "content": "it is correct-horse-battery"},)
    with pytest.raises(UserError, match="secret of this machine"):
        list(guarded([changed(row, messages=told)], nothing))


def test_filters(source: RunSource) -> None:
    row = changed(next(source.rows()), score=0.5, effective=3, redundant=1, failed=0, guess=False)
    assert Filters().takes(row)
    assert Filters(score=0.5, effective=0.75, guess_free=True).takes(row)
    for refusing in (
        Filters(score=0.6),
        Filters(effective=0.8),
        Filters(longest=10),
        Filters(types=("other",)),
        Filters(without_scenes=(row.scene_id,)),
        Filters(skills=("other",)),
    ):
        assert not refusing.takes(row)
    assert not Filters(score=0.0).takes(changed(row, score=None))
    assert not Filters(guess_free=True).takes(changed(row, guess=True))


def test_pairs_share_their_opening_and_groups_hold_every_try(source: RunSource) -> None:
    groups = list(prompt_groups([source], Filters()))
    assert [len(group.scores) for group in groups] == [2] * len(groups)
    for pair in preference_pairs([source], Filters(), margin=0.0):
        assert pair.shared >= 2
        assert (pair.chosen.score or 0) >= (pair.rejected.score or 0)

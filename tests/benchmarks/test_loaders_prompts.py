"""Published wordings, letter by letter, of tasks that the loaders made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surveyor.agent.chat.prompt import agent_prompt
from surveyor.agent.chat.prompt_profiles import (
    EASI,
    OFFICIAL,
    easi,
    easi_text,
    official,
    official_text,
    profile_named,
)
from surveyor.agent.planner import PlannerInput
from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.registry import loader_named
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from tests.benchmarks.published import FIXTURES, download

NOTE = "Note: You only need to respond with A, B without providing any additional information.\n"


def tasks(name: str, folder: Path, split: str | None = None) -> dict[str, Task]:
    loader = loader_named(name)
    loader.load(download(name, folder), folder / "out", split=split, frames=FrameRule())
    return {task.id: task for task in Dataset.open(folder / "out").tasks()}


def test_vsi_bench(tmp_path: Path) -> None:
    found = tasks("vsi-bench", tmp_path)
    count, side = found["7"], found["9"]
    assert official_text(count) == (
        "These are frames of a video.\n"
        "How many chair(s) are in this room?\n"
        "Please answer the question using a single word or phrase."
    )
    assert easi_text(count) == (
        "These are frames of a video.\n"
        "How many chair(s) are in this room?\n"
        "Answer briefly and directly in one float number."
    )
    body = (
        "If I am standing by the sofa and facing the tv, is the lamp to the left or the right of "
        "the tv?\n"
    )
    end = "A. left\nB. right\nAnswer with the option's letter from the given choices directly."
    assert official_text(side) == f"These are frames of a video.\n{body}Options:\n{end}"
    assert easi_text(side) == f"These are frames of a video.\n{body}{end}"


def test_mmsi_bench(tmp_path: Path) -> None:
    task = tasks("mmsi-bench", tmp_path)["1"]
    assert official_text(task) == easi_text(task)
    assert official_text(task) == (
        "Where is the bin when you face the desk?\n"
        "Options: A: Left, B: Right, C: Behind, D: In front\n"
        "Answer with the option's letter from the given choices directly. Enclose the option's "
        "letter within ``."
    )


def test_cv_bench_and_blink_are_asked_by_their_own_prompts(tmp_path: Path) -> None:
    for row in map(json.loads, (FIXTURES / "cv-bench-3d/test.jsonl").read_text().splitlines()):
        if row["type"] == "3D":
            task = tasks("cv-bench-3d", tmp_path / str(row["idx"]))[str(row["idx"])]
            assert official_text(task) == NOTE + "\n" + row["prompt"]
            assert task.options[0] == f"(A) {row['choices'][0]}"
    found = tasks("blink", tmp_path)
    for path in (FIXTURES / "blink").iterdir():
        (row,) = json.loads(path.read_text())
        assert official_text(found[row["idx"]]) == NOTE + row["prompt"]


def test_scanqa_and_sqa3d(tmp_path: Path) -> None:
    ask = "\nAnswer the question using a single word or phrase."
    scanqa = tasks("scanqa", tmp_path / "a")["val-scene9001-0"]
    assert official_text(scanqa) == "What stands under the window?" + ask
    situated = tasks("sqa3d", tmp_path / "b")["220602000000"]
    assert official_text(situated) == (
        "I am standing by the sofa and the lamp is on my right. What is behind me?" + ask
    )


def test_rows_of_conversations_are_whole_prompts(tmp_path: Path) -> None:
    found = tasks("skill3d", tmp_path, "vsi_test")
    assert official_text(found["VSIBench_7"]) == "How many chair(s) are in this room?"
    assert official_text(found["VSIBench_9"]).endswith("of the tv?\nA. left\nB. right")


def test_nothing_is_added_to_a_published_prompt_but_what_tools_need(tmp_path: Path) -> None:
    task = tasks("vsi-bench", tmp_path)["9"]
    for profile, text in ((official, official_text(task)), (easi, easi_text(task))):
        bare = profile(task, PlannerInput(()), "how to answer")
        assert (bare.system, bare.before, bare.after, bare.named) == ("", "", text, False)
        armed = profile(task, PlannerInput(({"function": {"name": "detect"}},)), "how to call")
        assert (armed.system, armed.after, armed.named) == ("how to call", text, True)


def test_a_dataset_without_a_published_wording_is_refused_before_the_run(tmp_path: Path) -> None:
    assert profile_named("agent", "scanrefer") is agent_prompt
    assert profile_named("official", "blink") is official
    for name, dataset in (("official", "scanrefer"), ("easi", "scanqa")):
        with pytest.raises(UserError, match="choose profile agent"):
            profile_named(name, dataset)
    with pytest.raises(UserError, match="choose from agent, official, easi"):
        profile_named("fancy")
    grounded = next(iter(tasks("scanrefer", tmp_path).values()))
    with pytest.raises(UserError, match="choose profile agent"):
        official_text(grounded)
    assert EASI.keys() - OFFICIAL.keys() == {"embspatial"}  # its authors published none

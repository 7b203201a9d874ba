"""Benchmarks of the table of field maps: rows of the published shape, loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surveyor.agent.chat.messages import Picture
from surveyor.agent.chat.prompt import opening
from surveyor.agent.chat.prompt_profiles import easi, official
from surveyor.agent.planner import PlannerInput
from surveyor.benchmarks.loaders.field_maps import MAPS
from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.published_rows import mmsi_video_budget
from surveyor.benchmarks.loaders.registry import loader_named
from surveyor.benchmarks.predictions import score_predictions
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind, Task
from surveyor.scenes.datasets.truth import targets
from surveyor.scenes.targets import Target
from tests.benchmarks.published_2026 import MAKE, download_2026


def loaded(
    name: str, folder: Path, split: str | None = None, rule: str = "all"
) -> tuple[dict[str, Task], dict[str, Target]]:
    """Tasks and targets by id."""
    source, out = download_2026(name, folder), folder / "out"
    loader_named(name).load(source, out, split=split, frames=FrameRule.parse(rule))
    tasks = {task.id: task for task in Dataset.open(out).tasks()}
    return tasks, {target.task_id: target for target in targets(out)}


def test_every_map_has_rows_of_its_shape_and_a_metric() -> None:
    assert {fields.name for fields in MAPS} - {"own"} == set(MAKE)  # that one: test_own_rows.py
    for fields in MAPS:
        assert metric_named(fields.metric).name == fields.metric


@pytest.mark.parametrize("name", sorted(set(MAKE) - {"vsi-super"}))
def test_an_agent_is_not_told_what_would_give_the_answer_away(name: str, tmp_path: Path) -> None:
    tasks, answers = loaded(name, tmp_path)
    assert tasks.keys() == answers.keys()
    told = json.dumps([task.model_dump(mode="json") for task in tasks.values()])
    for word in ("flip", "K7QW2", "four view", "meta_info", "bbox", "gt_answer", "ground_truth"):
        assert word not in told


SAID = {"omnispatial": "Answer: {}"}
"""The forms that official profiles want where they read no bare answer."""


@pytest.mark.parametrize("name", sorted(MAKE))
def test_right_answers_score_100_and_saying_nothing_is_unread(name: str, tmp_path: Path) -> None:
    source, out = download_2026(name, tmp_path), tmp_path / "out"
    manifest = loader_named(name).load(source, out, frames=FrameRule())
    metric = str(manifest.settings["metric"])
    form = SAID.get(name, "{}")
    points = {"refspatial": "(0.1, 0.1)", "robospatial": "(0.1, 0.1)"}
    replies = {
        target.task_id: form.format(target.answer)
        if target.answer in ("yes", "no") or name not in points
        else points[name]
        for target in targets(out)
    }
    rows = [json.dumps({"id": key, "prediction": reply}) for key, reply in replies.items()]
    card = score_predictions(out, rows, metric)
    assert (card.headline, card.unread, card.counts.failed) == (100.0, 0, 0)
    silent = [json.dumps({"id": key, "prediction": "?"}) for key in replies]
    assert score_predictions(out, silent, metric).unread == len(replies) - (name == "spar")


def test_mindcube(tmp_path: Path) -> None:
    tasks, answers = loaded("mindcube", tmp_path)
    assert list(tasks) == ["among_group101_q0_2_1", "rotation_group1_q1"]  # unjudged rows are out
    task = tasks["among_group101_q0_2_1"]
    assert (task.question_type, len(task.frames), task.options) == ("among", 2, ())
    assert answers[task.id].options == ("A. Lamp", "B. Sofa", "C. Plant")
    text = easi(task, PlannerInput(()), "").after
    assert text.startswith("[Task]\nYour task is to analyze")
    assert text.endswith("[Question]\n" + task.question)


def test_rows_of_one_scan_share_its_name_and_show_their_own_pictures(tmp_path: Path) -> None:
    tasks, answers = loaded("viewspatial", tmp_path)
    scenes = [task.scene_id for task in tasks.values()]
    assert scenes == ["scene9001_00", "scene9001_00", "viewspatial_test_2"]
    shown = [[frame.index for frame in task.frames] for task in tasks.values()]
    assert shown == [[0], [1, 0], [0]]
    assert answers["test_0"].answer == "B. left"
    assert easi(tasks["test_0"], PlannerInput(()), "").after == (
        "Question: Where is the lamp from the sofa?\nChoices: A. right\nB. left\n"
        "Reply only to the corresponding option.\nAnswer:"
    )


def test_site_joins_pictures_and_videos(tmp_path: Path) -> None:
    tasks, answers = loaded("site", tmp_path, rule="uniform:2")
    assert {name: len(task.frames) for name, task in tasks.items()} == {"image_0": 2, "video_0": 2}
    assert answers["video_0"].options == ("A: left", "B: right", "C: up")
    assert answers["image_0"].payload["dataset"] == "blink"
    assert easi(tasks["video_0"], PlannerInput(()), "").after.startswith("Select the best answer")
    assert len(loaded("site", tmp_path / "b", "image")[0]) == 1


def test_3dsrbench_hides_what_is_mirrored(tmp_path: Path) -> None:
    tasks, answers = loaded("3dsrbench", tmp_path)
    scenes = [task.scene_id for task in tasks.values()]
    assert scenes[0] == scenes[1] != scenes[2] == scenes[3]
    assert answers["3"].payload["qid"] == "K7QW2ABC-flip-1"
    assert easi(tasks["0"], PlannerInput(()), "").after == (
        "Question: Which is higher?\nOptions:\nA. the cup\nB. the jar\n"
        "Please select the correct answer from the options above. \n"
    )


def test_embspatial_keeps_a_scans_name_and_hides_the_relation(tmp_path: Path) -> None:
    tasks, answers = loaded("embspatial", tmp_path)
    assert [task.scene_id for task in tasks.values()] == ["embspatial_mp3d_7", "scene9002_00"]
    assert {task.question_type for task in tasks.values()} == {"embspatial"}
    assert (answers["mp3d_7"].answer, answers["mp3d_7"].question_type) == ("C", "close")
    text = easi(tasks["mp3d_7"], PlannerInput(()), "").after
    assert text.endswith("A: chair\nB: bed\nC: lamp\nD: sink\nGive me the answer letter directly. "
                         "The best answer is:")  # fmt: skip


def test_blink_has_fourteen_subtasks(tmp_path: Path) -> None:
    tasks, _ = loaded("blink-14", tmp_path)
    assert len({task.question_type for task in tasks.values()}) == 14
    task = tasks["val_Jigsaw_1"]
    assert (task.question, task.options) == (
        "Look. Which one?",
        ("(A) the first", "(B) the second"),
    )
    assert "\nA. the first\nB. the second\n" in easi(task, PlannerInput(()), "").after


def test_spar(tmp_path: Path) -> None:
    tasks, _ = loaded("spar", tmp_path)
    kinds = [(task.answer_kind, len(task.frames)) for task in tasks.values()]
    assert kinds == [(AnswerKind.NUMBER, 2), (AnswerKind.CHOICE, 1), (AnswerKind.TEXT, 2)]
    assert "0-1000 scale" in easi(tasks["s_1"], PlannerInput(()), "").after


def test_mmsi_video_shows_50_frames_in_their_places(tmp_path: Path) -> None:
    tasks, _ = loaded("mmsi-video", tmp_path)
    (task,) = tasks.values()
    assert len(task.frames) == 50 + 1 == task.question.count("<image>")
    message = opening(official(task, PlannerInput(()), ""), task, PlannerInput(()), 100)[0]
    kinds = "".join("p" if isinstance(part, Picture) else "t" for part in message.parts)
    assert kinds == "t" + "p" * 49 + "t" + "p" + "t" + "p" + "t"
    few: dict[str, object] = {"frames_list": [["a"], ["b", "c"]]}
    assert mmsi_video_budget(few, "u50")["frames_list"] == [["a"], ["b", "c"]]
    clips = [[str(k) for k in range(999)], ["x"], [str(k) for k in range(100)]]
    shown = mmsi_video_budget({"frames_list": clips}, "u50")["frames_list"]
    assert isinstance(shown, list)
    assert [len(clip) for clip in shown] == [45, 1, 5]  # a clip without any gets its first


def test_omnispatial_ids_are_of_their_family(tmp_path: Path) -> None:
    tasks, answers = loaded("omnispatial", tmp_path)
    assert list(tasks) == ["Perspective_Taking_15_1", "Dynamic_Reasoning_15_1"]
    assert answers["Dynamic_Reasoning_15_1"].answer == "A"
    text = easi(tasks["Perspective_Taking_15_1"], PlannerInput(()), "").after
    assert "where X ∈ {A, B, C, D}." in text
    assert text.endswith("Which way is the car going?\nA. left\nB. right")


def test_a_frame_budget_belongs_to_the_answers(tmp_path: Path) -> None:
    tasks, _ = loaded("revsi", tmp_path)
    assert [task.scene_id for task in tasks.values()] == ["scene9001_00"] * 2
    assert len(tasks["1"].frames) == 4
    with pytest.raises(UserError, match="revsi 32_frame hold for just the frames"):
        loaded("revsi", tmp_path / "b", rule="uniform:2")


def test_points_are_scored_in_the_masks_of_their_rows(tmp_path: Path) -> None:
    tasks, answers = loaded("refspatial", tmp_path)
    assert list(tasks) == ["location_1", "placement_1", "unseen_1"]
    task = tasks["location_1"]
    assert task.question == "Point to the free spot. Answer as [(x, y)]."
    row = {**answers[task.id].payload, "prediction": "[(0.25, 0.5), (0.75, 0.5)]"}
    assert metric_named("refspatial").score(row).values == {"score": 0.5}
    assert len(loaded("refspatial", tmp_path / "b", "seen")[0]) == 2


def test_erqa_pictures_stand_where_the_row_puts_them(tmp_path: Path) -> None:
    tasks, _ = loaded("erqa", tmp_path)
    (task,) = tasks.values()
    assert task.question.startswith("<image>Look at this. <image>And this.")
    for brief in (PlannerInput(()), PlannerInput(({"function": {"name": "detect"}},))):
        message = opening(official(task, brief, "call"), task, brief, 10)[-1]
        texts = [part for part in message.parts if isinstance(part, str)]
        handles = [] if not brief.tools else ["frame_0:", "frame_1:"]
        assert [text for text in texts if text.startswith("frame_")] == handles
        assert [p.handle for p in message.pictures] == ["frame_0", "frame_1"]


def test_vsi_super_reads_the_length_that_is_asked_for(tmp_path: Path) -> None:
    kinds = {}
    for split in ("recall_10mins", "count_10mins", "count_10mins_streaming"):
        tasks, answers = loaded("vsi-super", tmp_path / split, split)
        (task,) = tasks.values()
        kinds[task.question_type] = (task.answer_kind, answers[task.id].answer)
        assert task.scene_id == "10mins_00000000"
    assert kinds == {
        "recall": (AnswerKind.CHOICE, "B"),
        "count": (AnswerKind.NUMBER, "27.0"),
        "streaming": (AnswerKind.TEXT, "[1, 2]"),
    }


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda row: row.pop("question"), "row 1: the field question is missing or no text"),
        (lambda row: row.update(image=None), "row 1: the row has no images"),
        (lambda row: row.update(image="nowhere.jpg"), "row 1: image 1 is missing"),
        (lambda row: row.pop("answer"), "row 1: the field answer is missing or no text"),
        (
            lambda row: row.update(answer_options="x"),
            "field answer_options must be a list of texts",
        ),
    ],
)
def test_a_row_that_is_not_of_the_benchmark_is_named(
    break_it: object, said: str, tmp_path: Path
) -> None:
    source = download_2026("embspatial", tmp_path)
    path = source / "embspatial_bench.json"
    rows = json.loads(path.read_text())
    assert callable(break_it)
    break_it(rows[0])
    path.write_text(json.dumps(rows))
    with pytest.raises(UserError, match=said):
        loader_named("embspatial").load(source, tmp_path / "out", frames=FrameRule())
    assert not (tmp_path / "out").exists()


MEDIA = {
    "mindcube": ("data/other_all_image",),
    "viewspatial": ("ViewSpatial-Bench",),
    "site": ("img", "videos"),
    "blink-14": ("images",),
    "mmsi-video": ("frames", "ref_images"),
    "omnispatial": ("Perspective_Taking", "Dynamic_Reasoning"),
    "revsi": ("32_frame",),
    "robospatial": ("images",),
    "vsi-super": ("10mins",),
}


@pytest.mark.parametrize("name", sorted(MEDIA))
def test_media_may_lie_in_a_folder_of_their_own(name: str, tmp_path: Path) -> None:
    source, media, loader = download_2026(name, tmp_path), tmp_path / "media", loader_named(name)
    whole = loader.load(source, tmp_path / "whole", frames=FrameRule())
    media.mkdir()
    for part in MEDIA[name]:
        (source / part).rename(media / Path(part).name)
    with pytest.raises(UserError, match="--media"):
        loader.load(source, tmp_path / "none", frames=FrameRule())
    made = loader.load(source, tmp_path / "made", frames=FrameRule(), media=media)
    assert made.tasks_hash == whole.tasks_hash


def test_a_path_never_leads_out_of_the_folder(tmp_path: Path) -> None:
    source = download_2026("robospatial", tmp_path)
    (tmp_path / "secret.png").write_bytes((source / "images/a.png").read_bytes())
    path = source / "annotations.jsonl"
    path.write_text(path.read_text().replace("images/a.png", "../secret.png"))
    with pytest.raises(UserError, match="no path below"):
        loader_named("robospatial").load(source, tmp_path / "out", frames=FrameRule())


def test_what_is_looked_for_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"Art_Style/val.jsonl"):
        loader_named("blink-14").load(tmp_path / "empty", tmp_path / "out", frames=FrameRule())

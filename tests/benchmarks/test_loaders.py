"""Every loader on rows with the published field names: datasets that score and hide answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.registry import loader_named
from surveyor.benchmarks.predictions import score_predictions
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from surveyor.scenes.datasets.truth import targets
from surveyor.scenes.targets import Target
from tests.benchmarks.published import FRAMES, IMAGES, download, picture, put, with_fixtures

RULE = FrameRule.parse("uniform:3")
SPLITS = {"skill3d": "vsi_test"}
PROFILES = {"qa-em": "both-cleaned"}
"""ScanQA's published profile refuses right answers that cleaning changes."""
PERFECT: Mapping[str, Callable[[Target], object]] = {
    "scanrefer": lambda target: target.payload["gt_aabb"],
    "multi3drefer": lambda target: target.payload["gt_aabbs"],
    "reason3d": lambda target: target.payload["gt_indexes"],
}
NOTHING: Mapping[str, object] = {"scanrefer": [], "multi3drefer": [], "reason3d": []}
SECRETS = (
    *(
        '"ground_truth"',
        '"answer"',
        '"answers"',
        '"references"',
        '"gt_',
        '"object_id',
        '"eval_type"',
    ),
    *("zt_wo_d", "The shelf wanders", "brown cabinet", "dark black", "conversations", "Omni3D"),
)


@pytest.fixture(scope="module", params=with_fixtures())
def loaded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Dataset]:
    name: str = request.param
    folder = tmp_path_factory.mktemp("published")
    source, out = download(name, folder), folder / "dataset"
    manifest = loader_named(name).load(source, out, split=SPLITS.get(name), frames=RULE)
    dataset = Dataset.open(out)
    assert dataset.manifest == manifest
    return name, dataset


def score(dataset: Dataset, predict: Callable[[Target], object]) -> tuple[dict[str, float], int]:
    metric = str(dataset.manifest.settings["metric"])
    lines = [
        json.dumps({"id": target.task_id, "prediction": predict(target)})
        for target in targets(dataset.path)
    ]
    card = score_predictions(dataset.path, lines, metric, PROFILES.get(metric))
    return dict(card.overall), card.counts.failed


def test_right_answers_score_100(loaded: tuple[str, Dataset]) -> None:
    _, dataset = loaded
    perfect = PERFECT.get(str(dataset.manifest.settings["metric"]), lambda target: target.answer)
    overall, failed = score(dataset, perfect)
    overall.pop("iou", None)
    assert overall
    assert all(value == 100 for value in overall.values())
    assert failed == 0


def test_saying_nothing_scores_0_but_for_rows_without_a_target(loaded: tuple[str, Dataset]) -> None:
    name, dataset = loaded
    nothing = NOTHING.get(str(dataset.manifest.settings["metric"]), "")
    overall, _ = score(dataset, lambda target: nothing)
    wanted = pytest.approx(100 / 3) if name == "multi3drefer" else 0
    assert all(value == wanted for value in overall.values())


def test_what_an_agent_reads_holds_no_answer(loaded: tuple[str, Dataset]) -> None:
    _, dataset = loaded
    tasks = (dataset.path / "tasks.jsonl").read_text()
    public = tasks + "".join(path.read_text() for path in (dataset.path / "captures").iterdir())
    assert not [secret for secret in SECRETS if secret in public]
    assert all(set(json.loads(line)) == set(Task.model_fields) for line in tasks.splitlines())


def test_frames_are_the_captured_bytes_by_the_recorded_rule(loaded: tuple[str, Dataset]) -> None:
    name, dataset = loaded
    settings, tasks = dataset.manifest.settings, list(dataset.tasks())
    assert len(tasks) == (2 if name == "cv-bench-3d" else 3)
    assert settings["resize"] == "none: bytes as captured"
    hashes = settings["files"]
    assert isinstance(hashes, dict)
    assert hashes
    own = name in IMAGES
    assert settings["frame_rule"] == ({} if own else {"kind": "uniform", "n": 3})
    for task in tasks:
        assert task.frames
        assert task.frame_rule == ("all" if own else "uniform:3")
        for frame in task.frames:
            assert (frame.image.width, frame.image.height) == (32, 24)
        if not own:
            assert [frame.time for frame in task.frames] == [0, 2, FRAMES - 1]
            data = [dataset.blobs.get(frame.image.sha256) for frame in task.frames]
            root = dataset.path.parent / name
            drawn = {path.read_bytes() for path in root.rglob("*.jpg")}
            assert set(data) <= drawn


def test_scores_are_grouped_as_published(loaded: tuple[str, Dataset]) -> None:
    name, dataset = loaded
    groups = {target.question_type for target in targets(dataset.path)}
    expected = {
        "cv-bench-3d": {"Omni3D"},
        "blink": {"Multi-view_Reasoning", "Relative_Depth", "Spatial_Relation"},
        "sqa3d": {"what", "is", "how"},
        "scanrefer": {"unique", "multiple"},
        "multi3drefer": {"mt", "zt_wo_d", "st_wo_d"},
        "reason3d": {"scannet"},
    }
    assert groups == expected.get(name, groups)


def test_loading_twice_gives_the_same_dataset(tmp_path: Path) -> None:
    source = download("vsi-bench", tmp_path)
    loader = loader_named("vsi-bench")
    first = loader.load(source, tmp_path / "a", frames=RULE)
    assert loader.load(source, tmp_path / "a", frames=RULE) == first
    assert loader.load(source, tmp_path / "b", frames=RULE) == first
    with pytest.raises(UserError, match="other settings"):
        loader.load(source, tmp_path / "a", frames=FrameRule.parse("uniform:2"))


def test_a_snapshot_folder_names_the_revision(tmp_path: Path) -> None:
    revision = "0123456789abcdef0123456789abcdef01234567"
    source = download("vsi-bench", tmp_path / revision)
    manifest = loader_named("vsi-bench").load(source, tmp_path / "out", frames=RULE)
    assert manifest.settings["revision"] == revision


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


BREAKS: Mapping[str, tuple[str, Callable[[Path], object], str]] = {
    "repeated id": (
        "vsi-bench",
        lambda s: _edit(s / "test.jsonl", '"id": 8', '"id": 7'),
        "occur more than once, the first '7'",
    ),
    "no frames": (
        "vsi-bench",
        lambda s: (s / "scannet").rename(s / "elsewhere"),
        "no frames of scene9001_00",
    ),
    "not an image": (
        "vsi-bench",
        lambda s: put(s / "scannet/scene9001_00/5.jpg", b"half a"),
        "5.jpg is not an image",
    ),
    "missing image": (
        "mmsi-bench",
        lambda s: (s / "images/2_1.jpg").unlink(),
        "image 2 of row '2' is missing",
    ),
    "no file": (
        "blink",
        lambda s: (s / "Relative_Depth_val.json").unlink(),
        "does not hold Relative_Depth_val",
    ),
    "another data set": (
        "cv-bench-3d",
        lambda s: _edit(s / "test.jsonl", '"choices"', '"options"'),
        "line 1: choices: is missing",
    ),
    "no scan": (
        "scanrefer",
        lambda s: (s / "scannet_data/scene9001_00_ins_label.npy").unlink(),
        "prepare the scans",
    ),
    "no object": (
        "multi3drefer",
        lambda s: _edit(s / "multi3drefer_val.json", "2\n", "17\n"),
        "has no object 17",
    ),
    "no annotation": (
        "sqa3d",
        lambda s: _edit(s / "v1_balanced_sqa_annotations_test_scannetv2.json", "002,", "009,"),
        "no annotation for question 220602000002",
    ),
    "parquet": (
        "vsi-bench",
        lambda s: (s / "test.jsonl").rename(s / "test.parquet"),
        "pip install pyarrow|is no parquet file",
    ),
    "not JSON": (
        "mmsi-bench",
        lambda s: put(s / "MMSI_Bench.jsonl", b'{"id": 1'),
        "not valid JSON",
    ),
    "scene that is a path": (
        "scanqa",
        lambda s: _edit(s / "ScanQA_v1.0_val.json", "scene9002_00", "../scene9002_00"),
        "holds a path separator",
    ),
}


@pytest.mark.parametrize("fault", BREAKS)
def test_a_fault_is_one_sentence_and_leaves_nothing(fault: str, tmp_path: Path) -> None:
    name, spoil, sentence = BREAKS[fault]
    source = download(name, tmp_path)
    spoil(source)
    with pytest.raises(UserError, match=sentence) as raised:
        loader_named(name).load(source, tmp_path / "out", split=SPLITS.get(name), frames=RULE)
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_unknown_names_are_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="choose from: vsi-bench"):
        loader_named("none like it")
    with pytest.raises(UserError, match="choose from: test, debiased, pruned"):
        loader_named("vsi-bench").load(tmp_path, tmp_path / "out", split="val", frames=RULE)
    with pytest.raises(UserError, match="does not exist"):
        loader_named("vsi-bench").load(tmp_path / "no", tmp_path / "out", frames=RULE)


def test_images_may_be_bytes_in_base64(tmp_path: Path) -> None:
    import base64

    source = download("mmsi-bench", tmp_path)
    coded = base64.b64encode(picture(7)).decode()
    _edit(source / "MMSI_Bench.jsonl", "images/1_0.jpg", coded)
    loader_named("mmsi-bench").load(source, tmp_path / "out", frames=RULE)
    dataset = Dataset.open(tmp_path / "out")
    shown = {task.id: task.frames for task in dataset.tasks()}["1"]
    assert [dataset.blobs.get(frame.image.sha256) for frame in shown] == [picture(7)]


def conversation(name: str, images: list[str] | None, asked: str, said: str) -> str:
    turns = [{"from": "human", "value": asked}, {"from": "gpt", "value": said}]
    row = {"id": name, "image": images, "video": None, "conversations": turns}
    return json.dumps(row | {"task": "Depth", "output_type": "MCQ", "data_source": "CV-Bench"})


def test_conversations_about_images_are_scored_by_their_benchmark(tmp_path: Path) -> None:
    source = tmp_path / "splits"
    put(source / "CVBench/3D/000007.png", picture(5, ".png"))
    asked = "<image>\nWhich is closer?\n(A) desk\n(B) bin"
    row = conversation("CVBench_3D_7", ["CVBench/3D/000007.png"], asked, "(B)")
    put(source / "cv3d_test.jsonl", row.encode())
    loader = loader_named("skill3d")
    manifest = loader.load(source, tmp_path / "out", split="cv3d_test", frames=RULE)
    assert (manifest.name, manifest.split) == ("skill3d-cv3d", "test")
    dataset = Dataset.open(tmp_path / "out")
    (task,), (target,) = dataset.tasks(), targets(dataset.path)
    assert (task.options, target.options) == ((), ("(A) desk", "(B) bin"))
    assert not task.question.startswith("<image>")
    assert score(dataset, lambda target: "B")[0] == {"score": 100}

    put(source / "cv3d_test.jsonl", conversation("CVBench_3D_7", None, asked, "(B)").encode())
    with pytest.raises(UserError, match="neither images nor a video"):
        loader.load(source, tmp_path / "other", split="cv3d_test", frames=RULE)


def test_an_image_may_be_named_by_its_file(tmp_path: Path) -> None:
    source = download("cv-bench-3d", tmp_path)
    _edit(source / "test.jsonl", '"image": "img/', '"picture": "img/')
    loader_named("cv-bench-3d").load(source, tmp_path / "out", frames=RULE)
    assert all(task.frames for task in Dataset.open(tmp_path / "out").tasks())


def test_hidden_answers_and_foreign_rows_are_refused(tmp_path: Path) -> None:
    source = download("blink", tmp_path)
    _edit(source / "Relative_Depth_val.json", '"(B)"', '"hidden"')
    with pytest.raises(UserError, match="are hidden; choose val"):
        loader_named("blink").load(source, tmp_path / "out", frames=RULE)
    source = download("vsi-bench", tmp_path)
    _edit(source / "test.jsonl", "object_counting", "object_weighing")
    with pytest.raises(UserError, match="is no type of VSI-Bench"):
        loader_named("vsi-bench").load(source, tmp_path / "out", frames=RULE)


def test_boxes_and_masks_are_those_of_the_scan(tmp_path: Path) -> None:
    answers = {}
    for name in ("multi3drefer", "reason3d", "scanrefer"):
        out = tmp_path / f"{name}-dataset"
        loader_named(name).load(download(name, tmp_path), out, frames=RULE)
        answers[name] = {target.task_id: target.payload for target in targets(out)}
    chairs = [[[4.0, 4.0, 4.0], [5.0, 6.0, 4.5]], [[8.0, 8.0, 8.0], [9.0, 10.0, 8.5]]]
    assert answers["multi3drefer"]["scene9001_00-0"]["gt_aabbs"] == chairs
    assert answers["multi3drefer"]["scene9001_00-1"]["gt_aabbs"] == []
    assert answers["scanrefer"]["scene9001_00-2-1"]["gt_aabb"] == chairs[1]
    second = answers["reason3d"]["scene9001_00-1-1"]
    assert second == {"n_points": 14, "gt_indexes": [4, 5, 6, 7]}

"""Where a benchmark's media lie: beside its tables, in a folder of their own, never outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.registry import loader_named
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.scenes.datasets.truth import targets
from tests.benchmarks.published import (
    FIXTURES,
    IMAGES,
    VIDEOS,
    download,
    picture,
    put,
    with_fixtures,
)

RULE = FrameRule()
SPLITS = {"skill3d": "vsi_test"}


@pytest.mark.parametrize("name", with_fixtures())
def test_every_loader_takes_a_folder_of_media(name: str, tmp_path: Path) -> None:
    source, media = download(name, tmp_path / "all"), tmp_path / "media"
    there = {
        path.relative_to(source).parts[0]
        for kind in (VIDEOS, IMAGES)
        for path in (source / place for place in kind.get(name, ()))
    }
    for part in there:
        (media / part).parent.mkdir(parents=True, exist_ok=True)
        (source / part).rename(media / part)
    loader, split = loader_named(name), SPLITS.get(name)
    with pytest.raises(UserError, match="--media"):
        loader.load(source, tmp_path / "none", split=split, frames=RULE)
    made = loader.load(source, tmp_path / "dataset", split=split, frames=RULE, media=media)
    whole = loader.load(
        download(name, tmp_path / "again"), tmp_path / "other", split=split, frames=RULE
    )
    assert made.tasks_hash == whole.tasks_hash
    with pytest.raises(UserError, match="there is no folder"):
        loader.load(source, tmp_path / "x", split=split, frames=RULE, media=tmp_path / "nowhere")


def skill3d(folder: Path) -> Path:
    """Skill-3D as it is downloaded: ``dataset/skill3d_splits`` and media beside the splits."""
    dataset = folder / "dataset"
    for split in FIXTURES.glob("skill3d/*.jsonl"):
        put(dataset / "skill3d_splits" / split.name, split.read_bytes())
    for video in VIDEOS["skill3d"]:
        for k in range(6):
            put(dataset / video / f"{k}.jpg", picture(40 * k + len(video)))
    put(dataset / "CVBench/3D/000007.png", picture(5, ".png"))
    return folder


def conversation(name: str, source: str, task: str, asked: str, said: str) -> dict[str, object]:
    return {
        "id": name,
        "image": ["CVBench/3D/000007.png"],
        "video": None,
        "conversations": [{"from": "human", "value": asked}, {"from": "gpt", "value": said}],
        "task": task,
        "output_type": "MCQ",
        "data_source": source,
    }


@pytest.mark.parametrize("given", [".", "dataset", "dataset/skill3d_splits"])
def test_skill3d_loads_as_it_is_published(tmp_path: Path, given: str) -> None:
    source = skill3d(tmp_path / "Skill-3D")
    made = loader_named("skill3d").load(
        source / given, tmp_path / "dataset", split="vsi_test", frames=RULE
    )
    assert sum(made.questions.values()) > 0


def test_rows_of_all_benchmarks_are_each_judged_by_their_own(tmp_path: Path) -> None:
    source = skill3d(tmp_path)
    asked = "<image>\nWhich is closer?\n(A) desk\n(B) bin"
    published = (FIXTURES / "skill3d" / "vsi_test.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in published if line.strip()]
    rows += [
        conversation("CVBench_3D_7", "CV-Bench", "Depth", asked, "<answer>(B)</answer>"),
        conversation("mmsi_000001", "", "Positional Relationship", asked, "B"),
        conversation("blink_1", "BLINK", "Multi-view_Reasoning", asked, "(B)"),
    ]
    path = source / "dataset" / "skill3d_splits" / "all_test.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    made = loader_named("skill3d").load(source, tmp_path / "made", split="all_test", frames=RULE)
    assert made.settings["metric"] == "rooms"
    from surveyor.benchmarks.scorecard import ScheduledRow, judge
    from surveyor.benchmarks.scorers.registry import metric_named
    from surveyor.benchmarks.scoring import target_fields

    dataset = Dataset.open(tmp_path / "made")
    answers = {target.task_id: target for target in targets(dataset.path)}
    tasks = list(dataset.tasks())
    scheduled = [
        ScheduledRow(t.id, t.scene_id, t.question_type, target_fields(answers[t.id])) for t in tasks
    ]
    said = {t.id: answers[t.id].answer.strip("()") for t in tasks}
    judged = judge(metric_named("rooms"), scheduled, said, None)
    assert [row.values["score"] for row in judged] == [1.0] * len(tasks)
    path.write_text(json.dumps(conversation("x_1", "Else", "Depth", asked, "B")))
    with pytest.raises(UserError, match="no benchmark that is known"):
        loader_named("skill3d").load(source, tmp_path / "y", split="all_test", frames=RULE)


def test_no_file_outside_is_read(tmp_path: Path) -> None:
    put(tmp_path / "secret.png", picture(1, ".png"))
    source = download("vsi-bench", tmp_path / "d")
    row = json.loads((source / "test.jsonl").read_text().splitlines()[0])
    put(tmp_path / "frames" / "0.jpg", picture(1))
    for changed in ({"dataset": "../../.."}, {"dataset": str(tmp_path)}):
        (source / "test.jsonl").write_text(json.dumps({**row, **changed, "scene_name": "frames"}))
        with pytest.raises(UserError, match="no path below"):
            loader_named("vsi-bench").load(source, tmp_path / "s", frames=RULE)
    (source / "test.jsonl").write_text(json.dumps(row))
    frames = source / row["dataset"] / row["scene_name"]
    next(frames.glob("*.jpg")).unlink()
    (frames / "0.jpg").symlink_to(tmp_path / "secret.png")
    with pytest.raises(UserError, match="leads out of"):
        loader_named("vsi-bench").load(source, tmp_path / "s", frames=RULE)

    splits = skill3d(tmp_path / "k") / "dataset" / "skill3d_splits"
    bad = conversation("CVBench_3D_7", "CV-Bench", "Depth", "<image>\nWhich?", "(B)")
    for image in ("../../../secret.png", str(tmp_path / "secret.png")):
        (splits / "cv3d_test.jsonl").write_text(json.dumps(bad | {"image": [image]}))
        with pytest.raises(UserError, match="no path below"):
            loader_named("skill3d").load(splits, tmp_path / "s", split="cv3d_test", frames=RULE)
    assert not (tmp_path / "s").exists()

"""The page: every number beside its counts, nothing from outside, pictures with what was found."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surveyor.agent.planner import PlannerInput, Turn
from surveyor.agent.scripted import Play
from surveyor.benchmarks.compare import compare
from surveyor.benchmarks.report.examples import examples
from surveyor.benchmarks.report.page import duration, readable, render_page, write_page
from surveyor.benchmarks.report.pictures import pictures
from surveyor.benchmarks.report.plans import plan
from surveyor.benchmarks.scoring import score_run
from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.masks import encode_rle
from surveyor.core.tasks import Task
from surveyor.memory.episodes import fold
from surveyor.memory.events import (
    Answer,
    EpisodeEnded,
    EpisodeStarted,
    EpisodeStatus,
    ToolOutcome,
    ToolStatus,
)
from surveyor.memory.runs import RunFolder
from tests.benchmarks.bench import World, glance, jpeg, make_dataset, play


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(tmp_path_factory.mktemp("datasets") / "tiny")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, dataset: Dataset) -> list[RunFolder]:
    def careless(task: Task, brief: PlannerInput) -> Play:
        yield Turn(answer="<script>alert('A')</script>")

    root = tmp_path_factory.mktemp("runs")
    gone = World(broken=lambda task: task.scene_id == "attic")
    folders = [
        play(root / "careful", dataset, gone, glance, give_up_after=999)[0],
        play(root / "careless", dataset, script=careless)[0],
    ]
    for folder in folders:
        score_run(folder, dataset.path)
    return folders


class Page(HTMLParser):
    """Tags, attributes and text of a page; complains about tags that are not closed."""

    VOID = frozenset({"meta", "img", "rect", "br", "link"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_stands_alone_and_is_well_formed(runs: list[RunFolder], dataset: Dataset) -> None:
    text = write_page(runs, [dataset.blobs], "Two runs")
    assert (runs[0].path / "report.html").read_text() == text
    page = Page(text)
    links = [v for _, name, v in page.attributes if name in ("src", "href", "action", "data")]
    assert links
    assert all(link.startswith("data:image/") or link == "report.csv" for link in links)
    assert "report.csv" in links
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", text)
    assert len(text) < 2_000_000


def test_what_a_model_wrote_cannot_become_markup(runs: list[RunFolder]) -> None:
    text = render_page(runs)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_every_score_stands_beside_its_counts(runs: list[RunFolder]) -> None:
    text = Page(render_page(runs)).text
    incomplete = sum(task.scene_id == "attic" for task in runs[0].schedule)
    assert f"{incomplete} incomplete: " in text
    assert f"{len(runs[0].schedule) - incomplete} scored" in text
    assert "careless" in text
    assert "relative direction, hard" in text


def test_the_banner_shows_when_reference_experts_answered_and_only_then(
    runs: list[RunFolder],
) -> None:
    banner = "upper bound, not a neural result"
    assert banner not in render_page(runs)
    report = (runs[0].path / "report.json").read_text()
    runs[0].write("report.json", report.replace('"reference": false', '"reference": true').encode())
    assert banner in render_page(runs)
    runs[0].write("report.json", report.encode())


def test_two_runs_are_compared_task_by_task(runs: list[RunFolder]) -> None:
    gap = compare(*runs).overall.difference.value
    text = Page(render_page(runs)).text
    assert f"{gap:+.1f}".replace("-", "−") in text
    assert "alone is right on" in text
    assert "Task by task" not in Page(render_page(runs[:1])).text


def test_an_unscored_run_has_no_page(tmp_path: Path, dataset: Dataset) -> None:
    folder, _ = play(tmp_path / "r", dataset, limit=2)
    with pytest.raises(UserError, match="has not been scored"):
        write_page([folder])
    assert not (folder.path / "report.html").exists()


def test_examples_show_each_type_and_where_runs_differ(runs: list[RunFolder]) -> None:
    shown = examples(runs, ())
    assert {e.question_type for e in shown} == {t.question_type for t in runs[0].schedule}
    assert all([t.run for t in e.tries] == ["careful", "careless"] for e in shown)
    assert all(e.correct and e.question for e in shown)
    assert {call.use for e in shown for call in e.tries[0].calls} == {"effective"}


def test_boxes_and_masks_are_drawn_where_they_were_found(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    frames = [store.put(jpeg(k), "image/jpeg", width=64, height=48) for k in range(3)]
    inside = np.zeros((48, 64), bool)
    inside[10:30, 20:40] = True
    size, counts = encode_rle(inside)
    mask = {"size": list(size), "counts": counts}
    box = [19.5, 9.5, 39.5, 29.5]
    rows = [
        {"handle": "mask_1", "frame": "frame_7", "category": "sofa", "box": box, "mask": mask},
        {"handle": "box_9", "frame": "frame_9", "category": "tv", "box": [1, 2, 30, 20]},
        {"handle": "mask_2", "frame": "elsewhere", "category": "tv", "box": box, "mask": mask},
        {"handle": "junk"},
    ]
    started = EpisodeStarted(
        task_id="t",
        dataset="s",
        scene_id="a",
        question_type="q",
        question="?",
        planner="p",
        frames=tuple(ref.sha256 for ref in frames),
    )
    found = ToolOutcome.model_validate(
        {
            "turn": 0,
            "call_id": "c",
            "name": "segment",
            "status": ToolStatus.OK,
            "text": "",
            "data": rows,
        }
    )
    ended = EpisodeEnded(status=EpisodeStatus.ANSWERED)
    episode = fold([started, found, Answer(turn=1, text="1"), ended])
    assert episode is not None
    drawn = pictures(episode, (5, 7, 9), [BlobStore(tmp_path / "none"), store])
    assert [picture.handle for picture in drawn] == ["frame_7", "frame_9"]
    pixels = decoded(drawn[0].data).astype(int)
    plain = np.asarray(Image.open(store.path(frames[1].sha256)).convert("RGB"), int)
    changed = np.abs(pixels - plain).max(axis=2) > 24
    assert changed[14:26, 24:36].all()
    assert not changed[:6].any()
    assert not changed[:, :14].any()
    assert pictures(episode, (5, 7, 9), []) == ()


def decoded(uri: str) -> np.ndarray:  # type: ignore[type-arg]
    import base64
    from io import BytesIO

    return np.asarray(Image.open(BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_names_and_durations_read_well() -> None:
    assert readable("object_rel_direction_easy") == "relative direction, easy"
    assert readable("object_abs_distance") == "absolute distance"
    assert readable("room_size_estimation") == "room size"
    assert [duration(s) for s in (0.012, 3.21, 125)] == ["12 ms", "3.2 s", "2:05"]


def placed(handle: str, x: float, y: float, **more: object) -> dict[str, object]:
    return {"handle": handle, "category": "sofa", "center": [x, y, 1], "size": [2, 1, 1], **more}


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        ([placed("obj_1", 0, 0), placed("obj_2", 3, 4, accepted=False)], ["obj_1"]),
        ([placed("obj_1", 0, 0, scale="relative")], []),
        ([{"handle": "obj_1"}, placed("obj_3", 0, 0, yaw=0.3)], ["obj_3"]),
        ([], []),
    ],
)
def test_the_plan_shows_accepted_objects_in_metres(
    rows: list[dict[str, object]], shown: list[str]
) -> None:
    started = EpisodeStarted(
        task_id="t", dataset="s", scene_id="a", question_type="q", question="?", planner="p"
    )
    found = ToolOutcome.model_validate(
        {
            "turn": 0,
            "call_id": "c",
            "name": "fuse",
            "status": ToolStatus.OK,
            "text": "",
            "data": {"objects": rows},
        }
    )
    episode = fold([started, found])
    assert episode is not None
    drawn = plan(episode)
    assert [item.handle for item in (drawn.objects if drawn else ())] == shown
    if drawn:
        for item in drawn.objects:
            assert drawn.left < item.left < drawn.left + drawn.width
            assert drawn.top < item.top < drawn.top + drawn.height

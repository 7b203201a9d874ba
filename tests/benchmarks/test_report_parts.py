# ruff: noqa: E501 - rows read better in one line
"""Parts of the report page: the view from above, why answers missed, lines that need no eyes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surveyor.benchmarks.report.lines import lines
from surveyor.benchmarks.report.misses import miss
from surveyor.benchmarks.report.page import LEAST_SCENES, render_page
from surveyor.benchmarks.report.plans import plan
from surveyor.core.blobs import BlobStore
from surveyor.core.geometry import Intrinsics, PointCloud, Pose, Scale
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import (
    Answer,
    EpisodeEnded,
    EpisodeStarted,
    EpisodeStatus,
    Event,
    Score,
    ToolCall,
    ToolOutcome,
    ToolStatus,
)
from surveyor.tools.geometry.kept import keep_geometry
from surveyor.tools.records import ReconstructionRecord, ViewRecord
from tests.viewer.stage import make_run


def room(store: BlobStore) -> dict[str, object]:
    """A kept reconstruction: four walls of a 4 x 3 m room, a floor, one camera that looks along +Y."""
    draws = np.random.default_rng(0)
    along, high = draws.uniform(0, 1, 20_000), draws.uniform(0, 2.6, 20_000)
    sides = draws.integers(0, 4, 20_000)
    x = np.choose(sides, [0 * along, 4 + 0 * along, 4 * along, 4 * along])
    y = np.choose(sides, [3 * along, 3 * along, 0 * along, 3 + 0 * along])
    floor = np.column_stack([draws.uniform(0, 4, 5000), draws.uniform(0, 3, 5000), np.zeros(5000)])
    points = np.vstack([np.column_stack([x, y, high]), floor])
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float), (1.0, 0.5, 1.5)
    lens = Intrinsics.from_hfov(1.2, 40, 30)
    depth = np.ones((30, 40), np.float32)
    view = ViewRecord("frame_0", f"plan {store.root}", Pose(T), lens, depth, depth)
    record = ReconstructionRecord({"frame_0": view}, PointCloud(points, Scale.METRIC), ())
    return keep_geometry(record, store).model_dump(mode="json")


def thing(handle: str, x: float, y: float) -> dict[str, object]:
    return {
        "handle": handle,
        "category": handle,
        "space": "recon_1",
        "scale": "metric",
        "center": [x, y, 0.4],
        "size": [0.5, 0.5, 0.8],
        "accepted": True,
    }


def episode(geometry: object, answer: Answer | None = None, *more: Event) -> Episode:
    started = EpisodeStarted(
        task_id="t", dataset="d", scene_id="s", question_type="k", question="?", planner="program"
    )
    events: list[Event] = [started]
    rows = (
        ("reconstruct", {}, {"handle": "recon_1", "geometry": geometry}),
        (
            "fuse",
            {},
            {"objects": [thing("obj_1", 1, 1), thing("obj_2", 3, 1), thing("obj_3", 2, 2.5)]},
        ),
        (
            "direction",
            {"stand": "obj_1", "face": "obj_2", "query": "obj_3"},
            {"handle": "meas_1", "value": "left", "unit": ""},
        ),
    )
    for n, (name, given, data) in enumerate(rows):
        events.append(
            ToolCall(turn=n, call_id=f"c{n}", name=name, raw_arguments="", arguments=given)
        )
        events.append(
            ToolOutcome(
                turn=n, call_id=f"c{n}", name=name, status=ToolStatus.OK, text="", data=data
            )
        )
    events += more
    if answer:
        events += [answer, EpisodeEnded(status=EpisodeStatus.ANSWERED, elapsed=1)]
    found = fold(events)
    assert found is not None
    return found


def test_the_view_from_above_has_walls_cameras_and_from_where_was_asked(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    drawn = plan(episode(room(store)), store.get)
    assert drawn is not None
    walls = np.array(drawn.walls)
    x, y = walls[:, 0] + 0.05, -walls[:, 1] + 0.05
    off = np.minimum.reduce([abs(x), abs(x - 4), abs(y), abs(y - 3)])
    assert off.max() < 0.11  # nothing but the four walls
    assert len(walls) > 100
    kinds = {arrow.kind: arrow for arrow in drawn.arrows}
    assert kinds["camera"].start == pytest.approx((1.0, -0.5))
    assert kinds["camera"].end == pytest.approx((1.0, -0.85))  # it looks along +Y, up on the page
    assert (kinds["asked"].start, kinds["asked"].end) == ((1.0, -1.0), (3.0, -1.0))
    assert kinds["sought"].end == (2.0, -2.5)
    bare = plan(episode(room(store)))
    assert bare is not None
    assert bare.walls == ()
    assert {arrow.kind for arrow in bare.arrows} == {"asked", "sought"}


ANSWER = Answer(turn=9, text="x", sources=("meas_1",))


@pytest.mark.parametrize(
    ("given", "right", "value", "says"),
    [
        ("2", "5", 0.0, "3 too few"),
        ("6", "5", 0.0, "1 too many"),
        ("3.2", "2.0", 0.2, "60 % too large"),
        ("1.0", "2.0", 0.2, "50 % too small"),
        ("left", "right", 0.0, "another answer"),
        ("2.0", "2.0", 1.0, ""),
    ],
)
def test_a_miss_is_said_in_a_few_words(given: str, right: str, value: float, says: str) -> None:
    score = Score(
        task_id="t",
        scorer="s",
        value=value,
        prediction=given,
        fields={"correct": right},
        status=EpisodeStatus.ANSWERED,
    )
    told = miss(score, episode(None, ANSWER))
    assert told.startswith(says) if says else told == ""


def test_a_miss_names_what_was_missing_on_the_way() -> None:
    score = Score(
        task_id="t",
        scorer="s",
        value=0,
        prediction="2",
        fields={"correct": "5"},
        status=EpisodeStatus.ANSWERED,
    )
    failed = ToolOutcome(
        turn=7, call_id="c7", name="segment", status=ToolStatus.MISTAKE, text="no box\nmore"
    )
    assert miss(score, episode(None, ANSWER, failed)) == "3 too few; segment failed before: no box"
    guess = ANSWER.model_copy(update={"guess": True})
    assert miss(score, episode(None, guess)).startswith(
        "a guess, as nothing was measured; 3 too few"
    )
    assert miss(score, None) == "not answered: the episode is incomplete"


def test_chance_and_the_commonest_answer_stand_where_all_questions_have_options(
    tmp_path: Path,
) -> None:
    folder = make_run(tmp_path / "run", 8)
    assert lines(folder) == {}  # numbers have neither
    for k in range(0, 8, 2):  # those of kind_0
        path = folder.episode_path(f"t{k}", 0)
        text = path.read_text().replace(
            '"planner":"program"', '"planner":"program","options":["A. a","B. b","C. c","D. d"]', 1
        )
        path.write_text(text)
    marks = lines(folder)
    assert set(marks) == {"kind_0"}
    assert marks["kind_0"] == (25.0, 100.0)  # every right answer of this stage is 1.0


def test_few_scenes_get_no_interval(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", 12)
    report = folder.path / "report.json"
    text = report.read_text().replace('"low":null,"high":null', '"low":40.0,"high":60.0', 1)
    report.write_text(text)
    assert "none from 3 scenes" in render_page([folder])
    assert "40.0–60.0" not in render_page([folder])
    report.write_text(text.replace('"scenes":3', f'"scenes":{LEAST_SCENES}'))
    assert "40.0–60.0" in render_page([folder])

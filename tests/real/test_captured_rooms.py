"""Five captured rooms: outlines from their walls, questions, table and frames answered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from surveyor.cli.main import app
from surveyor.scenes.datasets.truth import frame_maps, scene_truths
from surveyor.scenes.formats.webxr import read_webxr
from surveyor.scenes.rooms.free_space import polygon_area
from tests.claims.runner.rooms import answered

AREAS = {
    "living_room": 25.7,
    "meeting_room": 21.2,
    "music_room": 27.7,
    "office_large": 13.2,
    "office_small": 5.9,
}


def load(captures: Path, out: Path, *more: str) -> Path:
    told = CliRunner().invoke(app, ["load", "webxr", str(captures), str(out), *more])
    assert told.exit_code == 0, told.output
    return out


@pytest.fixture(scope="module")
def filmed(captures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return load(captures, tmp_path_factory.mktemp("rooms") / "filmed")


def test_every_room_closes_by_its_walls_and_has_a_plausible_size(captures: Path) -> None:
    rooms = {room.scene_id: room for room in read_webxr(captures)}
    assert {name: room.outline_from for name, room in rooms.items()} == dict.fromkeys(
        AREAS, "walls"
    )
    for name, area in AREAS.items():
        outline = tuple((float(x), float(y)) for x, y in rooms[name].polygon)
        assert polygon_area(outline) == pytest.approx(area, abs=0.1)
        assert 2.3 < rooms[name].height < 4.2
        # The mesh fills the outline and no more: walls were labelled where the mesh has them.
        size = np.ptp(rooms[name].vertices, axis=0)[:2]
        assert size == pytest.approx(np.ptp(rooms[name].polygon, axis=0), abs=0.25)


def test_the_table_of_objects_answers_everything(captures: Path, tmp_path: Path) -> None:
    table = load(captures, tmp_path / "table", "--split", "table")
    report = answered(table, tmp_path, "perfect", "plain")
    assert report.tally.scored == report.tally.scheduled >= 60
    assert report.overall.value == 100


def test_frames_show_the_mesh_and_nothing_nearer_than_one_can_stand(filmed: Path) -> None:
    for truth in scene_truths(filmed):
        depths = [frame_maps(filmed, truth.scene_id, k).depth for k in range(0, 24, 6)]
        seen = np.stack(depths)
        assert (seen > 0).mean() > 0.8
        assert seen.max() < 12


def test_perfect_experts_on_frames_find_what_the_mesh_shows(filmed: Path, tmp_path: Path) -> None:
    report = answered(filmed, tmp_path, "perfect", "plain")
    scores = {row.question_type: row.score.value for row in report.types}
    assert report.tally.scored == report.tally.scheduled >= 55
    # Labels are no exact boxes of the mesh, so sizes and distances stay short of 100.
    assert report.overall.value > 80
    assert scores["object_counting"] == 100
    assert scores["room_size_estimation"] > 90

"""Depth at places, against the exact depth of the room of boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surveyor.memory.events import ToolStatus
from surveyor.tools.schemas import DepthReadings
from tests.support.box_room import CAMERA, BoxRoom
from tests.tools.test_tools import Hand


@pytest.fixture
def hand(room: BoxRoom, tmp_path: Path) -> Hand:
    return Hand(room, tmp_path)


def test_points_are_read_where_they_are_and_compared(room: BoxRoom, hand: Hand) -> None:
    points = [[30.0, 50.0], [100.0, 20.0]]
    outcome = hand("depth_at", frame="frame_0", points=points)
    data = DepthReadings.model_validate(outcome.data)
    truth = room.views[0][0]
    for reading, (x, y) in zip(data.readings, points, strict=True):
        assert reading.depth == pytest.approx(truth[int(y), int(x)], abs=0.15)
    (pair,) = data.pairs
    first, second = (truth[int(y), int(x)] for x, y in points)
    names = [reading.handle for reading in data.readings]
    assert pair.nearer == names[0 if first < second else 1]
    rays = [CAMERA.rays()[int(y), int(x)] * truth[int(y), int(x)] for x, y in points]
    assert pair.apart == pytest.approx(np.linalg.norm(rays[0] - rays[1]), abs=0.2)
    assert outcome.sources == ("frame_0",)
    assert " m (metric" in outcome.text
    assert f"{pair.nearer} is nearer to the camera than {pair.farther}" in outcome.text


def test_boxes_masks_and_areas_of_one_thing_agree(room: BoxRoom, hand: Hand) -> None:
    box = hand("detect", frames=["frame_0"], phrases=["table"]).data[0]  # type: ignore[index]
    mask = hand("segment", boxes=[box["handle"]]).handles[0]  # type: ignore[index]
    outcome = hand(
        "depth_at",
        frame="frame_0",
        areas=[box["box"]],  # type: ignore[index]
        things=[box["handle"], mask],  # type: ignore[index]
    )
    area, boxed, masked = DepthReadings.model_validate(outcome.data).readings
    assert area.depth == boxed.depth
    thing = room.views[0][0][room.views[0][1] == 3]
    assert masked.depth == pytest.approx(float(np.median(thing)), abs=1e-3)
    assert boxed.depth == pytest.approx(masked.depth, abs=0.3)
    assert outcome.sources == ("frame_0", "box_1", "mask_1")


def test_places_of_different_frames_are_read_but_not_compared(hand: Hand) -> None:
    boxes = hand("detect", frames=["frame_0", "frame_6"], phrases=["table"]).handles[:2]
    outcome = hand("depth_at", things=list(boxes))
    data = DepthReadings.model_validate(outcome.data)
    assert {reading.frame for reading in data.readings} == {"frame_0", "frame_6"}
    assert data.pairs == ()
    assert "nearer" not in outcome.text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "name places"),
        ({"points": [[1, 1]]}, "need the frame"),
        ({"frame": "frame_0", "points": [[5000, 1]]}, "no depth was measured"),
        ({"frame": "frame_0", "areas": [[-1e30, 0, -1e29, 5]]}, "no depth was measured"),
        ({"frame": "frame_77", "points": [[1, 1]]}, "there is no frame_77"),
        ({"things": ["frame_0"]}, "frame_0 is a frame, not a box"),
        ({"frame": "frame_0", "points": [[1, 2, 3]]}, "points.0"),
    ],
)
def test_a_place_that_cannot_be_read_is_named(
    hand: Hand, arguments: dict[str, object], said: str
) -> None:
    outcome = hand("depth_at", **arguments)
    assert outcome.status is ToolStatus.MISTAKE
    assert said in outcome.text

"""Views that stay apart: measured in each, joined in one call."""

from __future__ import annotations

import numpy as np
import pytest

from surveyor.memory.events import ToolStatus
from surveyor.tools.schemas import MeasureData, NearestData, ObjectsData
from tests.tools.conftest import ALL, FRAMES, Hand


def apart(hand: Hand) -> list[str]:
    """Everything in the room, found in every view alone; the views."""
    boxes = hand("detect", frames=FRAMES, phrases=ALL).handles[-1]
    depths = hand("depth", frames=FRAMES).handles[-1]
    clouds = hand("lift", boxes=[boxes], depths=[depths]).handles[-1]
    rows = ObjectsData.model_validate(hand("fuse", clouds=[clouds]).data).objects
    return sorted({row.space for row in rows})


def test_views_that_stay_apart_are_measured_one_by_one_and_joined_in_one_call(hand: Hand) -> None:
    views = apart(hand)
    for name, given in (
        ("size", {"object": "sofa"}),
        ("distance", {"first": ["sofa"], "second": ["lamp"]}),
        ("count", {"category": "chair"}),
        ("count", {"objects": ["chair"]}),
        ("direction", {"stand": "lamp", "face": "sofa", "query": "table"}),
        ("nearest", {"anchor": "lamp", "candidates": ["sofa", "table", "piano"]}),
    ):
        single = [hand(name, **given, within=view) for view in views]
        good = [one for one in single if one.status is ToolStatus.OK]
        assert len(good) >= 2
        vote, best = hand(name, **given, join="vote"), hand(name, **given, join="best")
        assert vote.status is best.status is ToolStatus.OK, vote.text + best.text
        assert len(vote.sources) == len(good)
        assert f"of {len(good)} (" in vote.text
        if name == "nearest":
            firsts = [NearestData.model_validate(one.data).order for one in (*good, vote)]
            fullest = [order[0][0] for order in firsts[:-1] if len(order) == max(map(len, firsts))]
            assert fullest.count(firsts[-1][0][0]) == max(map(fullest.count, fullest))
            continue
        told = [MeasureData.model_validate(one.data).value for one in good]
        voted = MeasureData.model_validate(vote.data)
        assert MeasureData.model_validate(best.data).value in told
        assert voted.handle == vote.handles[0]
        if name == "count":
            assert voted.value == sorted(told)[-2]
        elif name == "direction":
            assert told.count(voted.value) == max(map(told.count, told))
        else:
            assert voted.value == pytest.approx(float(np.median(np.array(told, dtype=float))))


def test_joining_views_takes_names_that_one_view_shows_together(hand: Hand) -> None:
    apart(hand)
    assert "leave out join" in hand("size", object="obj_1", join="vote").text
    assert "leave out join" in hand("count", objects=["obj_1"], join="vote").text
    assert "leave out join" in hand("size", object="sofa", within="frame_0", join="best").text
    unseen = hand("distance", first=["sofa"], second=["piano"], join="vote")
    assert unseen.status is ToolStatus.MISTAKE
    assert "no view alone shows sofa and piano" in unseen.text
    itself = hand("distance", first=["sofa"], second=["sofa"], join="vote")
    assert "two different objects" in itself.text
    turned = hand("direction", stand="sofa", face="sofa", query="lamp", join="vote")
    assert "three different things" in turned.text


def test_of_a_group_of_depths_the_one_that_shows_most_floor_counts(hand: Hand) -> None:
    *single, group = hand("depth", frames=FRAMES[:4]).handles
    areas = [
        MeasureData.model_validate(outcome.data).value
        for one in single
        if (outcome := hand("floor_area", place=one)).status is ToolStatus.OK
    ]
    assert MeasureData.model_validate(hand("floor_area", place=group).data).value == max(areas)

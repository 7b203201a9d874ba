"""The table of objects is as wrong as its preset says, always the same, exact if perfect."""

from __future__ import annotations

import math

import numpy as np
import pytest

from surveyor.core.geometry import OrientedBox
from surveyor.scenes.records import SceneObject, SceneTruth
from surveyor.services.contract import SceneAnswer
from surveyor.services.reference.presets import PRESETS, preset
from surveyor.services.reference.table_errors import estimated_table

OBJECTS = tuple(
    SceneObject(
        instance_id=number,
        category="chair" if number % 2 else "table",
        box=OrientedBox.upright((number % 20, number // 20, 0.5), (1, 1, 1), 0.3),
        front=(1, 0, 0),
    )
    for number in range(1, 401)
)
TRUTH = SceneTruth(
    scene_id="hall",
    source="test",
    rooms=(((0, 0), (20, 0), (20, 20), (0, 20)),),
    room_area=400.0,
    objects=OBJECTS,
)


def test_perfect_is_the_truth_itself():
    assert estimated_table(TRUTH, preset("perfect"), 0) is TRUTH


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "perfect"])
def test_every_other_preset_misses_and_moves_things(name):
    wrong = estimated_table(TRUTH, preset(name), 0)
    assert wrong == estimated_table(TRUTH, preset(name), 0)
    assert wrong != estimated_table(TRUTH, preset(name), 1)
    share = len(wrong.objects) / len(OBJECTS)
    expected = {"imperfect-detector": 0.8, "realistic": 0.82, "harsh": 0.71, "long-walks": 0.82}[
        name
    ]
    assert share == pytest.approx(expected, abs=0.06)
    sizes = np.array([thing.box.size for thing in wrong.objects])
    assert 0.02 < sizes.std() < 0.12
    assert wrong.room_area != TRUTH.room_area
    assert [thing.instance_id for thing in wrong.objects] != [one.instance_id for one in OBJECTS]


def test_scale_turn_and_class_follow_their_own_knobs():
    knobs = "perfect:depth.scene=0.1,orient.azimuth=0.2,detect.confusion=0.5"
    wrong = estimated_table(TRUTH, preset(knobs), 0)
    scale = math.sqrt(wrong.room_area / TRUTH.room_area)
    assert scale != 1
    assert len(wrong.objects) == len(OBJECTS)
    for thing, true in zip(wrong.objects, OBJECTS, strict=True):
        assert thing.box.size == pytest.approx([scale * side for side in true.box.size])
        assert thing.box.center == pytest.approx([scale * x for x in true.box.center])
    turns = [math.atan2(thing.front[1], thing.front[0]) for thing in wrong.objects]
    assert np.std(turns) == pytest.approx(0.2, abs=0.04)
    renamed = sum(a.category != b.category for a, b in zip(wrong.objects, OBJECTS, strict=True))
    assert renamed / len(OBJECTS) == pytest.approx(0.5, abs=0.1)


def test_the_expert_answers_under_its_preset(reference):
    body = {"scene_id": "room0"}
    exact = SceneAnswer.model_validate(reference("scene").post("/v1/scene", json=body).json())
    assert (exact.room_area, len(exact.objects)) == (12.0, 2)
    assert exact.producer.version == "2"  # what older caches hold under a preset was exact
    told = reference("scene", preset="harsh").post("/v1/scene", json=body).json()
    assert told["room_area"] != 12.0

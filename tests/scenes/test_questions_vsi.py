"""VSI-Bench questions: the benchmark's words, true answers, balanced letters, full proof."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from surveyor.scenes.official.measures import exact_box_distance
from surveyor.scenes.questions.askable import AskableScene, CapturedScene
from surveyor.scenes.questions.asking import PER_SCENE, ask
from surveyor.scenes.questions.draft import GeneratedQuestion
from surveyor.scenes.questions.vocabulary import may_ask
from surveyor.scenes.questions.vsi import MEASURED_TYPES
from surveyor.scenes.records import SceneTruth
from tests.scenes.worlds import living_room


def questions(n_scenes: int = 1, n_frames: int = 0, seed: int = 0) -> list[GeneratedQuestion]:
    scenes = [CapturedScene(living_room(f"room{k}", n_frames)) for k in range(n_scenes)]
    return list(ask(scenes, dataset="s", split="test", seed=seed))


def of_type(name: str, found: list[GeneratedQuestion]) -> list[GeneratedQuestion]:
    return [q for q in found if q.task.question_type == name]


def test_every_type_is_asked_and_no_more_than_the_benchmark_would() -> None:
    counts = Counter(q.task.question_type for q in questions())
    assert set(counts) == set(MEASURED_TYPES)
    assert max(counts.values()) == PER_SCENE
    assert counts["object_counting"] == counts["room_size_estimation"] == 1


def test_the_words_are_the_benchmarks_own() -> None:
    found = questions()
    assert of_type("object_counting", found)[0].task.question == (
        "How many chair(s) are in this room?"
    )
    assert of_type("room_size_estimation", found)[0].task.question == (
        "What is the size of this room (in square meters)? \n"
        "If multiple rooms are shown, estimate the size of the combined space."
    )
    nearest = of_type("object_rel_distance", found)[0].task
    listed = nearest.question.split("(")[1].split(")")[0].split(", ")
    assert [option[3:] for option in nearest.options] == listed


def test_answers_are_true() -> None:
    found = questions()
    boxes = {item.category: item.box for item in living_room().objects}
    assert of_type("object_counting", found)[0].target.answer == "2"
    assert of_type("room_size_estimation", found)[0].target.answer == "27.0"
    for q in of_type("object_abs_distance", found):
        first, second = q.target.proof["operands"]["objects"]  # type: ignore[index, call-overload]
        exact = exact_box_distance(boxes[first], boxes[second])
        assert float(q.target.answer) == pytest.approx(exact, abs=0.1)
    sofa = [q for q in found if "dimension" in q.task.question and "the sofa" in q.task.question]
    assert [q.target.answer for q in sofa] in (["210"], [])


def test_excluded_categories_are_never_mentioned() -> None:
    assert not any("wall" in q.task.question for q in questions())
    assert may_ask("window", "scannet")
    assert not may_ask("window", "scannetpp")


def test_letters_are_balanced_over_the_dataset() -> None:
    letters = Counter(
        q.target.answer for q in of_type("object_rel_direction_hard", questions(n_scenes=10))
    )
    assert len(letters) == 4
    assert max(letters.values()) - min(letters.values()) <= 1


def test_every_choice_has_exactly_one_right_letter() -> None:
    for q in questions(n_scenes=3):
        if q.task.options:
            assert len(set(q.task.options)) == len(q.task.options)
            assert q.target.answer in {option[0] for option in q.task.options}


def test_the_same_seed_asks_the_same_and_another_asks_otherwise() -> None:
    assert questions() == questions()
    assert questions() != questions(seed=1)


def test_a_scene_is_asked_the_same_whatever_came_before_it() -> None:
    alone = {q.task.question.split("(")[0] for q in questions(1)}
    first = {q.task.question.split("(")[0] for q in questions(4) if q.task.scene_id == "room0"}
    assert alone == first


def test_evidence_shows_the_objects_asked_about() -> None:
    truth = living_room("room0", 5)
    for q in questions(n_frames=5):
        frames = q.target.evidence_frames
        assert frames
        ids = [i for v in q.target.proof["operands"].get("objects", {}).values() for i in v]  # type: ignore[union-attr]
        for instance in ids:
            assert any(truth.visible_pixels[k][instance - 1] for k in frames)


def test_a_category_with_an_unfilmed_instance_is_not_asked() -> None:
    truth = living_room("room0", 5)
    chairs = [k for k, item in enumerate(truth.objects) if item.category == "chair"]
    hidden = np.array(truth.visible_pixels)
    hidden[:, chairs[1]] = 0
    rows = tuple(tuple(int(n) for n in row) for row in hidden)
    scene = AskableScene(CapturedScene(truth.model_copy(update={"visible_pixels": rows})))
    assert "chair" not in scene.categories
    assert "sofa" in scene.categories


def test_margins_say_how_far_the_answer_is_from_changing() -> None:
    for q in questions():
        assert q.target.margin is not None
        assert q.target.margin >= 0
        if q.task.question_type == "object_rel_distance":
            assert q.target.margin > 0.15


def test_a_scene_with_nothing_to_ask_asks_only_its_size() -> None:
    empty = SceneTruth(scene_id="empty", source="test", room_area=9.0, objects=())
    found = list(ask([CapturedScene(empty)], dataset="s", split="test", seed=0))
    assert [q.task.question_type for q in found] == ["room_size_estimation"]

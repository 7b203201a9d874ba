"""The blind audit finds planted habits, and balancing removes them without emptying the set."""

from __future__ import annotations

import numpy as np
import pytest

from surveyor.core.tasks import AnswerKind
from surveyor.scenes.audit.balance import PlacedDraft, balanced, prune, varied
from surveyor.scenes.audit.blind_readers import BlindItem, relative_accuracy
from surveyor.scenes.audit.forest import Forest
from surveyor.scenes.audit.leaks import audit, audit_type, letters_p
from surveyor.scenes.questions.askable import CapturedScene
from surveyor.scenes.questions.asking import ask
from surveyor.scenes.questions.draft import Draft, Placement
from tests.scenes.worlds import living_room

RNG = np.random.default_rng


def sized(n: int, habit: float) -> list[BlindItem]:
    """Sizes that follow the category with probability ``habit`` and are arbitrary otherwise."""
    rng = RNG(1)
    items = []
    for k in range(n):
        category = int(rng.integers(5))
        habitual = rng.random() < habit
        value = 40.0 * 1.7**category if habitual else float(np.exp(rng.uniform(3.5, 6)))
        items.append(BlindItem(f"s{k // 6}", f"How long is the c{category}?", (), value))
    return items


def chosen(n: int, habit: float) -> list[BlindItem]:
    """Nearest-object questions where, by habit, the lamp is nearest to the bed."""
    rng = RNG(2)
    names = ["lamp", "door", "sofa", "tv", "plant", "stove"]
    items = []
    for k in range(n):
        options = [str(name) for name in rng.permutation(names)[:4]]
        answer = int(rng.integers(4))
        if "lamp" in options and rng.random() < habit:
            answer = options.index("lamp")
        items.append(BlindItem(f"s{k // 6}", "What is nearest to the bed?", tuple(options), answer))
    return items


def test_a_forest_learns_an_interaction_and_ignores_noise() -> None:
    features = RNG(0).integers(0, 2, (600, 20)).astype(np.float32)
    target = (features[:, 3] * features[:, 7]).astype(np.float64)
    forest = Forest.fit(features[:400], target[:400], target[:400, None], RNG(1))
    found = forest.predict(features[400:])[:, 0]
    assert np.corrcoef(found, target[400:])[0, 1] > 0.9


@pytest.mark.parametrize("make", [sized, chosen])
def test_a_habit_is_found_and_its_absence_too(make: object) -> None:
    biased = audit_type("t", make(240, 0.9))  # type: ignore[operator]
    fair = audit_type("t", make(240, 0.0))  # type: ignore[operator]
    assert biased.leak > 0.2
    assert fair.leak < 0.08


@pytest.mark.parametrize("make", [sized, chosen])
def test_pruning_takes_the_leak_and_leaves_the_rest(make: object) -> None:
    items = make(360, 0.5)  # type: ignore[operator]
    assert audit_type("t", items).leak > 0.1
    kept = [items[k] for k in prune(items, RNG(0))]
    assert len(kept) > 100
    # Other folds than any that pruning looked at.
    assert audit_type("t", kept, seed=77).leak <= 0.05


def test_fair_questions_are_left_alone() -> None:
    assert len(prune(chosen(240, 0.0), RNG(0))) >= 220


def test_letters() -> None:
    even = [BlindItem("s", "q", ("a", "b", "c"), k % 3) for k in range(60)]
    uneven = [BlindItem("s", "q", ("a", "b", "c"), 0) for _ in range(60)]
    mixed = even + [BlindItem("s", "q", ("a", "b"), k % 2) for k in range(60)]
    assert letters_p(even) > 0.99
    assert letters_p(mixed) > 0.99
    assert letters_p(uneven) < 1e-6
    assert letters_p([BlindItem("s", "q", (), 3.0)]) == 1.0


def test_the_audit_reads_finished_questions() -> None:
    scenes = [CapturedScene(living_room(f"room{k}")) for k in range(12)]
    rows = audit(ask(scenes, dataset="s", split="test", seed=0))
    by_type = {row.question_type: row for row in rows}
    # Twelve copies of one room: a blind reader that has seen it knows it.
    assert by_type["object_size_estimation"].forest > 0.9
    assert by_type["object_rel_direction_hard"].chance == 0.25
    assert all(row.n >= 20 for row in rows)
    assert all(row.letters_p > 0.05 for row in rows)


def _candidate(answer: str, scene: str = "s") -> PlacedDraft:
    draft = Draft("t", f"q {answer}", answer, ("x",), AnswerKind.CHOICE)
    return PlacedDraft(draft, Placement("dataset", scene, "test"), ())


def test_answers_take_turns_within_a_scene() -> None:
    drafts = [_candidate(a).draft for a in "aaaaaaaabbc"]
    assert [d.correct for d in varied(drafts, 6)] == ["a", "b", "c", "a", "b", "a"]
    assert len(list(varied(drafts, None))) == 11


def test_small_sets_are_not_pruned() -> None:
    few = [_candidate("a", f"s{k}") for k in range(30)]
    assert balanced(few, seed=0) == few


def test_relative_accuracy_is_the_benchmarks() -> None:
    truth = np.array([10.0, 10.0, 10.0, 10.0, 10.0])
    guess = np.array([10.0, 10.5, 12.0, 15.0, 15.1])
    assert relative_accuracy(guess, truth).tolist() == pytest.approx([1.0, 1.0, 0.7, 0.1, 0.0])

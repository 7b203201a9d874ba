"""What several families of question types show together."""

from __future__ import annotations

import random
from collections.abc import Collection

import pytest

from surveyor.skills.distil.findings import Finding, FindingSettings
from surveyor.skills.distil.pooling import find_pooled
from surveyor.skills.distil.rollouts import Trial
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.scope import Scope
from surveyor.skills.workflow import GUARDED, PLAIN, Join, Workflow

VOTE = GUARDED.model_copy(update={"join": Join.VOTE})
SIZES, COUNTS, DISTANCES = (
    ("object_size_estimation",),
    ("object_counting",),
    ("object_abs_distance",),
)
FAMILIES = [COUNTS, DISTANCES, SIZES]


def trials(
    gains: dict[str, float], workflow: Workflow = VOTE, rooms: int = 20, **card: object
) -> list[Trial]:
    """Each room's questions both ways; the second way gains so much, by question type."""
    rng = random.Random(1)
    made = []
    for room in range(rooms):
        for kind, gain in gains.items():
            look = SceneProfile(question_type=kind, operands=("chair",), views=24)
            fields = {"task_id": f"r{room}/{kind}", "scene_id": f"r{room}", "room": f"r{room}"}
            luck = rng.uniform(-0.1, 0.1)
            for how, score in ((GUARDED, 0.5), (workflow, 0.5 + gain + luck)):
                made.append(
                    Trial.model_validate(
                        fields
                        | {"card": look.model_copy(update=card), "workflow": how, "cost": 2.0}
                        | {"score": score}
                    )
                )
    return made


def pooled(
    mine: list[Trial], barred: Collection[tuple[Scope, str]] = frozenset()
) -> tuple[Finding, ...]:
    workflows = {w.key: w for w in (GUARDED, VOTE, PLAIN)}
    return find_pooled(mine, workflows, FAMILIES, lambda t: GUARDED.key, FindingSettings(), barred)


def test_a_finding_is_for_the_kinds_that_gain() -> None:
    (found,) = pooled(trials({COUNTS[0]: -0.2, DISTANCES[0]: 0.2, SIZES[0]: 0.2}))
    assert found.scope.question_types == (*DISTANCES, *SIZES)
    assert found.workflow == VOTE
    assert found.gain == pytest.approx(0.2, abs=0.05)
    assert found.rooms == 20


def test_a_little_evidence_of_its_own_is_outweighed_by_that_of_the_others() -> None:
    """Two unlucky tasks do not take a family out of what gains everywhere else."""
    many = trials({DISTANCES[0]: 0.2, SIZES[0]: 0.2})
    few = trials({COUNTS[0]: -0.05}, rooms=2)
    (found,) = pooled([*many, *few])
    assert set(found.scope.question_types) == {*COUNTS, *DISTANCES, *SIZES}


def test_one_family_alone_is_not_pooled() -> None:
    assert pooled(trials({COUNTS[0]: 0.2})) == ()
    assert pooled(trials({COUNTS[0]: 0.2, DISTANCES[0]: -0.3, SIZES[0]: -0.3})) == ()


def test_what_gains_nothing_is_not_found() -> None:
    assert pooled(trials({COUNTS[0]: 0.0, DISTANCES[0]: 0.0, SIZES[0]: 0.0}, rooms=12)) == ()


def test_the_larger_gain_over_all_tasks_comes_first() -> None:
    gains = {COUNTS[0]: 0.1, DISTANCES[0]: 0.1, SIZES[0]: 0.1}
    wide = trials(gains, PLAIN)
    narrow = trials({COUNTS[0]: -0.3, DISTANCES[0]: 0.14, SIZES[0]: 0.14}, VOTE)
    (found,) = pooled([*wide, *narrow])
    assert found.workflow == PLAIN


def test_what_was_refused_is_not_found_again() -> None:
    mine = trials({COUNTS[0]: 0.2, DISTANCES[0]: 0.2, SIZES[0]: 0.2})
    (found,) = pooled(mine)
    assert pooled(mine, {(found.scope, found.workflow.key)}) == ()


def test_a_kind_of_scene_is_found_beyond_what_holds_everywhere() -> None:
    """On captures of few views another way gains more than the general one."""
    gains = {DISTANCES[0]: 0.1, SIZES[0]: 0.1}
    many = [
        t
        for how, gain in ((VOTE, 0.1), (PLAIN, -0.2))
        for t in trials(dict.fromkeys(gains, gain), how)
    ]
    few = [
        t.model_copy(update={"task_id": f"few {t.task_id}", "room": f"few {t.room}"})
        for how, gain in ((VOTE, 0.1), (PLAIN, 0.2))
        for t in trials(dict.fromkeys(gains, gain), how, views=6)
    ]
    general, special = pooled([*many, *few])
    assert (general.workflow, general.scope.conditions) == (VOTE, ())
    assert special.workflow == PLAIN
    assert [c.measure for c in special.scope.conditions] == ["views"]

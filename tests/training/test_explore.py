"""Halving, the bundle, and what the gate looks at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.gate import LiftEstimate
from surveyor.skills.workflow import GUARDED, PLAIN, Frames, MetricScale, Workflow
from surveyor.training.evolution.bundle import cheaper, posterior, propose, thrift
from surveyor.training.evolution.cases import Case, blocks, in_rooms, shuffled_rooms
from surveyor.training.evolution.exploration import (
    LIBRARY,
    Arm,
    ArmEvidence,
    ExploreSettings,
    Rung,
    arms_of,
    explore,
)
from surveyor.training.evolution.policy import always
from surveyor.training.evolution.space import SPACE, neighbours
from tests.training.synthetic import DrawnPlayer, cases, draw

SETTINGS = ExploreSettings(equal_tasks=20)
WIDE = PLAIN.model_copy(update={"frames": Frames(number=32)})
SCALE_FREE = WIDE.model_copy(update={"scale": MetricScale.NONE})
ORDER = "obj_appearance_order"

Gain = Callable[[Case, Workflow], float]


def explored(
    gain: Gain,
    workflows: Sequence[Workflow] = (PLAIN, GUARDED, WIDE, SCALE_FREE),
    rooms: int = 60,
    answer: Callable[[Case, Workflow], str] | None = None,
    cost: Callable[[Workflow], float] = lambda w: 2.0,
) -> tuple[ArmEvidence, tuple[Arm, ...], tuple[Arm, ...], tuple[Rung, ...]]:
    def world(case: Case, workflow: Workflow) -> float:
        luck = 0.3 * (draw(case.id, workflow.key) - 0.5)
        return min(1.0, max(0.0, 0.5 + gain(case, workflow) + luck))

    player = DrawnPlayer(world, cost=cost, answer=answer)
    mine = cases(rooms)
    rungs = [in_rooms(mine, b) for b in blocks(shuffled_rooms(mine, 0), SETTINGS.rungs)]
    arms = arms_of(workflows, always(PLAIN))
    evidence, finalists, told = asyncio.run(
        explore(arms, frozenset({PLAIN.key}), rungs, player.play, SETTINGS, 0.015)
    )
    return evidence, arms, finalists, told


def test_the_space_is_small_and_has_both_defaults() -> None:
    assert 10 <= len(SPACE) <= 20
    assert len({w.key for w in SPACE}) == len(SPACE)
    assert {PLAIN, GUARDED} <= set(SPACE)


def test_neighbours_stay_in_the_grammar_and_differ() -> None:
    for workflow in SPACE:
        near = neighbours(workflow)
        assert workflow not in near
        assert len({w.key for w in near}) == len(near) > 8
        assert all(Workflow.model_validate_json(w.model_dump_json()) == w for w in near)


def test_every_room_plays_once_and_blocks_add_up() -> None:
    rooms = shuffled_rooms(cases(10), 3)
    assert sorted(rooms) != list(rooms)
    parts = blocks(rooms, (1 / 6, 1 / 3, 1 / 2))
    assert [room for part in parts for room in part] == list(rooms)
    assert [len(part) for part in parts] == [2, 3, 5]


def test_the_best_over_all_types_is_the_base_of_the_bundle() -> None:
    evidence, arms, finalists, rungs = explored(lambda c, w: 0.1 * (w == WIDE))
    assert {LIBRARY, PLAIN.key, WIDE.key} <= {arm.key for arm in finalists}
    assert WIDE.key in rungs[0].kept
    (found,) = propose(evidence, arms, finalists, SETTINGS).findings
    assert found.workflow == WIDE
    assert set(found.scope.question_types) == set(evidence.types)
    assert found.gain == pytest.approx(0.1, abs=0.03)


def test_one_types_luck_is_outweighed_and_its_need_is_not() -> None:
    """A type deviates from the bundle only where its own evidence is beyond doubt."""

    def needs(case: Case, workflow: Workflow) -> float:
        own = case.profile.question_type == ORDER
        return {WIDE.key: -0.25 if own else 0.15, GUARDED.key: 0.15 if own else 0.0}.get(
            workflow.key, 0.0
        )

    evidence, arms, finalists, _ = explored(needs)
    found = {
        f.workflow.key: f.scope.question_types
        for f in propose(evidence, arms, finalists, SETTINGS).findings
    }
    assert found[GUARDED.key] == (ORDER,)
    assert ORDER not in found[WIDE.key]
    evidence, arms, finalists, _ = explored(lambda c, w: 0.1 * (w == WIDE), rooms=24)
    assert [f.workflow for f in propose(evidence, arms, finalists, SETTINGS).findings] == [WIDE]


def test_where_nothing_gains_nothing_is_proposed() -> None:
    evidence, arms, finalists, _ = explored(lambda c, w: -0.1 * (w != PLAIN))
    bundle = propose(evidence, arms, finalists, SETTINGS)
    assert bundle.findings == ()
    assert bundle.worth <= 0


def scale_free(case: Case, workflow: Workflow) -> float:
    """No metric scale changes no order, and ruins everything else."""
    ruined = workflow == SCALE_FREE and case.profile.question_type != ORDER
    return -0.4 if ruined else 0.1 * (workflow in (WIDE, SCALE_FREE))


def said(case: Case, workflow: Workflow) -> str:
    same = workflow in (WIDE, SCALE_FREE) and case.profile.question_type == ORDER
    return f"{case.id} wide" if same else f"{case.id} {workflow.key}"


def test_equal_answers_for_less_are_followed_to_the_end_and_taken() -> None:
    """An arm that is ruinous elsewhere is still played where it answers alike for less."""
    cost = lambda w: 1.0 if w == SCALE_FREE else 2.0  # noqa: E731
    evidence, arms, finalists, rungs = explored(scale_free, answer=said, cost=cost)
    assert SCALE_FREE.key not in rungs[-1].utilities
    (own,) = [a for a in arms if a.key == SCALE_FREE.key]
    (wide,) = [a for a in arms if a.key == WIDE.key]
    assert len(evidence.pairs(own, wide, ORDER)) == 60
    found = {
        f.workflow: f.scope.question_types
        for f in propose(evidence, arms, finalists, SETTINGS).findings
    }
    assert found[SCALE_FREE] == (ORDER,)
    many = SETTINGS.model_copy(update={"equal_tasks": 61})
    assert cheaper(evidence, arms, {ORDER: wide}, many) == {}


def test_thrift_changes_only_what_answers_like_the_library() -> None:
    cost = lambda w: 1.0 if w == GUARDED else 2.0  # noqa: E731
    alike = lambda c, w: c.id if w in (PLAIN, GUARDED) else f"{c.id} {w.key}"  # noqa: E731
    evidence, arms, _, _ = explored(lambda c, w: 0.0, answer=alike, cost=cost)
    (found,) = thrift(evidence, arms, SETTINGS).findings
    assert found.workflow == GUARDED


def test_a_cell_of_equal_answers_is_not_certain() -> None:
    """Ranked by gain over error, a cell whose only gain is a cheaper call would come first."""
    cost = lambda w: 1.0 if w == GUARDED else 2.0  # noqa: E731
    evidence, arms, _, _ = explored(lambda c, w: 0.0, answer=lambda c, w: c.id, cost=cost)
    (found,) = thrift(evidence, arms, SETTINGS).findings
    assert found.error >= 0.25 / len(found.episodes) ** 0.5


def test_types_are_shrunk_by_how_much_they_differ() -> None:
    alike = {f"t{i}": LiftEstimate(0.02, 0.03, 60, 60) for i in range(6)}
    for mean, error in posterior(alike).values():
        assert mean == pytest.approx(0.02)
        assert error < 0.03
    apart = {f"t{i}": LiftEstimate(-0.3 if i else 0.3, 0.03, 60, 60) for i in range(6)}
    assert posterior(apart)["t0"][0] == pytest.approx(0.3, abs=0.03)
    lucky = {f"t{i}": LiftEstimate(0.08 if not i else 0.0, 0.04, 60, 60) for i in range(10)}
    mean, error = posterior(lucky)["t0"]
    assert mean < 2 * max(error, 0.01), "two errors of luck among ten are nothing"


def test_incomplete_rollouts_are_no_evidence() -> None:
    evidence = ArmEvidence(0.015)
    (case, *_) = cases(1)
    player = DrawnPlayer(lambda c, w: 0.5)
    down: Rollout = player.rollout(case, PLAIN).model_copy(update={"incomplete": True})
    evidence.add([case], [down])
    assert evidence.row(Arm(PLAIN.key, always(PLAIN)), case) is None

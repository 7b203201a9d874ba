"""The yardstick of long walks, on worlds whose answer is known."""

from __future__ import annotations

import statistics

from surveyor.skills.workflow import PLAIN, Restore, Workflow
from surveyor.training.evolution.cases import Case
from tests.claims.skills.walk_policies import (
    Looks,
    Rows,
    conditioned,
    crossed,
    per_type,
    shuffled,
    single,
)
from tests.claims.skills.world import DrawnPlayer, World, cases, draw, suited

GUARD = PLAIN.model_copy(update={"restore": Restore.GUARD})
PRICE = 0.005


def _world(world: World, rooms: int = 24) -> tuple[Rows, Looks]:
    player, tasks = DrawnPlayer(world), cases(rooms)
    rows = {c.id: {w.key: player.rollout(c, w) for w in (PLAIN, GUARD)} for c in tasks}
    return rows, {c.room: {"poor": c.profile.poor_share, "dice": draw(c.room)} for c in tasks}


def _mean(chosen: list, price: float = PRICE) -> float:  # type: ignore[type-arg]
    return statistics.fmean(r.utility(price) for r in chosen)


def _crossing(case: Case, workflow: Workflow) -> float:
    """Restoring helps in poor rooms and harms in others, so neither is best everywhere."""
    helps = (case.profile.poor_share > 0.5) == (workflow.restore is Restore.GUARD)
    return (0.8 if helps else 0.4) + 0.2 * (draw(case.id, workflow.key) - 0.5)


def test_where_the_scene_decides_conditions_find_it_and_shuffled_cards_do_not() -> None:
    rows, looks = _world(_crossing)
    found = _mean(crossed(rows, conditioned(looks, ("poor", "dice")), PRICE))
    for other in (
        crossed(rows, single, PRICE),
        crossed(rows, per_type, PRICE),
        crossed(rows, conditioned(shuffled(looks, 1), ("poor", "dice")), PRICE),
    ):
        assert found > _mean(other) + 0.1


def test_looking_first_is_paid() -> None:
    rows, looks = _world(_crossing)
    free = _mean(crossed(rows, conditioned(looks, ("poor",)), PRICE))
    paid = _mean(crossed(rows, conditioned(looks, ("poor",), {"poor": 2.0}), PRICE))
    assert abs(free - paid - 2.0 * PRICE) < 1e-9


def test_where_one_way_is_best_everywhere_conditions_cost_little() -> None:
    rows, looks = _world(suited())
    alone = _mean(crossed(rows, single, PRICE))
    assert _mean(crossed(rows, conditioned(looks, ("dice",)), PRICE)) > alone - 0.05


def test_what_is_paid_was_not_learnt_from() -> None:
    """A workflow that is good in one place alone is never chosen there."""
    rows, _ = _world(lambda case, w: float(case.room == "room_000003") if w == GUARD else 0.5)
    chosen = crossed(rows, single, PRICE)
    assert all(r.workflow == PLAIN for r in chosen)


def test_shuffling_keeps_the_cards_and_moves_them() -> None:
    _, looks = _world(_crossing)
    moved = shuffled(looks, 3)
    assert sorted(map(str, moved.values())) == sorted(map(str, looks.values()))
    assert moved != looks

from __future__ import annotations

import math

import numpy as np
import pytest

from surveyor.skills.distil.rollouts import Trial
from surveyor.skills.gate import GateSettings, Pair, Wealth, judge
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.workflow import GUARDED, PLAIN

CARD = SceneProfile(question_type="q")
FREE = GateSettings(price=0.0)


def pair(room: int, new: float, old: float, *, cost: float = 0.0, incomplete: bool = False) -> Pair:
    def trial(score: float, seconds: float) -> Trial:
        return Trial(
            task_id=f"{room}",
            scene_id=f"{room}",
            room=f"{room}",
            card=CARD,
            workflow=GUARDED,
            score=score,
            cost=seconds,
            calls=4,
            effective=2,
        )

    return Pair(
        trial(new, cost),
        trial(old, 0.0).model_copy(update={"workflow": PLAIN, "incomplete": incomplete}),
    )


def noisy(lift: float, rooms: int, seed: int) -> list[Pair]:
    rng = np.random.default_rng(seed)
    gains = np.clip(lift + rng.normal(0, 0.1, rooms), -0.5, 0.5)
    return [pair(i, 0.5 + g, 0.5) for i, g in enumerate(gains.tolist())]


def test_a_real_lift_passes_and_its_bounds_hold_it() -> None:
    (found,) = judge([noisy(0.1, 40, 1)], FREE)
    assert found.passed
    assert found.lower is not None
    assert found.upper is not None
    assert 0 < found.lower < found.lift < found.upper
    assert found.lift == pytest.approx(0.1, abs=0.04)
    assert found.effective_with == 0.5


def test_calls_are_paid_for() -> None:
    pairs = [pair(i, 0.55 + 0.01 * (i % 2), 0.5, cost=10.0) for i in range(20)]
    assert judge([pairs], FREE)[0].passed
    assert not judge([pairs], GateSettings(price=0.015))[0].passed


def test_few_rooms_decide_nothing() -> None:
    (found,) = judge([[pair(i, 1.0, 0.0) for i in range(7)]], FREE)
    assert not found.passed
    assert found.lower is None
    assert "7 rooms" in found.reason


def test_outages_are_left_out() -> None:
    pairs = [pair(i, 0.5, 0.5 + 0.001 * i) for i in range(10)]
    pairs += [pair(50 + i, 1.0, 0.0, incomplete=True) for i in range(50)]
    (found,) = judge([pairs], FREE)
    assert found.rooms == 10
    assert not found.passed


def test_tasks_of_one_room_stand_or_fall_together() -> None:
    few = [pair(i % 8, 0.5 + (0.3 if i % 8 < 4 else -0.15), 0.5) for i in range(400)]
    assert not judge([few], FREE)[0].passed


def test_every_comparison_makes_each_harder() -> None:
    nulls = [noisy(0.0, 30, s) for s in range(20, 39)]
    alone = judge([noisy(0.045, 30, 3)], FREE)[0]
    among = judge([noisy(0.045, 30, 3), *nulls], FREE)[0]
    assert alone.level > 10 * among.level
    assert among.lower is not None
    assert alone.lower is not None
    assert among.lower < alone.lower


def test_while_nothing_passes_all_rounds_together_spend_alpha_once() -> None:
    wealth = Wealth()
    for _ in range(200):
        wealth = Wealth(wealth.spent + wealth.budget(0.05))
    assert wealth.spent <= 0.05 + 1e-12
    assert wealth.spent == pytest.approx(0.05, rel=1e-6)


def test_the_levels_spent_never_exceed_alpha_times_what_passed() -> None:
    rng = np.random.default_rng(5)
    spent, passed = 0.0, 0
    for _ in range(100):
        spent += Wealth(spent, passed).budget(0.05)
        assert spent <= 0.05 * max(1, passed) + 1e-12
        passed += int(rng.integers(0, 3))
    assert Wealth(spent, passed).budget(0.05) > Wealth().budget(0.05), "discoveries refill it"


def test_clear_findings_get_more_of_the_budget() -> None:
    pairs = noisy(0.05, 30, 4)
    clear, vague = judge([pairs, pairs], FREE, 0.02, [5.0, 1.0])
    assert (clear.level, vague.level) == (pytest.approx(0.02 * 5 / 6), pytest.approx(0.02 / 6))
    assert clear.lower is not None
    assert vague.lower is not None
    assert clear.lower > vague.lower


def test_a_spent_budget_passes_nothing() -> None:
    (found,) = judge([noisy(0.3, 40, 1)], FREE, 0.0)
    assert not found.passed
    assert "spent" in found.reason


def test_worthless_changes_pass_no_more_often_than_promised() -> None:
    """400 gates of one comparison each, on noise: at most the nominal rate, give or take."""
    settings = GateSettings(price=0.0, alpha=0.1)
    passed = sum(judge([noisy(0.0, 25, s)], settings)[0].passed for s in range(1000, 1400))
    nominal = Wealth().budget(0.1) * 400
    assert passed <= nominal + 2.6 * math.sqrt(nominal)
    assert passed >= 5, "a gate that never opens proves nothing"

from __future__ import annotations

import math

import numpy as np
import pytest

from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.gate import (
    LOOKS,
    Comparison,
    GateSettings,
    Paired,
    Wealth,
    compare,
    estimate,
    hopeless,
)
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.workflow import GUARDED, PLAIN

CARD = SceneProfile(question_type="q")
FREE = GateSettings(price=0.0)


def pair(
    room: int, new: float, old: float, *, cost: float = 0.0, incomplete: bool = False
) -> Paired:
    def rollout(score: float, seconds: float) -> Rollout:
        return Rollout(
            task_id=f"{room}",
            scene_id=f"{room}",
            room=f"{room}",
            profile=CARD,
            workflow=GUARDED,
            score=score,
            cost=seconds,
            calls=4,
            effective=2,
        )

    return Paired(
        rollout(new, cost),
        rollout(old, 0.0).model_copy(update={"workflow": PLAIN, "incomplete": incomplete}),
    )


def noisy(lift: float, rooms: int, seed: int) -> list[Paired]:
    rng = np.random.default_rng(seed)
    gains = np.clip(lift + rng.normal(0, 0.1, rooms), -0.5, 0.5)
    return [pair(i, 0.5 + g, 0.5) for i, g in enumerate(gains.tolist())]


def judge(pairs: list[Paired], settings: GateSettings, level: float | None = None) -> Comparison:
    level = Wealth().budget(settings.alpha) if level is None else level
    return compare(pairs, settings, level)


def test_a_real_lift_passes_and_its_bounds_hold_it() -> None:
    found = judge(noisy(0.1, 40, 1), FREE)
    assert found.passed
    assert found.lower is not None
    assert found.upper is not None
    assert 0 < found.lower < found.lift < found.upper
    assert found.lift == pytest.approx(0.1, abs=0.04)
    assert found.effective_with == 0.5


def test_calls_are_paid_for() -> None:
    pairs = [pair(i, 0.55 + 0.01 * (i % 2), 0.5, cost=10.0) for i in range(20)]
    assert judge(pairs, FREE).passed
    assert not judge(pairs, GateSettings(price=0.015)).passed


def test_few_rooms_decide_nothing() -> None:
    found = judge([pair(i, 1.0, 0.0) for i in range(7)], FREE)
    assert not found.passed
    assert found.lower is None
    assert "7 rooms" in found.reason


def test_outages_are_left_out() -> None:
    pairs = [pair(i, 0.5, 0.5 + 0.001 * i) for i in range(10)]
    pairs += [pair(50 + i, 1.0, 0.0, incomplete=True) for i in range(50)]
    found = judge(pairs, FREE)
    assert found.rooms == 10
    assert not found.passed


def test_tasks_of_one_room_stand_or_fall_together() -> None:
    few = [pair(i % 8, 0.5 + (0.3 if i % 8 < 4 else -0.15), 0.5) for i in range(400)]
    assert not judge(few, FREE).passed


def test_a_smaller_level_asks_for_more() -> None:
    much, little = (judge(noisy(0.045, 30, 3), FREE, level) for level in (0.025, 0.001))
    assert much.lower is not None
    assert little.lower is not None
    assert little.lower < much.lower


def test_early_looks_ask_for_more_and_together_spend_the_level() -> None:
    assert sum(look.level for look in LOOKS) == pytest.approx(1.0)
    pairs = noisy(0.05, 30, 4)
    early, late = (
        compare(pairs, FREE, 0.025, share=look.level, look=n)
        for n, look in ((1, LOOKS[0]), (3, LOOKS[-1]))
    )
    assert early.level == late.level == 0.025, "whatever the look, the whole level is spent"
    assert early.lower is not None
    assert late.lower is not None
    assert early.lower < late.lower


def test_what_loses_beyond_an_error_on_enough_rooms_is_hopeless() -> None:
    assert hopeless([pair(i, 0.4, 0.5) for i in range(8)], FREE)
    assert not hopeless([pair(i, 0.6, 0.5) for i in range(8)], FREE)
    assert not hopeless([pair(i, 0.4, 0.5) for i in range(7)], FREE), "too few rooms"
    unlucky = [pair(i, 0.5 + (0.3 if i % 2 else -0.31), 0.5) for i in range(10)]
    assert not hopeless(unlucky, FREE), "a few rooms more may show what it is worth"


def test_the_error_is_that_of_resampled_rooms() -> None:
    """Rooms of one to four tasks: the linearised error agrees with a bootstrap over rooms."""
    rng = np.random.default_rng(2)
    pairs = [
        pair(room, 0.5 + gain, 0.5)
        for room in range(60)
        for gain in (0.1 * rng.normal() + 0.1 * rng.normal(size=1 + room % 4)).clip(-0.5, 0.5)
    ]
    found = estimate(pairs, 0.0)
    rooms = [[p.gain(0.0) for p in pairs if p.new.room == str(r)] for r in range(60)]
    means = []
    for _ in range(2000):
        drawn = [rooms[i] for i in rng.integers(0, 60, 60)]
        means.append(sum(map(sum, drawn)) / sum(map(len, drawn)))
    assert found.error == pytest.approx(np.std(means), rel=0.1)


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


def test_a_spent_budget_passes_nothing() -> None:
    found = judge(noisy(0.3, 40, 1), FREE, 0.0)
    assert not found.passed
    assert "spent" in found.reason


def test_worthless_changes_pass_no_more_often_than_promised() -> None:
    """1,000 changes on noise, judged by all looks: at most the nominal rate, give or take."""
    settings, level, passed = GateSettings(price=0.0), 0.05, 0
    for seed in range(1000, 2000):
        pairs = noisy(0.0, 36, seed)
        for number, look in enumerate(LOOKS, start=1):
            found = compare(
                pairs[: round(36 * look.rooms)], settings, level, share=look.level, look=number
            )
            if found.passed:
                break
        passed += found.passed
    assert passed <= level * 1000 + 2.6 * math.sqrt(level * 1000)
    assert passed >= 10, "a gate that never opens proves nothing"

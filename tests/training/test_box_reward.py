"""A5 and A6: the grounding reward's table, and the arithmetic of GRPO against hand numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.agent.program.apeiria import SPEAKS, THINKS
from surveyor.training.rewards.boxes import NamedBox, box_reward, spoken_reward

NUMBER = st.floats(-3, 3, allow_nan=False)
EDGE = st.floats(0.02, 3)


def row(count: int) -> list[NamedBox]:
    return [NamedBox((2.0 * k, 1.0, 0.5), (0.5, 0.6, 0.9), str(k)) for k in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_a_perfect_answer_is_worth_one_for_any_number_of_targets(count: int) -> None:
    true = row(count)
    assert box_reward(true[::-1], true) == pytest.approx(1)
    extra = NamedBox((50.0, 0.0, 0.0), (1.0, 1.0, 1.0), "x")
    assert box_reward([*true, extra], true) < 1
    assert box_reward([*true, true[0]], true) < 1, "naming one twice is an extra"
    assert box_reward(true[1:], true) < 1
    renamed = [replace(true[0], id="wrong"), *true[1:]]
    assert 0 < box_reward(renamed, true) < 1


def test_nothing_to_find_needs_a_denial_and_junk_is_worth_nothing() -> None:
    assert box_reward([], [], denied=True) == 1
    assert box_reward([], []) == 0, "silence"
    assert box_reward(row(1), [], denied=True) == 0
    assert box_reward(None, []) == box_reward(None, row(2)) == 0, "cut off or unreadable"
    assert box_reward([], row(2), denied=True) == 0


def spoken(count: int) -> str:
    told = (
        f"Object {one.id}: At ({', '.join(map(str, one.center))}), "
        f"size: {' x '.join(map(str, one.size))}"
        for one in row(count)
    )
    return "\n".join([THINKS, "Let's plan", SPEAKS, f"Apeiria found {count}:", *told])


def test_spoken_answers_are_rewarded_by_what_they_name() -> None:
    assert [spoken_reward(spoken(k), row(k)) for k in range(1, 6)] == pytest.approx([1.0] * 5)
    denial = f"{SPEAKS}\nApeiria didn't find any objects matching the description."
    assert spoken_reward(denial, []) == 1
    assert spoken_reward(denial, row(1)) == 0
    assert spoken_reward(f"{SPEAKS}\nblah", []) == 0, "junk is no denial"
    assert spoken_reward(f"{THINKS}\nI need to find", []) == 0, "cut off"
    assert spoken_reward(spoken(1), []) == 0


def test_the_formula_by_hand() -> None:
    true = NamedBox((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    said = NamedBox((0.5, 0.0, 0.0), (1.5, 1.0, 1.0))
    by_hand = 0.5 * math.exp(-1) + 0.5 * math.exp(-2 * 0.5 / 3)
    assert box_reward([said], [true]) == pytest.approx(by_hand)
    assert box_reward([said], [true, true]) == pytest.approx(2 * by_hand / 3)


@given(st.lists(st.tuples(NUMBER, NUMBER, EDGE), max_size=4), st.lists(NUMBER, max_size=4))
def test_it_stays_between_nothing_and_one_and_nearer_is_better(
    said: list[tuple[float, float, float]], true: list[float]
) -> None:
    predicted = [NamedBox((x, y, 0.0), (s, s, s)) for x, y, s in said]
    targets = [NamedBox((x, 0.0, 0.0), (0.5, 0.5, 0.5)) for x in true]
    assert 0 <= box_reward(predicted, targets) <= 1
    if len(targets) == 1:
        at = [replace(targets[0], center=(targets[0].center[0] + d, 0.0, 0.0)) for d in (0.1, 0.6)]
        near, far = (box_reward([one], targets) for one in at)
        assert near > far


# The arithmetic of GRPO, by its papers: group advantage (Shao et al. 2024), clip-higher (Yu et al.
# 2025), unbiased pass@k (Chen et al. 2021).


def advantages(rewards: np.ndarray, epsilon: float = 1e-4) -> np.ndarray:
    return np.asarray((rewards - rewards.mean()) / (rewards.std(ddof=1) + epsilon))


def clipped(ratio: np.ndarray, advantage: np.ndarray, low: float, high: float) -> np.ndarray:
    bounded = np.clip(ratio, 1 - low, 1 + high)
    return np.asarray(np.minimum(ratio * advantage, bounded * advantage))


def test_group_advantages_are_those_of_the_trainer() -> None:
    told = advantages(np.array([1.0, 0.0, 0.0, 1.0]))
    assert told == pytest.approx([0.8659, -0.8659, -0.8659, 0.8659], abs=1e-4)
    assert advantages(np.ones(4)) == pytest.approx(np.zeros(4)), "a group of equals teaches nothing"


def test_the_clip_is_wide_above_and_narrow_below() -> None:
    ratio = np.array([0.5, 0.9, 1.2, 1.5])
    up = clipped(ratio, np.ones(4), 0.2, 0.28)
    assert up == pytest.approx([0.5, 0.9, 1.2, 1.28]), "not 0.72 and 1.2 the other way round"
    down = clipped(ratio, -np.ones(4), 0.2, 0.28)
    assert down == pytest.approx([-0.8, -0.9, -1.2, -1.5])


def test_a_softmax_bandit_learns_by_it() -> None:
    dice, logits, right = np.random.default_rng(0), np.zeros(5), 3

    def policy() -> np.ndarray:
        weights = np.exp(logits - logits.max())
        return np.asarray(weights / weights.sum())

    assert policy()[right] == pytest.approx(0.2)
    for _ in range(200):
        old = policy()
        taken = dice.choice(5, 8, p=old)
        gain = advantages((taken == right).astype(float))
        for _ in range(2):
            now = policy()
            ratio = now[taken] / old[taken]
            free = np.where(gain > 0, ratio < 1.28, ratio > 0.8)
            step = (gain * ratio * free) @ (np.eye(5)[taken] - now)
            logits += 0.5 * step / 8
    assert policy()[right] > 0.9

"""The yardstick of restoration: a recogniser that learns, and arithmetic that adds up."""

from __future__ import annotations

import numpy as np
import pytest

from surveyor.core.errors import UserError
from tests.claims.experts.calibration import Scores, calibrate, interval, main, together
from tests.claims.experts.recogniser import features, train


def shape(kind, rng):
    """A bright disc or square, or stripes, somewhere in a noisy picture."""
    pixels = rng.normal(70, 8, (40, 50, 3))
    rows, columns = np.mgrid[:40, :50]
    v, u, size = rng.uniform(16, 24), rng.uniform(20, 30), rng.uniform(8, 13)
    inside = {
        "disc": (rows - v) ** 2 + (columns - u) ** 2 < size**2,
        "square": np.maximum(abs(rows - v), abs(columns - u)) < size * 0.85,
        "stripes": (rows + columns) % 12 < 5,
    }[kind]
    pixels[inside] += rng.uniform(60, 120)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def test_the_recogniser_learns_shapes_and_loses_them_in_the_dark():
    rng = np.random.default_rng(0)
    kinds = ("disc", "square", "stripes")

    def examples(each, gain=1.0, noise=0.0):
        rows, names = [], []
        for kind in kinds * each:
            pixels = shape(kind, rng) * gain + rng.normal(0, 1, (40, 50, 1)) * noise
            rows.append(features(np.clip(pixels, 0, 255).astype(np.uint8)))
            names.append(kind)
        return np.array(rows), names

    recogniser = train(*examples(40))

    def recall(rows, names):
        told = recogniser.recognise(rows)
        return np.mean([one == other for one, other in zip(told, names, strict=True)])

    clear = recall(*examples(30))
    assert recogniser.classes == kinds
    assert clear > 0.9
    assert recall(*examples(30, gain=0.05, noise=6)) < clear - 0.2


def test_credit_is_the_recovered_share_over_the_claimed_share():
    recognised = np.array([[0.7, 0.4, 0.5], [0.7, 0.4, 0.5]])
    metered = np.array([[0.8, 0.3, 0.7], [0.8, 0.3, 0.7]])
    scores = Scores("dark", recognised, metered)
    assert scores.shares() == pytest.approx((1 / 3, 0.8))
    assert scores.credit() == pytest.approx(1 / 2.4)


def test_intervals_come_from_whole_rooms():
    rng = np.random.default_rng(0)
    rooms = np.array([[0.7, 0.4, 0.5], [0.7, 0.4, 0.6]])
    few = Scores("dark", rooms, np.array([[0.8, 0.3, 0.7]] * 2))
    low, high = interval(few, lambda one, chosen: one.shares(chosen)[0])
    assert (low, high) == pytest.approx((1 / 3, 2 / 3))  # only one room drawn, twice
    spread = rng.normal(np.array([0.7, 0.4, 0.5]), 0.05, (40, 3))
    many = Scores("dark", spread, np.tile([0.8, 0.3, 0.7], (40, 1)))
    low, high = interval(many, Scores.credit)
    assert low < many.credit() < high
    assert high - low < 0.4


def test_conditions_together_weigh_what_they_cost():
    dark = Scores("dark", np.array([[0.8, 0.4, 0.6]]), np.array([[0.8, 0.4, 0.8]]))
    soft = Scores("soft", np.array([[0.8, 0.8, 0.8]]), np.array([[0.8, 0.8, 0.8]]))
    assert together([dark, soft]).credit() == pytest.approx(0.5)


def test_too_few_rooms_are_refused(dataset):
    with pytest.raises(UserError, match="2 rooms"):
        calibrate(dataset)
    assert main([str(dataset)]) == 2

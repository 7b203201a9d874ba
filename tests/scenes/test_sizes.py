"""Sizes within a category: as different as in real scans, bounded, and true of every part."""

from __future__ import annotations

import numpy as np
import pytest

from surveyor.scenes.rooms.catalog import CATALOG
from surveyor.scenes.rooms.catalog.sizes import SPREADS, resized, scaled
from surveyor.scenes.rooms.surfaces.materials import Paints

# Standard deviation of ln(longest edge) in the metadata of the real scans behind VSI-Bench.
REAL = {
    "chair": 0.25, "table": 0.47, "sofa": 0.40, "bed": 0.08, "tv": 0.32, "monitor": 0.13,
    "pillow": 0.26, "trash bin": 0.40, "stool": 0.38, "refrigerator": 0.40, "keyboard": 0.11,
    "toilet": 0.21, "whiteboard": 0.33, "bookshelf": 0.41, "plant": 0.70, "bathtub": 0.10,
    "telephone": 0.22, "mirror": 0.45, "cup": 0.25, "radiator": 0.52, "clock": 0.26,
    "laptop": 0.18, "towel": 0.34,
}  # fmt: skip


@pytest.mark.parametrize("category", REAL)
def test_no_category_is_more_varied_than_real_ones_and_none_is_always_equal(category: str) -> None:
    longest = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        longest.append(max(resized(CATALOG[category].make(Paints(rng)), rng).size))
    spread = float(np.std(np.log(longest)))
    assert 0.35 * REAL[category] < spread < 1.35 * REAL[category]


@pytest.mark.parametrize("category", SPREADS)
def test_factors_stay_within_their_limits_and_follow_the_stream(category: str) -> None:
    spread = SPREADS[category]
    drawn = [spread.factors(np.random.default_rng(seed)) for seed in range(200)]
    largest = np.max(drawn, axis=1)
    assert category in CATALOG or category in ("ceiling light", "curtain")
    assert max(largest.max(), 1.0) <= max(spread.high, 1.0) + 1e-9
    assert np.min(drawn) >= min(spread.low, 1.0) - 1e-9
    assert drawn[7] == spread.factors(np.random.default_rng(7))


def test_a_scaled_model_is_scaled_in_all_its_parts() -> None:
    model = CATALOG["bookshelf"].make(Paints(np.random.default_rng(3)))
    larger = scaled(model, (1.0, 1.5, 0.5))
    points = np.concatenate([part.vertices for part, _ in larger.pieces])
    assert np.allclose(np.ptp(points, axis=0), larger.size, atol=1e-9)
    assert np.allclose(larger.size, np.array(model.size) * (1.0, 1.5, 0.5))
    for old, new in zip(model.supports, larger.supports, strict=True):
        assert new.z == pytest.approx(old.z * 0.5)
        assert new.half_y == pytest.approx(old.half_y * 1.5)
    for part, _ in larger.pieces:
        assert np.allclose(np.linalg.norm(part.normals, axis=1), 1, atol=1e-6)


def test_a_lamp_keeps_its_light_inside_its_shade() -> None:
    model = CATALOG["lamp"].make(Paints(np.random.default_rng(1)))
    larger = scaled(model, (1.2, 1.2, 1.2))
    assert larger.lamps[0].z == pytest.approx(model.lamps[0].z * 1.2)
    assert larger.lamps[0].radius == pytest.approx(model.lamps[0].radius * 1.2)

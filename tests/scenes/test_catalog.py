"""Every category stands on the floor, faces +x, has plausible proportions and words."""

from __future__ import annotations

import numpy as np
import pytest

from surveyor.scenes.rooms.catalog import CATALOG
from surveyor.scenes.rooms.surfaces.materials import COLOURS, Paints

# Published medians of sorted edge lengths (metres) of the real scans behind VSI-Bench.
MEDIANS = {
    "chair": (0.45, 0.58, 0.81),
    "sofa": (0.68, 1.09, 2.03),
    "bed": (0.97, 1.55, 2.28),
    "trash bin": (0.29, 0.35, 0.42),
    "bookshelf": (0.37, 1.0, 2.0),
    "nightstand": (0.45, 0.63, 0.70),
    "refrigerator": (0.55, 0.75, 1.65),
    "monitor": (0.18, 0.44, 0.57),
    "stool": (0.35, 0.41, 0.49),
    "keyboard": (0.03, 0.18, 0.46),
    "laptop": (0.13, 0.3, 0.38),
    "toilet": (0.39, 0.5, 0.73),
    "washing machine": (0.6, 0.64, 0.86),
    "bathtub": (0.57, 0.71, 1.65),
    "backpack": (0.23, 0.4, 0.49),
    "suitcase": (0.25, 0.48, 0.67),
    "computer tower": (0.21, 0.43, 0.48),
}


def test_there_are_enough_categories() -> None:
    assert len(CATALOG) + len({"door", "window", "curtain"}) >= 45


@pytest.mark.parametrize("category", CATALOG)
def test_models_stand_centred_on_their_origin(category: str) -> None:
    model = CATALOG[category].make(Paints(np.random.default_rng(3)))
    points = np.concatenate([part.vertices for part, _ in model.pieces])
    low, high = points.min(axis=0), points.max(axis=0)
    assert np.allclose(low[2], 0, atol=1e-9)
    assert np.allclose((low + high)[:2], 0, atol=1e-9)
    assert np.allclose(high - low, model.size, atol=1e-9)
    assert model.attributes.get("color", "gray") in COLOURS
    assert all(s.z <= model.size[2] + 1e-6 for s in model.supports)


@pytest.mark.parametrize("category", MEDIANS)
def test_longest_sides_are_near_those_of_real_scans(category: str) -> None:
    sizes = [
        max(CATALOG[category].make(Paints(np.random.default_rng(seed))).size) for seed in range(6)
    ]
    assert 0.7 < np.median(sizes) / MEDIANS[category][2] < 1.4


def test_the_same_stream_makes_the_same_model() -> None:
    first, second = (CATALOG["chair"].make(Paints(np.random.default_rng(9))) for _ in range(2))
    for (a, am), (b, bm) in zip(first.pieces, second.pieces, strict=True):
        assert am == bm
        assert a.vertices.tobytes() == b.vertices.tobytes()

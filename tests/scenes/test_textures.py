"""Textures: repeatable, in range, seamless where they repeat, and never needed for geometry."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from surveyor.scenes.rooms.surfaces.atlas import LEVELS, Atlas
from surveyor.scenes.rooms.surfaces.materials import Material, TextureKind
from surveyor.scenes.rooms.surfaces.noise import linear, noise
from surveyor.scenes.rooms.surfaces.textures import texture

KINDS = get_args(TextureKind)
TILED = ("wood", "fabric", "knit", "carpet", "plaster", "brushed", "marble")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_makes_a_valid_picture_again_and_again(kind: TextureKind) -> None:
    material = Material(kind, "#8f8a72", variant=3)
    first = texture(material)
    texture.cache_clear()
    assert texture(material).tobytes() == first.tobytes()
    assert first.dtype == np.float32
    assert first.shape[2] == 3
    assert 0 < first.min() <= first.max() <= 1


@pytest.mark.parametrize("kind", TILED)
def test_repeating_textures_have_no_seam(kind: TextureKind) -> None:
    image = texture(Material(kind, "#a98660"))
    for axis in (0, 1):
        inner = np.abs(np.diff(image, axis=axis)).mean()
        seam = np.abs(image.take(0, axis=axis) - image.take(-1, axis=axis)).mean()
        assert seam < 2.5 * inner + 0.01


def test_textures_keep_the_named_colour() -> None:
    for kind in ("fabric", "plaster", "carpet", "plain"):
        mean = texture(Material(kind, "#35587e")).reshape(-1, 3).mean(axis=0)
        assert mean == pytest.approx(linear("#35587e"), rel=0.25)


def test_noise_is_periodic_and_bounded() -> None:
    field = noise(np.random.default_rng(0), 64, 1.5)
    assert np.abs(field).max() == pytest.approx(1)
    wrap = np.abs(field[0] - field[-1]).mean()
    assert wrap < 2 * np.abs(np.diff(field, axis=0)).mean()


def test_smaller_copies_keep_the_mean() -> None:
    atlas = Atlas.of((Material("carpet", "#9d968a"),))
    for level in range(LEVELS):
        start = int(atlas.offset[0, level])
        size = int(atlas.rows[0, level] * atlas.columns[0, level])
        mean = atlas.texels[start : start + size].mean(axis=0)
        assert mean == pytest.approx(atlas.mean[0], rel=0.02)


def test_distance_picks_a_smaller_copy() -> None:
    atlas = Atlas.of((Material("carpet", "#9d968a"),))
    material = np.zeros(3, np.int32)
    levels = atlas.level(material, np.array([1 / 4096, 1 / 64, 1.0], np.float32))
    assert levels[0] == 0
    assert (np.diff(levels) > 0).all()
    assert levels[2] == LEVELS - 1

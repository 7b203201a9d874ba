"""Depth as a monocular network sees it: wrong scale, waves, smeared edges, holes in mirrors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import Depth
from surveyor.services.reference.presets import DepthErrors
from surveyor.services.reference.quality import ImageQuality
from surveyor.services.reference.seeding import generator
from surveyor.services.reference.world import ImageView

_CELLS = 5  # the smooth error has this many knots along the shorter side
_EDGE = 0.05  # relative depth step that counts as an edge
_SEE_THROUGH = frozenset({"mirror", "window"})


def poorness(quality: ImageQuality, growth: float) -> float:
    """Factor by which errors grow in a poor frame: ``1 + growth (1 - q)``."""
    return 1 + growth * (1 - quality.overall)


def estimated_depth(
    view: ImageView, quality: ImageQuality, errors: DepthErrors, seed: int
) -> Depth:
    """z-depth (H, W) float32 metres of the received image, with the errors of its evidence."""
    exact = view.maps.depth
    key = view.key
    worse = poorness(quality, errors.quality)
    scene = generator(key.scene_id, "depth scale", seed).normal() * errors.scene
    rng = generator(key.scene_id, key.index, "depth", seed)
    frame = rng.normal() * errors.frame * worse
    shift = rng.normal() * errors.shift * worse
    wave = smooth_field(exact.shape, rng) * errors.smooth * worse
    depth = smeared(exact, errors.bleed) if errors.bleed else exact
    wrong = (depth * np.exp(scene + frame + wave) + shift).astype(np.float32)
    measured = (exact > 0) & (wrong > 0)
    if errors.holes:
        measured &= ~np.isin(view.maps.ids, _see_through(view))
    return np.where(measured, wrong, np.float32(0))


def smooth_field(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """(H, W) random field of unit variance that varies over about a fifth of the image."""
    from scipy import ndimage

    height, width = shape
    rows = _CELLS if height <= width else round(_CELLS * height / width)
    columns = round(_CELLS * width / height) if height <= width else _CELLS
    knots = rng.normal(size=(rows + 1, columns + 1))
    zoomed = ndimage.zoom(
        knots, (height / (rows + 1), width / (columns + 1)), order=1, grid_mode=True, mode="nearest"
    )
    return np.asarray(zoomed[:height, :width], np.float32)


def smeared(depth: Depth, radius: int) -> Depth:
    """Depth averaged over ``radius`` pixels wherever it steps: points that fly between things."""
    from scipy import ndimage

    size = 2 * radius + 1
    low = ndimage.minimum_filter(depth, size)
    high = ndimage.maximum_filter(depth, size)
    edge = high - low > _EDGE * np.maximum(low, 0.1)
    return np.asarray(np.where(edge, ndimage.uniform_filter(depth, size), depth), np.float32)


def _see_through(view: ImageView) -> list[int]:
    return [one.instance_id for one in view.truth.objects if one.category in _SEE_THROUGH]

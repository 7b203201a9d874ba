"""Masks as a segmenter draws them: soft outlines, spills, swallowed neighbours."""

from __future__ import annotations

import numpy as np

from surveyor.core.masks import Mask
from surveyor.services.reference.presets import SegmentErrors
from surveyor.services.reference.restoration_discount import MeasuredImage
from surveyor.services.reference.seeding import generator
from surveyor.services.reference.visible import Visible
from surveyor.services.reference.world import ImageView

_SMALL_WIDTH = 320
_MARGIN = 24  # pixels around an object within which its mask may change
_WAVE = 6.0  # pixels of a 320-wide image over which an outline error stays alike
_LOW_CONTRAST, _SOFT = 0.06, 0.3


def drawn_mask(
    view: ImageView, seen: Visible, sight: MeasuredImage, errors: SegmentErrors, seed: int
) -> Mask:
    """The visible mask (H, W) of one object with the errors of its evidence."""
    thing = seen.object.instance_id
    ids = view.maps.ids
    quality = sight.of(thing)
    rng = generator(view.key.scene_id, view.key.index, "mask", thing, seed)
    exact: Mask = ids == thing
    if rng.random() < errors.merge * _worse(quality.contrast, quality.sharpness):
        exact = exact | _touching_twin(view, seen)
    leaks = rng.random() < errors.leak * (2 if quality.contrast < _LOW_CONTRAST else 1)
    unit = view.width / _SMALL_WIDTH
    blur = float(np.clip(0.75 / max(quality.sharpness, 1e-3), 1, 4))
    rows, columns = _window(exact)
    part = exact[rows, columns]
    shifted = _redrawn(part, errors.edge * blur * unit, _WAVE * unit, rng)
    if leaks:
        shifted = shifted | _spill(part, rng)
    if not shifted.any():
        return exact
    result = np.zeros_like(exact)
    result[rows, columns] = shifted
    return result


def _redrawn(mask: Mask, sigma: float, wave: float, rng: np.random.Generator) -> Mask:
    """The outline moved along its normal by a smooth random field of ``sigma`` pixels."""
    from scipy import ndimage

    if sigma <= 0:
        return mask
    # Distance to the outline, which runs half a pixel from the centres on both sides of it.
    inside, outside = (ndimage.distance_transform_edt(part) for part in (mask, ~mask))
    signed = np.where(mask, inside - 0.5, 0.5 - outside)
    field = ndimage.gaussian_filter(rng.normal(size=mask.shape), wave)
    field *= sigma / max(float(field.std()), 1e-9)
    return np.asarray(signed > field, np.bool_)


def _spill(mask: Mask, rng: np.random.Generator) -> Mask:
    """A disc over some point of the outline, a tenth of the object's area."""
    rows, columns = np.nonzero(mask)
    at = int(rng.integers(len(rows)))
    radius2 = 0.1 * len(rows) / np.pi
    v, u = np.ogrid[: mask.shape[0], : mask.shape[1]]
    return np.asarray((v - rows[at]) ** 2 + (u - columns[at]) ** 2 <= radius2, np.bool_)


def _touching_twin(view: ImageView, seen: Visible) -> Mask:
    """Everything of the same class that touches the object."""
    from scipy import ndimage

    ids = view.maps.ids
    near = ndimage.binary_dilation(ids == seen.object.instance_id, iterations=2)
    category = seen.object.category
    twins = [t.instance_id for t in view.truth.objects if t.category == category]
    touching = np.intersect1d(np.unique(ids[near]), twins)
    return np.asarray(np.isin(ids, touching), np.bool_)


def _worse(contrast: float, sharpness: float) -> float:
    return (3 if contrast < _LOW_CONTRAST else 1) * (2 if sharpness < _SOFT else 1)


def _window(mask: Mask) -> tuple[slice, slice]:
    """Rows and columns of the mask with a margin."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - _MARGIN), int(rows[-1]) + 1 + _MARGIN),
        slice(max(0, int(columns[0]) - _MARGIN), int(columns[-1]) + 1 + _MARGIN),
    )

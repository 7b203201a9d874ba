"""What a run keeps of a mask in space, so that it can be scored and learnt from when the experts
are gone: points that are in it, and points near it that are not.

Both are kept because a mask is asked for in other points than its own: of a scan's vertex the
nearest labelled point tells whether it is in.
"""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from surveyor.core.blobs import BlobRef, BlobStore
from surveyor.core.errors import UserError
from surveyor.core.geometry import Float

MASK_TYPE: Final = "application/x-surveyor-mask"
REACH: Final = 0.06
"""Metres beyond which a labelled point says nothing about another."""


def keep_mask(points: Float, around: Float, store: BlobStore) -> BlobRef:
    """Put a mask's points (n, 3) and those near it (m, 3) into ``store``; returns their name."""
    labelled = np.zeros((len(points) + len(around), 4), np.float32)
    labelled[: len(points), :3], labelled[: len(points), 3] = points, 1
    labelled[len(points) :, :3] = around
    out = io.BytesIO()
    np.save(out, labelled, allow_pickle=False)
    return store.put(out.getvalue(), MASK_TYPE, shape=labelled.shape, dtype="float32")


def read_mask(data: bytes) -> tuple[Float, Float]:
    """Points in a kept mask (n, 3) and near it (m, 3); `UserError` for other bytes."""
    try:
        labelled = np.asarray(np.load(io.BytesIO(data), allow_pickle=False), np.float64)
    except (ValueError, EOFError, OSError) as error:
        raise UserError(f"a kept mask is damaged ({error}); run again") from None
    if labelled.ndim != 2 or labelled.shape[1] != 4 or not np.isfinite(labelled).all():
        raise UserError("a kept mask is damaged: it is no list of labelled points; run again")
    inside = labelled[:, 3] > 0.5
    return labelled[inside, :3], labelled[~inside, :3]


def points_within(
    points: Float, mask: Float, around: Float, reach: float = REACH
) -> NDArray[np.bool_]:
    """(N,) which points (N, 3) the mask holds: those whose nearest labelled point, at most
    ``reach`` away, is in it."""
    if not len(mask) or not len(points):
        return np.zeros(len(points), np.bool_)
    low, high = mask.min(axis=0) - reach, mask.max(axis=0) + reach
    near = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1))
    distance, nearest = cKDTree(np.concatenate([mask, around])).query(points[near])
    held = np.zeros(len(points), np.bool_)
    held[near[(np.asarray(nearest) < len(mask)) & (np.asarray(distance) <= reach)]] = True
    return held

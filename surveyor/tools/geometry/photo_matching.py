"""What photos show in common: features, pairs that agree on one motion, tracks through many photos.

The same photos give the same tracks, whatever ran before in the process. Source: Lowe, IJCV 2004
(features and ratio test).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import Float, Intrinsics
from surveyor.core.photos import Photo

SIFTED: Final = 1200
"""Pixels of the longer side in which features are looked for."""
_FEATURES: Final = 5000
_LENGTH: Final = 512
"""Length of a descriptor. Whole numbers up to this are multiplied and summed exactly, so that the
same photos match alike whatever number of threads does it."""
_RATIO: Final = 0.8
_ALL_PAIRS: Final = 32
_NEIGHBOURS: Final = 6
_LARGEST: Final = 300
"""Of more than `_ALL_PAIRS` photos those that are no neighbours are matched by so many of their
largest features first, which are the ones that are found again from farther off."""
_ALIKE: Final = 10
"""Matches of these from which all features are matched. In two embedded rooms that holds for 94 and
98 % of such pairs that agree on one motion, for all of them with 40 points or more, and for a third
of the others."""
LEAST: Final = 18
"""Points that two photos must share."""
PIXELS: Final = 2.5
"""How far from where it should be a point may be seen."""


def opencv() -> Any:
    """OpenCV, whose types differ by version; `photo_joining` has looked that it is there."""
    return import_module("cv2")


def shrunk(width: int, height: int) -> float:
    """What a photo's sides are multiplied by before features are looked for."""
    return min(1.0, SIFTED / max(width, height))


def _features(photo: Photo) -> tuple[Float, NDArray[np.float32], NDArray[np.float32]]:
    """(n, 2) pixels of the shrunk photo, (n, 128) descriptors, and again those of the largest."""
    cv2 = opencv()
    grey = np.frombuffer(photo.data, np.uint8)
    image = cv2.imdecode(grey, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    scale = shrunk(image.shape[1], image.shape[0])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    finder = cv2.SIFT_create(nfeatures=_FEATURES, contrastThreshold=0.01)
    found, descriptors = finder.detectAndCompute(image, None)
    if descriptors is None:
        return np.empty((0, 2)), *2 * (np.empty((0, 128), np.float32),)
    descriptors = np.sqrt(descriptors / (descriptors.sum(axis=1, keepdims=True) + 1e-7))
    whole = np.round(_LENGTH * descriptors).astype(np.float32)
    largest = np.argsort([-point.size for point in found], kind="stable")[:_LARGEST]
    return np.array([point.pt for point in found]), whole, whole[largest]


def tracks_of(photos: Sequence[Photo], intrinsics: Sequence[Intrinsics]) -> list[dict[int, Float]]:
    """What each photo shows of points that several photos show, in pixels of the shrunk photos,
    whose lenses ``intrinsics`` are."""
    described = [_features(photo) for photo in photos]
    features = [(at, descriptors) for at, descriptors, _ in described]
    parent: dict[tuple[int, int], tuple[int, int]] = {}

    def root(item: tuple[int, int]) -> tuple[int, int]:
        while parent.setdefault(item, item) != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    near = len(photos) <= _ALL_PAIRS
    for a, b in combinations(range(len(photos)), 2):
        if near or b - a <= _NEIGHBOURS or _alike(described[a][2], described[b][2]):
            for first, second in _matches(features[a], features[b], intrinsics[a], intrinsics[b]):
                parent[root((a, int(first)))] = root((b, int(second)))
    groups: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for item in list(parent):
        groups.setdefault(root(item), []).append(item)
    seen: list[dict[int, Float]] = [{} for _ in photos]
    for track, members in enumerate(groups.values()):
        shown = [photo for photo, _ in members]
        if len(set(shown)) == len(shown) >= 2:  # twice in one photo: a mistaken match
            for photo, feature in members:
                seen[photo][track] = features[photo][0][feature]
    return seen


def _nearest(one: NDArray[np.float32], two: NDArray[np.float32]) -> NDArray[np.int64]:
    """(n, 2) descriptors that are much closer to each other than the first is to any other."""
    away = (one**2).sum(axis=1)[:, None] + (two**2).sum(axis=1) - 2 * (one @ two.T)
    rows = np.arange(len(one))
    nearest = away.argmin(axis=1)
    least = away[rows, nearest]
    away[rows, nearest] = np.inf
    clear = np.flatnonzero(least < _RATIO**2 * away.min(axis=1))
    clear = clear[np.argsort(least[clear], kind="stable")]
    _, first = np.unique(nearest[clear], return_index=True)  # the closest of those that claim it
    kept = clear[np.sort(first)]
    return np.stack([kept, nearest[kept]], axis=1).astype(np.int64)


def _alike(one: NDArray[np.float32], two: NDArray[np.float32]) -> bool:
    """Whether photos may show the same, by few of their descriptors. Source: Wu, Towards
    linear-time incremental structure from motion, 3DV 2013 (preemptive matching)."""
    return min(len(one), len(two)) > 1 and len(_nearest(one, two)) >= _ALIKE


def fundamental(one: Float, two: Float, pixels: float) -> tuple[Float, NDArray[np.bool_]] | None:
    """(3, 3) by which (n, 2) points fit (n, 2) others within ``pixels``, and (n,) which do.

    ``None`` where nothing fits; some such points end OpenCV 5 in a failed assertion of its own.
    """
    cv2 = opencv()
    cv2.setRNGSeed(0)
    try:
        F, inside = cv2.findFundamentalMat(one, two, cv2.USAC_MAGSAC, pixels, 0.999, 5000)
    except cv2.error:
        return None
    return (F, inside.ravel().astype(bool)) if F is not None and F.shape == (3, 3) else None


def _matches(
    one: tuple[Float, NDArray[np.float32]],
    two: tuple[Float, NDArray[np.float32]],
    K1: Intrinsics,
    K2: Intrinsics,
) -> NDArray[np.int64]:
    """(n, 2) features of two photos that match and agree on one motion."""
    none = np.empty((0, 2), np.int64)
    if min(len(one[0]), len(two[0])) < LEAST:
        return none
    chosen = _nearest(one[1], two[1])
    if len(chosen) < LEAST:
        return none
    first, second = one[0][chosen[:, 0]], two[0][chosen[:, 1]]
    focal = (K1.fx + K2.fx) / 2
    a = (first - [K1.cx, K1.cy]) / K1.fx
    b = (second - [K2.cx, K2.cy]) / K2.fx
    found = fundamental(a * focal, b * focal, PIXELS)
    if found is None or found[1].sum() < LEAST:
        return none
    kept: NDArray[np.int64] = chosen[found[1]]
    return kept

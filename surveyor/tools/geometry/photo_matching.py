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


def _features(photo: Photo) -> tuple[Float, NDArray[np.float32]]:
    """(n, 2) pixels of the shrunk photo and (n, 128) descriptors."""
    cv2 = opencv()
    grey = np.frombuffer(photo.data, np.uint8)
    image = cv2.imdecode(grey, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    scale = shrunk(image.shape[1], image.shape[0])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    finder = cv2.SIFT_create(nfeatures=_FEATURES, contrastThreshold=0.01)
    found, descriptors = finder.detectAndCompute(image, None)
    if descriptors is None:
        return np.empty((0, 2)), np.empty((0, 128), np.float32)
    descriptors = np.sqrt(descriptors / (descriptors.sum(axis=1, keepdims=True) + 1e-7))
    whole = np.round(_LENGTH * descriptors).astype(np.float32)
    return np.array([point.pt for point in found]), whole


def tracks_of(photos: Sequence[Photo], intrinsics: Sequence[Intrinsics]) -> list[dict[int, Float]]:
    """What each photo shows of points that several photos show, in pixels of the shrunk photos,
    whose lenses ``intrinsics`` are."""
    features = [_features(photo) for photo in photos]
    parent: dict[tuple[int, int], tuple[int, int]] = {}

    def root(item: tuple[int, int]) -> tuple[int, int]:
        while parent.setdefault(item, item) != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    near = len(photos) <= _ALL_PAIRS
    for a, b in combinations(range(len(photos)), 2):
        if near or b - a <= _NEIGHBOURS:
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


def _matches(
    one: tuple[Float, NDArray[np.float32]],
    two: tuple[Float, NDArray[np.float32]],
    K1: Intrinsics,
    K2: Intrinsics,
) -> NDArray[np.int64]:
    """(n, 2) features of two photos that match and agree on one motion."""
    cv2 = opencv()
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
    cv2.setRNGSeed(0)
    _, inside = cv2.findFundamentalMat(a * focal, b * focal, cv2.USAC_MAGSAC, PIXELS, 0.999, 5000)
    if inside is None or inside.sum() < LEAST:
        return none
    kept: NDArray[np.int64] = chosen[inside.ravel().astype(bool)]
    return kept

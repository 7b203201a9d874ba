"""One focal length for photos whose camera did not write it, from pairs of them alone.

What two photos show in common fixes their fundamental matrix without any focal length; only with
the right one do the two singular values of the essential matrix come out equal. Pairs vote, each by
how unequal they are under every focal length tried. Pairs taken from one spot, or of one wall,
tell nothing of it and do not vote.

Source: Mendonça and Cipolla, CVPR 1999 (self-calibration by the singular values).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np

from surveyor.core.geometry import Float, Intrinsics
from surveyor.core.photos import Photo
from surveyor.tools.geometry.photo_matching import LEAST, fundamental, opencv

GUESSED_FOCAL: Final = 0.9
"""Of the longer side: a phone's main camera is about 0.75, a zoomed compact above 1."""
_TRIED: Final = np.geomspace(0.5, 2.0, 57)
"""Factors of the focal length that was guessed, 2.5 % apart."""
_PAIRS: Final = 24
_FLAT: Final = 0.8
"""Share of a pair's points that one homography explains where the pair tells no focal length."""
_CLOSE: Final = 1.0
"""Pixels within which points hold a fundamental matrix; looser ones blur the vote."""


def lens_of(photo: Photo) -> Intrinsics:
    """A photo's lens, with the focal length that its camera wrote or one that is guessed."""
    focal = photo.focal or GUESSED_FOCAL * max(photo.width, photo.height)
    return Intrinsics(
        fx=focal,
        fy=focal,
        cx=(photo.width - 1) / 2,
        cy=(photo.height - 1) / 2,
        width=photo.width,
        height=photo.height,
    )


def resized(lens: Intrinsics, factor: float) -> Intrinsics:
    """The same lens for a picture of another size; pixel centres are whole numbers."""
    return Intrinsics(
        fx=lens.fx * factor,
        fy=lens.fy * factor,
        cx=(lens.cx + 0.5) * factor - 0.5,
        cy=(lens.cy + 0.5) * factor - 0.5,
        width=round(lens.width * factor),
        height=round(lens.height * factor),
    )


def focal_factor(
    intrinsics: Sequence[Intrinsics], seen: Sequence[dict[int, Float]]
) -> float | None:
    """What the guessed focal lengths are to be multiplied by; ``None`` where no pair tells."""
    shared = [
        (len(tracks), a, b, sorted(tracks))
        for a, b in combinations(range(len(seen)), 2)
        if len(tracks := seen[a].keys() & seen[b].keys()) >= 2 * LEAST
    ]
    shared.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    votes = [
        np.sqrt(count) * unequal
        for count, a, b, tracks in shared[:_PAIRS]
        if (unequal := _unequal(intrinsics, seen, (a, b), tracks)) is not None
    ]
    return float(_TRIED[np.sum(votes, axis=0).argmin()]) if votes else None


def _unequal(
    intrinsics: Sequence[Intrinsics],
    seen: Sequence[dict[int, Float]],
    pair: tuple[int, int],
    tracks: Sequence[int],
) -> Float | None:
    """(n,) how unequal the two singular values are, 0 to 1, by factor; ``None`` for a flat pair."""
    cv2 = opencv()
    focal = float(np.mean([intrinsics[k].fx for k in pair]))
    one, other = (
        (np.array([seen[k][t] for t in tracks]) - [intrinsics[k].cx, intrinsics[k].cy])
        * (focal / intrinsics[k].fx)
        for k in pair
    )
    cv2.setRNGSeed(0)
    flat, inside = cv2.findHomography(one, other, cv2.RANSAC, 2 * _CLOSE)
    if flat is not None and inside.mean() > _FLAT:
        return None
    found = fundamental(one, other, _CLOSE)
    if found is None:
        return None
    sides = [np.diag([focal * factor, focal * factor, 1.0]) for factor in _TRIED]
    values = np.linalg.svd(np.array([D @ found[0] @ D for D in sides]), compute_uv=False)
    apart: Float = 1 - values[:, 1] / values[:, 0]
    return apart

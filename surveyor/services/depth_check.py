"""Is a depth expert right, in metres, on a real place? Judged on a pair with measured truth.

The pair is the rectified indoor one that scikit-image ships (Middlebury 2014 "Motorcycle",
2.1-5.0 m): files ``motorcycle_left.png``, ``motorcycle_right.png`` and ``motorcycle_disp.npz``.
An expert is judged twice, as it answers and after the one factor that suits it best, because many
networks know shapes and not metres; and beside answers that anyone could give without looking.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surveyor.core.errors import UserError
from surveyor.core.geometry import Depth

FOCAL, BASELINE, OFFSET = 994.978, 0.193001, 31.086
FILES = ("motorcycle_left.png", "motorcycle_right.png", "motorcycle_disp.npz")
GUESS = 2.5  # what somebody would say of a room without looking, metres
DELTA = 1.25


@dataclass(frozen=True, slots=True, eq=False)
class TruePair:
    """Both pictures as files, and true z-depth (H, W) of the left one, metres, 0 where unknown."""

    left: bytes
    right: bytes
    depth: Depth
    focal: float = FOCAL
    baseline: float = BASELINE
    offset: float = OFFSET


@dataclass(frozen=True, slots=True)
class DepthScore:
    """How far a depth map is from the truth, over the pixels that both measured.

    ``covered`` is the share of true pixels that were answered, ``abs_rel`` the mean of
    ``|z - z*| / z*``, ``median`` its median, ``delta1`` the share within a factor of 1.25, and
    ``scale`` the median of ``z / z*`` (1 is right). ``aligned_...`` are the same after division by
    it. With nothing answered all of them are NaN.
    """

    covered: float
    abs_rel: float
    median: float
    delta1: float
    scale: float
    aligned_abs_rel: float
    aligned_delta1: float


def read_pair(folder: Path) -> TruePair:
    """The pair in a folder. Raises `UserError` that says where such a folder comes from."""
    paths = [folder / name for name in FILES]
    for path in paths:
        if not path.is_file():
            raise UserError(
                f"{folder} has no {path.name}; give scikit-image's data folder, for example from "
                "`apt-get download python3-skimage` and `dpkg-deb -x`, or one that "
                "skimage.data.stereo_motorcycle() filled"
            )
    try:
        with np.load(paths[2], allow_pickle=False) as packed:
            disparity = np.asarray(packed[packed.files[0]], np.float64)
    except (OSError, ValueError, IndexError) as error:
        raise UserError(f"{paths[2]} is no disparity map ({error}); fetch it again") from None
    if disparity.ndim != 2:
        raise UserError(f"{paths[2]} is no disparity map; fetch it again")
    known = np.isfinite(disparity) & (disparity > -OFFSET)
    depth = np.zeros(disparity.shape, np.float32)
    depth[known] = FOCAL * BASELINE / (disparity[known] + OFFSET)
    return TruePair(paths[0].read_bytes(), paths[1].read_bytes(), depth)


def judge_depth(found: Depth, truth: Depth) -> DepthScore:
    """Compare two z-depth maps (H, W) of one picture; 0 and NaN mean not measured.

    Raises `UserError` when they have different sizes.
    """
    if found.shape != truth.shape:
        raise UserError(
            f"the depth is {found.shape[1]}x{found.shape[0]} and the picture "
            f"{truth.shape[1]}x{truth.shape[0]}; an expert must answer for the image sent"
        )
    known = truth > 0
    both = known & np.isfinite(found) & (found > 0)
    if not both.any():
        return DepthScore(0.0, *[float("nan")] * 6)
    ratio = found[both].astype(np.float64) / truth[both]
    scale = float(np.median(ratio))
    off, aligned = np.abs(ratio - 1), ratio / scale
    return DepthScore(
        covered=float(both.sum() / known.sum()),
        abs_rel=float(off.mean()),
        median=float(np.median(off)),
        delta1=_within(ratio),
        scale=scale,
        aligned_abs_rel=float(np.abs(aligned - 1).mean()),
        aligned_delta1=_within(aligned),
    )


def trivial(truth: Depth) -> Iterator[tuple[str, Depth]]:
    """Answers that need no eyes. The last two even know the truth, and still are trivial."""
    known = truth > 0
    yield f"{GUESS:g} m everywhere", np.full(truth.shape, GUESS, np.float32)
    grid = np.indices(truth.shape)
    rows, columns = grid[0], grid[1]
    ramp = np.linspace(2 * GUESS, GUESS / 2, truth.shape[0], dtype=np.float32)
    yield "far above, near below", np.repeat(ramp[:, None], truth.shape[1], axis=1)
    median = np.float32(np.median(truth[known]))
    yield "the true median everywhere", np.full(truth.shape, median, np.float32)
    places = np.stack([rows[known], columns[known], np.ones(int(known.sum()))], axis=1)
    nearness = 1 / truth[known].astype(np.float64)
    a, b, c = (float(v) for v in np.linalg.lstsq(places, nearness, rcond=None)[0])
    slope = a * rows + b * columns + c
    yield "the plane that fits best", (1 / np.maximum(slope, 1e-3)).astype(np.float32)


def _within(ratio: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return float((np.maximum(ratio, 1 / ratio) < DELTA).mean())

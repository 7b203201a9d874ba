"""What a frame's pixels say about its quality: brightness, contrast, noise, sharpness, clutter.

Everything comes from integer histograms of one row in two, so a 640 x 480 frame costs about two
milliseconds. The measures describe a picture; they do not say what a detector makes of it
(restoring pleases them far more than it helps recognition).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict

from surveyor.core.images import luma

DARK = 0.30
"""Median luma below which a frame counts as dark."""
NOISY = 0.014
"""Noise (standard deviation, share of full scale) above which a frame counts as noisy."""
SOFT = 0.36
"""Sharpness below which a frame counts as soft."""

_ROW_STEP = 2
_EDGE_SHARE = 0.01
_THUMBNAIL = (32, 24)


class FramePixels(BaseModel):
    """Measures of one frame.

    ``luma``: median, 0..1. ``contrast``: half the span from the 5th to the 95th percentile of
    luma. ``noise``: robust standard deviation of the pixel noise, share of full scale (Immerkaer's
    idea in one dimension). ``sharpness``: second over first derivative at the strongest edges,
    about 1 for a step, 1/width for a ramp. ``clutter``: share of pixels on an edge that stands out
    of the noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int
    height: int
    luma: float
    contrast: float
    noise: float
    sharpness: float
    clutter: float

    @property
    def dim(self) -> bool:
        """Whether the frame measures dark or noisy: what a restorer can mend best."""
        return self.luma < DARK or self.noise > NOISY

    @property
    def poor(self) -> bool:
        """Whether the frame measures dark, noisy or soft."""
        return self.dim or self.sharpness < SOFT

    @property
    def worth(self) -> float:
        """0..1, to choose among frames: sharpness, less where the frame is dark or noisy."""
        bright = min(1.0, self.luma / DARK)
        clean = min(1.0, NOISY / max(self.noise, 1e-6))
        return self.sharpness * bright * clean


class FrameMeter:
    """Measures frames by hash, each once."""

    def __init__(self) -> None:
        self._pixels: dict[str, FramePixels] = {}
        self._looks: dict[str, NDArray[np.float32]] = {}

    def pixels(self, sha256: str, load: Callable[[str], bytes]) -> FramePixels:
        """Measures of one frame; ``load`` gives the bytes of a hash."""
        if sha256 not in self._pixels:
            self._meet(sha256, load)
        return self._pixels[sha256]

    def look(self, sha256: str, load: Callable[[str], bytes]) -> NDArray[np.float32]:
        """A small picture (24, 32) of the frame, zero mean and unit norm: how it looks."""
        if sha256 not in self._looks:
            self._meet(sha256, load)
        return self._looks[sha256]

    def _meet(self, sha256: str, load: Callable[[str], bytes]) -> None:
        grey = decode_luma(load(sha256))
        small = _thumbnail(grey)
        small = small - small.mean()
        self._pixels[sha256] = measure(grey)
        self._looks[sha256] = small / max(float(np.linalg.norm(small)), 1e-6)


def decode_luma(data: bytes) -> NDArray[np.uint8]:
    """Grey image, shape (height, width), of an encoded picture.

    Raises `UserError` when the bytes are no picture.
    """
    return luma(data, "a frame")


def measure(grey: NDArray[np.uint8]) -> FramePixels:
    """Measure one grey image of shape (height, width)."""
    height, width = grey.shape
    rows = grey[::_ROW_STEP].astype(np.int16)
    low, middle, high = _quantiles(rows.ravel(), (0.05, 0.5, 0.95))
    if width < 3:
        return FramePixels(
            width=width, height=height, luma=middle / 255, contrast=(high - low) / 510,
            noise=0.0, sharpness=0.0, clutter=0.0,
        )  # fmt: skip
    slope = np.abs(rows[:, 2:] - rows[:, :-2])
    bend = np.abs(rows[:, 2:] - 2 * rows[:, 1:-1] + rows[:, :-2])
    noise = _noise(bend.ravel())
    return FramePixels(
        width=width,
        height=height,
        luma=middle / 255,
        contrast=(high - low) / 510,
        noise=noise,
        sharpness=_sharpness(slope, bend, noise),
        clutter=float(np.mean(slope > 255 * max(0.06, 5 * noise))),
    )


def overlap(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """How much of one view continues in another, 0..1, judged by small pictures alone.

    The best normalised correlation over sideways shifts, times the share of the width that the
    shift leaves. It is a hint about the capture, not an overlap of geometry.
    """
    a, b = _thumbnail(first), _thumbnail(second)
    width = a.shape[1]
    best = 0.0
    for shift in range(-width // 2, width // 2 + 1, 2):
        left = a[:, max(0, shift) : width + min(0, shift)]
        right = b[:, max(0, -shift) : width + min(0, -shift)]
        best = max(best, _correlation(left, right) * (1 - abs(shift) / width))
    return best


def _quantiles(values: NDArray[np.int16], shares: tuple[float, ...]) -> tuple[float, ...]:
    total = np.cumsum(np.bincount(values))
    return tuple(float(np.searchsorted(total, share * total[-1])) for share in shares)


def _noise(bend: NDArray[np.int16]) -> float:
    """Standard deviation from the median absolute second difference.

    The median of an integer histogram is interpolated, or else weak noise would read as 0 or 1.
    """
    counts = np.bincount(bend, minlength=2).astype(float)
    total = np.cumsum(counts)
    half = total[-1] / 2
    index = int(np.searchsorted(total, half))
    before = total[index - 1] if index else 0.0
    median = index - 0.5 + (half - before) / counts[index]
    return max(0.0, float(median)) / 0.6745 / math.sqrt(6.0) / 255


def _sharpness(slope: NDArray[np.int16], bend: NDArray[np.int16], noise: float) -> float:
    counts = np.cumsum(np.bincount(slope.ravel()))
    floor = max(8.0, 255 * 6 * noise)
    threshold = max(floor, float(np.searchsorted(counts, (1 - _EDGE_SHARE) * counts[-1])))
    row, column = np.nonzero(slope[:, 1:-1] >= threshold)
    if row.size < 16:
        return 0.0
    column += 1
    peak = np.maximum(np.maximum(bend[row, column - 1], bend[row, column]), bend[row, column + 1])
    return min(1.0, float(np.median(peak / slope[row, column])))


def _thumbnail(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    small = Image.fromarray(grey).resize(_THUMBNAIL, Image.Resampling.BOX)
    return np.asarray(small, np.float32)


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return max(0.0, float((a * b).sum()) / scale) if scale > 1e-6 else 0.0

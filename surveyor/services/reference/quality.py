"""Meters of what an image really shows: contrast, noise, sharpness.

They read the pixels that were sent, so a dark, noisy or soft image is worse for the reference
experts as it would be for real ones. They are fooled by restoration (a denoised, sharpened image
pleases them more than it helps a recogniser): `RestoreErrors.credit` corrects for that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.services.images import Pixels

Luma = NDArray[np.float32]

_MIN_SIDE = 8
_NOISE_FLOOR = 0.5 / 255  # quantisation: no image is cleaner than this


@dataclass(frozen=True, slots=True)
class ImageQuality:
    """``contrast``: standard deviation of luma (0..1), at most .25; ``cnr``: contrast to noise,
    .5 to 32; ``sharpness``: 0 (soft) to .8."""

    contrast: float
    cnr: float
    sharpness: float

    @property
    def overall(self) -> float:
        """0 (useless) to 1 (good): geometric mean of the three, each against a fair image."""
        parts = (self.contrast / 0.15, np.log2(2 * self.cnr) / 5, self.sharpness / 0.6)
        return float(np.prod([min(1.0, max(0.02, part)) for part in parts]) ** (1 / 3))


def luma(pixels: Pixels) -> Luma:
    """(H, W) brightness 0..1 of RGB pixels (Rec. 601 weights)."""
    weights = np.array([0.299, 0.587, 0.114], np.float32) / np.float32(255)
    return np.asarray(pixels @ weights, np.float32)


def measure(bright: Luma) -> ImageQuality:
    """Quality of an image or a part of one; parts below 8 pixels a side count as grey."""
    if min(bright.shape) < _MIN_SIDE:
        return ImageQuality(0.02, 0.5, 0.3)
    contrast = float(bright.std())
    noise = max(noise_sigma(bright), _NOISE_FLOOR)
    return ImageQuality(
        contrast=float(np.clip(contrast, 1e-3, 0.25)),
        cnr=float(np.clip(contrast / noise, 0.5, 32)),
        sharpness=float(np.clip(sharpness(bright), 0, 0.8)),
    )


def noise_sigma(bright: Luma) -> float:
    """Standard deviation of white noise (Immerkaer 1996: a mask blind to planes), taking the
    median where the paper takes the mean, so that texture and edges count for less."""
    if min(bright.shape) < 3:
        return 0.0
    rows = bright[:-2] - 2 * bright[1:-1] + bright[2:]
    mixed = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    return float(np.median(np.abs(mixed)) / 0.6745 / 6)


def sharpness(bright: Luma) -> float:
    """How much of the variation between neighbours a slight blur takes away (after Crete et al.
    2007): near 0 for an image that is soft already."""
    least = 1.0
    for image in (bright, bright.T):
        # Neighbours before the blur, and after a running mean of five, whose difference is this:
        before = np.abs(image[3:-2] - image[2:-3])
        after = np.abs(image[5:] - image[:-5]) / np.float32(5)
        lost = float(np.maximum(before - after, 0).sum())
        least = min(least, lost / max(float(before.sum()), 1e-9))
    return least

"""Seeded periodic noise and colour, from which textures are made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


def linear(colour: str) -> Float:
    """``#rrggbb`` as linear light (3,)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    decoded: Float = np.array(channels) ** 2.2
    return decoded


def noise(
    rng: np.random.Generator, size: int, decay: float, along: float = 1.0, across: float = 1.0
) -> Float:
    """Periodic noise (size, size) in -1..1; larger ``decay`` is smoother, factors stretch it.

    It is shaped in the frequency domain, so it repeats without a seam.
    """
    fy, fx = np.fft.fftfreq(size)[:, None] * across, np.fft.fftfreq(size)[None] * along
    frequency = np.hypot(fy, fx) * size
    frequency[0, 0] = 1
    shaped = np.fft.ifft2(np.fft.fft2(rng.standard_normal((size, size))) * frequency**-decay).real
    shaped -= shaped.mean()
    scaled: Float = shaped / (np.abs(shaped).max() + 1e-9)
    return scaled


def tinted(colour: str, factor: Float) -> Float:
    """A colour times a brightness field (H, W), as (H, W, 3)."""
    tinted: Float = linear(colour) * factor[..., None]
    return tinted

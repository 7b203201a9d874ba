"""From light to a photograph: exposure, tone, lens shading, sensor noise, 8 bits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Float32 = NDArray[np.float32]
AIM = 0.3
CONTRAST_EDGE = 0.06


@dataclass(frozen=True, slots=True)
class CaptureStyle:
    """How a picture is taken.

    ``antialias`` averages more rays at edges; ``noise`` scales the sensor's noise; ``adapt`` is how
    far the exposure follows each frame (0: fixed for the room, 1: every frame equally bright).
    ``motion`` is how far the picture moves over the sensor while the shutter is open, in pixels.
    """

    antialias: bool = True
    noise: float = 1.0
    adapt: float = 0.5
    motion: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class ToneMapping:
    """A chosen exposure and what follows from light to sRGB."""

    gain: float
    noise: float
    motion: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def exposed(cls, light: Float32, exposure: float, look: CaptureStyle) -> ToneMapping:
        """The mapping for a picture with this light (H, W, 3), from the room's base exposure."""
        brightness = float(np.minimum(light.mean(axis=-1) * exposure, 1.5).mean())
        correction = (AIM / max(brightness, 0.02)) ** look.adapt
        gain = exposure * float(np.clip(correction, 0.6, 2.2))
        return cls(gain, look.noise, look.motion)

    def tone(self, light: Float32) -> Float32:
        """Display values 0..1 (sRGB gamma) of radiances, by a filmic curve (Narkowicz, 2015)."""
        x = np.maximum(light * np.float32(self.gain), 0)
        curve = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)
        shown: Float32 = np.clip(curve, 0, 1).astype(np.float32) ** np.float32(1 / 2.2)
        return shown

    def develop(self, shown: Float32, seed: int) -> NDArray[np.uint8]:
        """Motion blur, lens shading, noise that grows with brightness, rounding to 8 bits."""
        if max(np.abs(self.motion)) >= 0.5:
            shown = ndimage.convolve(shown, streak(*self.motion)[..., None], mode="nearest")
        picture = shown * _vignette(*shown.shape[:2])[..., None]
        if self.noise:
            rng = np.random.default_rng(seed)
            grain = rng.standard_normal(picture.shape, np.float32)
            picture += grain * np.float32(self.noise) * (0.004 + 0.006 * np.sqrt(picture))
        rounded: NDArray[np.uint8] = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
        return rounded


def streak(dx: float, dy: float) -> NDArray[np.float64]:
    """Weights (odd, odd) of a straight path of dx, dy pixels, centred; they sum to one."""
    size = int(np.ceil(max(abs(dx), abs(dy)))) // 2 * 2 + 3
    kernel = np.zeros((size, size))
    for t in np.linspace(-0.5, 0.5, 4 * size):
        kernel[round(size // 2 + t * dy), round(size // 2 + t * dx)] += 1
    weights: NDArray[np.float64] = kernel / kernel.sum()
    return weights


@lru_cache(maxsize=8)
def _vignette(height: int, width: int) -> Float32:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    shade: Float32 = (1 - 0.07 * (x * x + y * y)).astype(np.float32)
    return shade


def edges(shown: Float32, material: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(H, W) pixels that differ from a neighbour in material or clearly in brightness."""
    brightness = shown.mean(axis=-1)
    rough = np.zeros(brightness.shape, bool)
    for axis in (0, 1):
        step = np.abs(np.diff(brightness, axis=axis)) > CONTRAST_EDGE
        step |= np.diff(material, axis=axis) != 0
        if axis == 0:
            rough[1:] |= step
            rough[:-1] |= step
        else:
            rough[:, 1:] |= step
            rough[:, :-1] |= step
    return rough

"""Classical restoration of real pixels: exposure, denoising, deblurring, enlarging.

Each step runs only where a meter says that it is needed, because blind sharpening of a good image
adds what was not there. Nothing here knows the scene.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surveyor.services.images import Pixels
from surveyor.services.reference.quality import luma, measure, noise_sigma

Planes = NDArray[np.float32]

_DARK, _TARGET = 0.30, 0.42  # mean luma that counts as dark, and what it is lifted to
_NOISY = 0.012  # standard deviation of noise (luma 0..1) that is worth removing
_SOFT = 0.35  # sharpness below which detail is sought
_PSF_SIGMA, _ROUNDS = 1.5, 8


def restored(pixels: Pixels, scale: int) -> tuple[Pixels, tuple[str, ...]]:
    """A better looking (H, W, 3) image, enlarged ``scale`` times, and the steps taken."""
    image: Planes = pixels.astype(np.float32) / np.float32(255)
    steps: list[str] = []
    bright = luma(pixels)
    if float(bright.mean()) < _DARK:
        image = exposed(image, float(np.percentile(bright, 90)))
        steps.append("exposure")
    sigma = noise_sigma(_luma_of(image))
    if sigma > _NOISY:
        image = denoised(image, sigma)
        steps.append("denoise")
    if measure(_luma_of(image)).sharpness < _SOFT:
        image = deblurred(image)
        steps.append("deblur")
    result = np.clip(np.rint(image * 255), 0, 255).astype(np.uint8)
    if scale > 1:
        result = enlarged(result, scale)
        steps.append(f"enlarge x{scale}")
    return result, tuple(steps)


def exposed(image: Planes, high: float) -> Planes:
    """Linear gain that brings the 90th percentile to a fair level, then a gamma to lift shadows."""
    gain = min(12.0, 0.75 / max(high, 1e-3))
    lifted = np.clip(image * gain, 0, 1)
    mean = max(float(_luma_of(lifted).mean()), 1e-3)
    gamma = float(np.clip(np.log(_TARGET) / np.log(mean), 0.5, 1.0))
    return np.asarray(lifted**gamma, np.float32)


def denoised(image: Planes, sigma: float) -> Planes:
    """Self-guided filter (He et al. 2010): smooth where variation is noise, keep edges."""
    from scipy import ndimage

    result = np.empty_like(image)
    threshold = (2.5 * sigma) ** 2
    for channel in range(3):
        plane = image[..., channel]
        mean = ndimage.uniform_filter(plane, 7)
        variance = ndimage.uniform_filter(plane * plane, 7) - mean * mean
        gain = np.maximum(variance, 0) / (np.maximum(variance, 0) + threshold)
        offset = mean * (1 - gain)
        smooth_gain, smooth_offset = (ndimage.uniform_filter(part, 7) for part in (gain, offset))
        result[..., channel] = smooth_gain * plane + smooth_offset
    return result


def deblurred(image: Planes) -> Planes:
    """Richardson-Lucy deconvolution (1972) of a Gaussian blur, few rounds: more would ring."""
    from scipy import ndimage

    estimate = np.maximum(image, 1e-3)
    observed = np.maximum(image, 1e-3)
    sigmas = (_PSF_SIGMA, _PSF_SIGMA, 0)
    for _ in range(_ROUNDS):
        blurred = ndimage.gaussian_filter(estimate, sigmas, truncate=3)
        ratio = observed / np.maximum(blurred, 1e-3)
        estimate = estimate * ndimage.gaussian_filter(ratio, sigmas, truncate=3)
    return np.asarray(np.clip(estimate, 0, 1), np.float32)


def enlarged(pixels: Pixels, scale: int) -> Pixels:
    """Lanczos enlargement."""
    from PIL import Image

    height, width = pixels.shape[:2]
    bigger = Image.fromarray(pixels).resize(
        (width * scale, height * scale), Image.Resampling.LANCZOS
    )
    return np.asarray(bigger)


def _luma_of(image: Planes) -> NDArray[np.float32]:
    return image @ np.array([0.299, 0.587, 0.114], np.float32)

"""Resizing and normalising on the CPU, with pixel centres kept where they belong."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from surveyor.services.images import LoadedImage, Pixels

Planes = NDArray[np.float32]

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)
_EXIF_IFD, _FOCAL_35MM = 0x8769, 0xA405
_DIAGONAL_35MM = 43.2666  # millimetres, of a 36 x 24 frame


def fitted(width: int, height: int, longest: int, multiple: int) -> tuple[int, int]:
    """(width, height) with the longest side at ``longest``, both rounded to ``multiple``."""
    ratio = longest / max(width, height)
    rounded = (max(round(side * ratio / multiple), 1) * multiple for side in (width, height))
    return next(rounded), next(rounded)


def resized(pixels: Pixels, width: int, height: int) -> Pixels:
    """RGB pixels resampled (bicubic, averaging when it shrinks)."""
    from PIL import Image

    if pixels.shape[:2] == (height, width):
        return pixels
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def padded_square(pixels: Pixels, share: float, value: int) -> Pixels:
    """The pixels in the middle of a square of one grey, their longer side ``share`` of its own."""
    height, width = pixels.shape[:2]
    side = max(round(max(height, width) / share), 1)
    square = np.full((side, side, 3), value, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = pixels
    return square


def normalised(pixels: Pixels) -> Planes:
    """(3, H, W) float32 with the mean and spread of ImageNet."""
    scaled = (pixels.astype(np.float32) / 255 - _MEAN) / _SPREAD
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))


def imagenet(planes: Planes) -> Planes:
    """(N, 3, H, W) in 0..1 with the mean and spread of ImageNet."""
    return (planes - _MEAN[:, None, None]) / _SPREAD[:, None, None]


def resampled(values: Planes, width: int, height: int) -> Planes:
    """A (h, w) map at another size, linear between pixel centres."""
    from PIL import Image

    if values.shape == (height, width):
        return values
    image = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), np.float32)


def resampled_measured(values: Planes, width: int, height: int) -> Planes:
    """As `resampled`, for a map where 0 means unmeasured: nothing is mixed with such a pixel."""
    measured = resampled((values > 0).astype(np.float32), width, height)
    full = resampled(values, width, height)
    return np.where(measured >= 1, full, np.float32(0))


def clean_depth(depth: Planes) -> Planes:
    """Depth with everything that is no distance set to 0."""
    return np.where(np.isfinite(depth) & (depth > 0), depth, np.float32(0)).astype(np.float32)


def exif_focal(image: LoadedImage) -> float | None:
    """Focal length in pixels from the 35 mm equivalent that a camera wrote, if it did.

    The equivalence is by the diagonal (CIPA DCG-001), so it also holds for 4:3 pictures.
    """
    try:
        value = image.exif().get_ifd(_EXIF_IFD).get(_FOCAL_35MM)
        millimetres = float(value) if value is not None else 0.0
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        return None
    if not 1 <= millimetres <= 10_000:
        return None
    return float(millimetres * np.hypot(image.width, image.height) / _DIAGONAL_35MM)

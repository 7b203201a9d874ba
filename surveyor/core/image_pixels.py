"""From whatever a decoder gives to upright 8-bit RGB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage


def flat(image: PillowImage) -> PillowImage:
    """An image as RGB: deep greys stretched by their range, transparency on white."""
    from PIL import Image

    image.load()
    if image.mode[0] in "IF":
        image = _stretched(image)
    if image.has_transparency_data:
        over = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over).convert("RGB")
    return image.convert("RGB")


def turned(image: PillowImage, orientation: int) -> PillowImage:
    """The image as its EXIF orientation (1 to 8) wants it shown; other values change nothing."""
    from PIL.Image import Transpose

    how = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(orientation)
    return image if how is None else image.transpose(how)


def _stretched(image: PillowImage) -> PillowImage:
    """Greys of 16 or 32 bits, whole or floating, as 8-bit: the darkest 0, the brightest 255.

    What is no number counts as darkest; an image of one value is black.
    """
    from PIL import Image

    wide = np.float32 if image.mode.startswith("I;16") else np.float64
    with np.errstate(invalid="ignore"):  # some bit patterns that are no number warn when widened
        values = np.asarray(image).astype(wide)
    known = np.isfinite(values)
    if not known.any():
        return Image.new("L", image.size)
    low, high = float(values[known].min()), float(values[known].max())
    share = (np.where(known, values, low) - low) / max(high - low, 1e-30)
    return Image.fromarray(np.rint(255 * share).astype(np.uint8))

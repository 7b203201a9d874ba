"""How wrong the reference experts are: named presets of every error model's parameters."""

from __future__ import annotations

from dataclasses import dataclass

from memory.errors import UserError


@dataclass(frozen=True, slots=True)
class DetectErrors:
    """``miss``: share of objects missed in a view, independent of what it shows; ``jitter``:
    standard deviation of each box edge as a share of the box's side; ``min_pixels``: visible
    pixels in a 640 x 480 image below which nothing can be found (scaled with the image)."""

    miss: float = 0.0
    jitter: float = 0.0
    min_pixels: int = 64


@dataclass(frozen=True, slots=True)
class Preset:
    """Parameters of all reference experts under one name."""

    name: str
    detect: DetectErrors = DetectErrors()


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("perfect"),
        Preset("imperfect-detector", detect=DetectErrors(miss=0.2, jitter=0.03)),
    )
}


def preset(name: str) -> Preset:
    """A preset by name; `UserError` lists the names for any other."""
    try:
        return PRESETS[name]
    except KeyError:
        known = ", ".join(PRESETS)
        raise UserError(f"there is no preset {name!r}; choose one of: {known}") from None

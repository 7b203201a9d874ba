"""Capture conditions: what makes a scene hard to see, drawn from a seed and kept on record.

A condition changes the room (cluttered, wide), the walk (few views) or the pictures (dark, blurred,
low resolution). Changes of pictures are `Step` records that are applied to the clean frame, so the
clean twin always exists and the same record always gives the same picture. Which conditions a
scene has is part of its truth: whoever looks at the frames must see it in the pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field
from scipy import ndimage

from surveyor.core.errors import UserError
from surveyor.scenes.capture.tone_mapping import streak
from surveyor.scenes.capture.trajectory import Style
from surveyor.scenes.rooms.room import RoomSpec

Rgb = NDArray[np.uint8]
Condition = Literal[
    "clean", "dark", "blurred", "low_resolution", "cluttered", "few_views", "wide", "mixed"
]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
FULL_WELL = 1200.0


class _Step(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Dark(_Step):
    """Too little light: ``exposure`` times as much, shot noise, ``read_noise`` electrons."""

    kind: Literal["dark"] = "dark"
    exposure: float = Field(gt=0, le=1)
    read_noise: float = Field(ge=0)


class Blur(_Step):
    """Camera shake of ``length`` pixels along ``angle`` radians, then defocus of ``sigma`` pixels.

    Pixels of a picture 640 wide; other sizes scale with it.
    """

    kind: Literal["blur"] = "blur"
    length: float = Field(ge=0)
    angle: float
    sigma: float = Field(ge=0)


class LowResolution(_Step):
    """As if filmed with ``factor`` times fewer pixels a side and enlarged again."""

    kind: Literal["low_resolution"] = "low_resolution"
    factor: float = Field(ge=1)


Step = Annotated[Dark | Blur | LowResolution, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class CapturePlan:
    """How one scene is to be built, filmed and degraded.

    ``steps`` holds the picture changes of every frame; empty tuples leave frames clean.
    """

    spec: RoomSpec
    condition: Condition
    tags: tuple[str, ...]
    n_frames: int
    style: Style | None
    steps: tuple[tuple[Step, ...], ...]


def plan_capture(spec: RoomSpec, condition: Condition, n_frames: int = 32) -> CapturePlan:
    """Draw a capture of this condition for a room. Raises `UserError` for an unknown condition."""
    if condition not in CONDITIONS:
        raise UserError(
            f"there is no condition '{condition}'; choose one of {', '.join(CONDITIONS)}"
        )
    rng = np.random.default_rng([spec.seed, CONDITIONS.index(condition), 31])
    tags = _tags(condition, rng)
    style: Style | None = None
    if "cluttered" in tags:
        spec = replace(spec, clutter=1.0)
    if "wide" in tags and spec.shape is None and spec.kind is None:
        area = spec.area or float(rng.uniform(34, 55))
        spec = replace(spec, shape="two_rooms", area=area)
    if "few_views" in tags:
        n_frames, style = min(n_frames, int(rng.integers(6, 11))), "walk_through"
    steps = [_frame_steps(tags, rng) for _ in range(n_frames)]
    return CapturePlan(spec, condition, tags, n_frames, style, tuple(steps))


def _tags(condition: Condition, rng: np.random.Generator) -> tuple[str, ...]:
    if condition == "clean":
        return ()
    if condition != "mixed":
        return (condition,)
    picture = ("dark", "blurred", "low_resolution")[int(rng.integers(3))]
    scene = ("cluttered", "few_views", "wide")[int(rng.integers(3))]
    return picture, scene


def _frame_steps(tags: Sequence[str], rng: np.random.Generator) -> tuple[Step, ...]:
    """Steps of one frame; their order is that of a camera: shake, pixels, light."""
    steps: list[Step] = []
    if "blurred" in tags:
        steps.append(
            Blur(
                length=round(float(rng.uniform(6, 20)), 2),
                angle=round(float(rng.uniform(0, np.pi)), 3),
                sigma=round(float(rng.uniform(0.8, 2.2)), 2),
            )
        )
    if "low_resolution" in tags:
        steps.append(LowResolution(factor=round(float(rng.uniform(3.0, 6.0)), 2)))
    if "dark" in tags:
        # Log-uniform: a white room at a third of its light still looks bright.
        exposure = float(np.exp(rng.uniform(np.log(0.04), np.log(0.25))))
        noise = round(float(rng.uniform(2.0, 5.0)), 2)
        steps.append(Dark(exposure=round(exposure, 4), read_noise=noise))
    return tuple(steps)


def degrade(rgb: Rgb, steps: Sequence[Step], seed: int) -> Rgb:
    """A frame (H, W, 3) under its steps; equal inputs give equal pictures."""
    for k, step in enumerate(steps):
        rgb = _APPLY[step.kind](rgb, step, np.random.default_rng([seed, k]))
    return rgb


def _linear(rgb: Rgb) -> NDArray[np.float32]:
    light: NDArray[np.float32] = np.power(rgb.astype(np.float32) / 255, 2.2, dtype=np.float32)
    return light


def _display(light: NDArray[np.float64]) -> Rgb:
    shown: Rgb = (np.clip(light, 0, 1) ** (1 / 2.2) * 255 + 0.5).astype(np.uint8)
    return shown


def _darken(rgb: Rgb, step: Dark, rng: np.random.Generator) -> Rgb:
    electrons = _linear(rgb) * (step.exposure * FULL_WELL)
    caught = rng.poisson(electrons) + rng.normal(0, step.read_noise, electrons.shape)
    return _display(caught / FULL_WELL)


def _blur(rgb: Rgb, step: Blur, rng: np.random.Generator) -> Rgb:
    scale = rgb.shape[1] / 640
    light = _linear(rgb).astype(np.float64)
    length = step.length * scale
    if length > 1:
        path = streak(length * np.cos(step.angle), length * np.sin(step.angle))
        light = ndimage.convolve(light, path[..., None], mode="nearest")
    sigma = step.sigma * scale
    return _display(ndimage.gaussian_filter(light, (sigma, sigma, 0), mode="nearest"))


def _shrink(rgb: Rgb, step: LowResolution, rng: np.random.Generator) -> Rgb:
    height, width = rgb.shape[:2]
    small = max(2, round(width / step.factor)), max(2, round(height / step.factor))
    image = Image.fromarray(rgb).resize(small, Image.Resampling.BOX)
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


# Each function is only ever called with the step whose kind it is listed under.
_APPLY: dict[str, Callable[..., Rgb]] = {"dark": _darken, "blur": _blur, "low_resolution": _shrink}

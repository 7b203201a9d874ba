"""The scene profile: what kind of scene and task this is, from what the agent may see.

The question's type and operands, how many frames there are and what their pixels measure; once
something was detected, how large it looked. Nothing here comes from the truth side: the card is
computed from `surveyor.core.tasks.Task` and image bytes, which carry no condition tags.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from surveyor.core.tasks import Task
from surveyor.skills.operands import operands_of
from surveyor.tools.quality import DARK, NOISY, SOFT, decode_luma, measure, overlap

PIXEL_FRAMES = 8
"""Frames measured for a card, evenly spaced over the capture."""
FEW = 10
"""Captures of so many frames or fewer are few views."""
SCATTERED = 0.45
"""Overlap below which neighbouring frames hardly overlap. In embedded rooms smooth walks measure
0.37 to 0.92 and jumping ones 0.14 to 0.55."""
CLUTTERED = 0.12
"""Share of edge pixels above which a scene counts as cluttered."""


class SceneProfile(BaseModel):
    """Typed description of one question on one capture.

    ``views``: frames of the capture; ``width``, ``height`` in pixels. ``luma``, ``contrast``,
    ``noise``, ``sharpness``, ``clutter``: medians over the measured frames (see
    `surveyor.tools.quality.FramePixels`). ``poor_share``: share of frames that measure dark, noisy
    or soft. ``overlap``: median likeness of a measured frame and the one after it: below
    `SCATTERED` the camera jumps between places. ``detections``: boxes per frame, and ``apparent``:
    median square root of box area as a share of the image's, both ``None`` until a detector has
    looked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    question_type: str
    operands: tuple[str, ...] = ()
    options: int = 0
    views: int = Field(default=0, ge=0)
    width: int = 0
    height: int = 0
    luma: float = 0.5
    contrast: float = 0.25
    noise: float = 0.0
    sharpness: float = 0.5
    clutter: float = 0.1
    poor_share: float = 0.0
    overlap: float = 0.5
    detections: float | None = None
    apparent: float | None = None

    @property
    def tags(self) -> tuple[str, ...]:
        """Words for what stands out, in a fixed order; they are derived, never given."""
        said = (
            ("table", self.views == 0),
            ("few", 0 < self.views <= FEW),
            ("dark", self.views > 0 and self.luma < DARK),
            ("noisy", self.noise > NOISY),
            ("soft", self.views > 0 and self.sharpness < SOFT),
            ("small", 0 < self.width < 320),
            ("scattered", self.views > 0 and self.overlap < SCATTERED),
            ("cluttered", self.clutter > CLUTTERED),
        )
        return tuple(word for word, holds in said if holds)

    @property
    def text(self) -> str:
        """The card in words, for lexical search."""
        kind = self.question_type.replace("_", " ")
        return " ".join((kind, *self.operands, *self.tags))

    @property
    def vector(self) -> tuple[float, ...]:
        """Features scaled to about 0..1, for comparing cards; the question type is not in it."""
        return (
            _log_share(self.views, 128),
            _log_share(self.width * self.height, 1920 * 1440),
            min(1.0, self.luma),
            min(1.0, 2 * self.contrast),
            min(1.0, self.noise / 0.06),
            min(1.0, self.sharpness),
            min(1.0, self.clutter / 0.4),
            self.poor_share,
            self.overlap,
        )

    def json_fields(self) -> dict[str, JsonValue]:
        """The card as it goes into the log."""
        fields: dict[str, JsonValue] = self.model_dump(mode="json")
        return fields

    def with_detections(self, areas: Sequence[float], frames: int) -> SceneProfile:
        """The card after looking: ``areas`` of all boxes (share of image area) in ``frames``."""
        apparent = statistics.median(map(math.sqrt, areas)) if areas else None
        return self.model_copy(
            update={"detections": len(areas) / max(1, frames), "apparent": apparent}
        )


class ProfileMaker:
    """Makes cards; a capture's frames are opened once, however many questions it is asked.

    ``load`` gives a frame's bytes by hash.
    """

    def __init__(self, load: Callable[[str], bytes]) -> None:
        self._load = load
        self._measured: dict[tuple[str, ...], dict[str, float | int]] = {}

    def __call__(self, task: Task, operands: Sequence[str] | None = None) -> SceneProfile:
        """The task's card.

        ``operands`` are the asked object names where a parser knows them better than the card's
        own reading of the question. At most `PIXEL_FRAMES` frames and their followers are opened.
        """
        base = SceneProfile(
            question_type=task.question_type,
            operands=operands_of(task.question) if operands is None else tuple(operands),
            options=len(task.options),
            views=len(task.frames),
        )
        if not task.frames:
            return base
        hashes = tuple(frame.image.sha256 for frame in task.frames)
        if hashes not in self._measured:
            last = len(hashes) - 1
            places = np.linspace(0, last, min(PIXEL_FRAMES, len(hashes)))
            picked = sorted({round(i) for i in places.tolist()})
            self._measured[hashes] = _pixel_fields(
                [decode_luma(self._load(hashes[i])) for i in picked],
                [decode_luma(self._load(hashes[i + 1])) for i in picked if i < last],
            )
        return base.model_copy(update=self._measured[hashes])


def _pixel_fields(
    greys: Sequence[NDArray[np.uint8]], following: Sequence[NDArray[np.uint8]]
) -> dict[str, float | int]:
    frames = [measure(grey) for grey in greys]
    links = [overlap(a, b) for a, b in zip(greys, following, strict=False)]
    fields: dict[str, float | int] = {
        name: round(statistics.median(getattr(f, name) for f in frames), 5)
        for name in ("luma", "contrast", "noise", "sharpness", "clutter")
    }
    fields["width"] = int(statistics.median(f.width for f in frames))
    fields["height"] = int(statistics.median(f.height for f in frames))
    fields["poor_share"] = round(sum(f.poor for f in frames) / len(frames), 5)
    fields["overlap"] = round(statistics.median(links), 5) if links else 1.0
    return fields


def _log_share(value: float, full: float) -> float:
    return min(1.0, math.log1p(value) / math.log1p(full))

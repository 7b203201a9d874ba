"""Workflows: how evidence is gathered before it is measured, as data.

A small closed grammar, written as one fenced block in a skill's ``SKILL.md``. The `program`
planner executes it and a chat model reads it as the same instructions. It says which frames to
look at and when to stop, whether to restore them first, which evidence to take, how views are
joined, how much support an object needs, and what to do when a join fails. Why these dimensions
and no others: ``docs/workflows.md``.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from functools import lru_cache

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
)


class FramePolicy(StrEnum):
    """Which frames: evenly spaced, the sharpest of each segment, or greedy by appearance."""

    UNIFORM = "uniform"
    QUALITY = "quality"
    COVERAGE = "coverage"


class Restore(StrEnum):
    """``guard`` restores only frames that measure dark, noisy or soft; ``dim`` leaves the soft
    ones too, because sharpening costs as much and brings a detector less."""

    NONE = "none"
    DIM = "dim"
    GUARD = "guard"
    ALWAYS = "always"


class Evidence(StrEnum):
    """What is lifted to 3D: whole boxes, or the masks inside them."""

    BOXES = "boxes"
    MASKS = "masks"


class Join(StrEnum):
    """How views become one answer.

    ``best``: the single most telling view; ``vote``: each view alone, then the median; ``fuse``:
    reconstruct, lift every view into one frame and merge what overlaps; ``table``: ask the
    `scene` expert for its object table.
    """

    BEST = "best"
    VOTE = "vote"
    FUSE = "fuse"
    TABLE = "table"


class MetricScale(StrEnum):
    """``depth``: scale the reconstruction by metric depth of a few frames; ``none``: leave it
    relative, which is enough for directions and ruinous for metres."""

    DEPTH = "depth"
    NONE = "none"


class Frames(BaseModel):
    """Frame choice; ``number`` is capped by what the capture has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: FramePolicy = FramePolicy.UNIFORM
    number: int = Field(default=16, ge=1, le=128)


class Support(BaseModel):
    """An object counts when it is seen in ``views`` and in ``share`` of the views that could
    see it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    views: int = Field(default=2, ge=1)
    share: float = Field(default=0.2, ge=0, le=1)


class Fallback(BaseModel):
    """When fewer than ``registered`` of the frames could be reconstructed, or an asked object is
    missing, join by ``join`` instead."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    registered: float = Field(default=0.5, ge=0, le=1)
    join: Join = Join.VOTE


class Stop(BaseModel):
    """Look at ``first`` of the chosen frames, spread over the capture (from its beginning where
    order in time is asked), then at twice as many more, and so on, until every asked thing was
    seen in ``seen`` of them.

    All chosen frames are still reconstructed: registering a view costs a third of searching it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: int = Field(default=6, ge=1, le=128)
    seen: int = Field(default=2, ge=1, le=128)


class Workflow(BaseModel):
    """One way to look. Without ``stop`` every chosen frame is searched."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: Frames = Frames()
    restore: Restore = Restore.NONE
    evidence: Evidence = Evidence.MASKS
    join: Join = Join.FUSE
    scale: MetricScale = MetricScale.DEPTH
    scale_frames: int = Field(default=4, ge=1, le=32)
    support: Support = Support()
    fallback: Fallback | None = None
    stop: Stop | None = None

    @model_serializer(mode="wrap")
    def _written(self, whole: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        """``stop`` came later: where it isn't used it isn't written, and keys stay as they were."""
        fields: dict[str, JsonValue] = whole(self)
        if self.stop is None:
            fields.pop("stop", None)
        return fields

    @property
    def key(self) -> str:
        """A short content hash, equal for equal workflows."""
        return _key(self)


@lru_cache(maxsize=4096)
def _key(workflow: Workflow) -> str:
    return hashlib.sha256(workflow.model_dump_json().encode()).hexdigest()[:12]


PLAIN = Workflow()
"""The plain default: 16 even frames, no restoring, masks, fuse."""

GUARDED = Workflow(
    frames=Frames(policy=FramePolicy.QUALITY, number=16),
    restore=Restore.GUARD,
    fallback=Fallback(),
)
"""The recommended scene-blind default: guards and fallbacks, no knowledge of the scene."""

TABLE = Workflow(join=Join.TABLE)
"""Trust the `scene` expert: for datasets that come as object tables, without frames."""

SINGLE = Workflow(join=Join.BEST)
"""One view only: the yardstick for what joining views is worth."""

WORKFLOWS = {"plain": PLAIN, "guarded": GUARDED, "single": SINGLE, "table": TABLE}
"""The workflows that can be asked for by name."""

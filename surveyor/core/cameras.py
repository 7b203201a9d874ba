"""Captures: the images that were taken of a place, and the cameras that took them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from surveyor.core.blobs import BlobRef
from surveyor.core.geometry import Intrinsics

Ids = NDArray[np.int32]
"""Instance ids (H, W); 0 is nothing."""

Mat4 = tuple[
    tuple[float, float, float, float],
    tuple[float, float, float, float],
    tuple[float, float, float, float],
    tuple[float, float, float, float],
]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Frame(_Record):
    """One image of a capture; ``time`` in seconds from the start of the video."""

    index: int = Field(ge=0)
    time: float
    image: BlobRef


class Capture(_Record):
    """The public side of a scene: what an agent is shown."""

    scene_id: str
    fps: float
    frames: tuple[Frame, ...]


class Camera(_Record):
    """True camera of one frame."""

    T_world_camera: Mat4
    intrinsics: Intrinsics

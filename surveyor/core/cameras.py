"""Captures: the images that were taken of a place, and the cameras that took them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from surveyor.core.blobs import BlobRef
from surveyor.core.geometry import Intrinsics
from surveyor.core.records import FrozenRecord

Ids = NDArray[np.int32]
"""Instance ids (H, W); 0 is nothing."""

Mat4 = tuple[
    tuple[float, float, float, float],
    tuple[float, float, float, float],
    tuple[float, float, float, float],
    tuple[float, float, float, float],
]


class Frame(FrozenRecord):
    """One image of a capture; ``time`` in seconds from the start of the video."""

    index: int = Field(ge=0)
    time: float
    image: BlobRef


class Capture(FrozenRecord):
    """The public side of a scene: what an agent is shown."""

    scene_id: str
    fps: float
    frames: tuple[Frame, ...]


class Camera(FrozenRecord):
    """True camera of one frame."""

    T_world_camera: Mat4
    intrinsics: Intrinsics

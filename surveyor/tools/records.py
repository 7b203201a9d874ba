"""What short handles stand for: the typed evidence of one episode.

``space`` names the coordinate frame of 3D data: ``recon_1`` (a common frame of several views) or
``frame_3`` (one camera's own levelled frame). Numbers from different spaces are never mixed.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from surveyor.core.blobs import BlobRef, Derivation
from surveyor.core.geometry import (
    DepthMap,
    Float,
    Intrinsics,
    OrientedBox,
    PointCloud,
    Pose,
    Scale,
    World,
)
from surveyor.services.contract import Box, ImageByHash, Mask

Affine = tuple[float, float, float, float, float, float]
IDENTITY: Affine = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """An image that can be looked at.

    A derived image (restored, cropped) names the captured frame it came from in ``original`` and
    ``to_original`` maps its pixels there (an image of ``original_size``, height and width), so that
    evidence from it joins the rest.
    """

    image: BlobRef
    index: int
    time: float
    original: str
    to_original: Affine | None = IDENTITY
    original_size: tuple[int, int] | None = None
    derivation: Derivation | None = None

    def with_image(self, image: BlobRef) -> FrameRecord:
        """The same record for other pixels."""
        return replace(self, image=image)

    @property
    def ref(self) -> ImageByHash:
        """How requests name this image."""
        return ImageByHash(sha256=self.image.sha256, derivation=self.derivation)


@dataclass(frozen=True, slots=True)
class BoxRecord:
    """A detection: ``box`` in pixels of image ``frame``; ``score`` in 0..1."""

    frame: str
    category: str
    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class MaskRecord:
    """A mask of image ``frame`` (COCO RLE), with the label and score of what prompted it."""

    frame: str
    category: str
    mask: Mask
    box: Box
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class DepthRecord:
    """z-depth of image ``frame`` and the intrinsics it was made with; ``key`` is its content."""

    frame: str
    key: str
    depth: DepthMap
    intrinsics: Intrinsics


@dataclass(frozen=True, slots=True, eq=False)
class ViewRecord:
    """One registered view: pose in the reconstruction's frame, depth (h, w), confidence.

    Equal ``key`` means equal geometry.
    """

    frame: str
    key: str
    pose: Pose
    intrinsics: Intrinsics
    depth: NDArray[np.float32]
    confidence: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ReconstructionRecord:
    """Views by handle of the captured frame, and the cloud (N, 3), +Z up; whose ``world`` it is."""

    views: Mapping[str, ViewRecord]
    cloud: PointCloud
    missing: tuple[str, ...]
    world: World = World.OWN

    @property
    def scale(self) -> Scale:
        """Whether lengths are metres."""
        return self.cloud.scale


@dataclass(frozen=True, slots=True, eq=False)
class CloudRecord:
    """What one mask or box looks like in 3D, seen from one frame.

    ``pixels`` (N, 2) int are the columns and rows, in that frame's depth grid, of the points.
    ``cut`` says that the outline touches the image border, so the object may go on outside.
    ``key`` covers all that the points depend on.
    """

    frame: str
    key: Hashable
    space: str
    category: str
    score: float
    cloud: PointCloud
    pixels: NDArray[np.int32]
    cut: bool


@dataclass(frozen=True, slots=True, eq=False)
class ObjectRecord:
    """One thing in the place.

    ``support`` of the ``visible`` views that could see it agree on it. ``confidence`` in 0..1.
    ``accepted`` is false for candidates below the wanted support. ``cloud`` is empty for objects
    that come from a table of boxes; ``front`` is a unit world vector where known, ``attributes``
    what an expert knows of it besides. ``around`` (m, 3) are points near it that are not in it,
    where its mask in space was voted on.
    """

    category: str
    space: str
    scale: Scale
    box: OrientedBox
    cloud: Float
    support: int
    visible: int
    confidence: float
    accepted: bool = True
    frames: tuple[str, ...] = ()
    front: tuple[float, float, float] | None = None
    world: World = World.OWN
    around: Float | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoomRecord:
    """Floor area in square metres, and the floor polygons where known."""

    area: float
    polygons: tuple[tuple[tuple[float, float], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class MeasureRecord:
    """A number with its unit, or a word."""

    value: float | str
    unit: str


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """Several handles under one short name."""

    members: tuple[str, ...]


Record = (
    FrameRecord
    | BoxRecord
    | MaskRecord
    | DepthRecord
    | ReconstructionRecord
    | CloudRecord
    | ObjectRecord
    | RoomRecord
    | MeasureRecord
    | GroupRecord
)

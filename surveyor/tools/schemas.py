"""The typed rows that results carry in ``data``, for planners that compute instead of read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from surveyor.core.blobs import BlobRef
from surveyor.core.geometry import Scale, Vec3, World
from surveyor.services.contract import Box, Mask


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FrameRow(_Row):
    """A derived frame and the one it was made from."""

    handle: str
    original: str


class BoxRow(_Row):
    """A detection: pixels of ``frame``, whose place in the capture is ``index``."""

    handle: str
    frame: str
    index: int
    category: str
    box: tuple[float, float, float, float]
    score: float


class MaskRow(_Row):
    """A mask of ``frame`` (COCO RLE) with its tight box; ``pixels`` is its area, ``prompt`` the box
    that it was cut out of, if any."""

    handle: str
    frame: str
    category: str
    pixels: int
    score: float
    box: Box
    mask: Mask
    prompt: str = ""


class CloudRow(_Row):
    """A lifted mask or box (``outline``): ``points`` of it had a depth."""

    handle: str
    outline: str = ""
    frame: str
    space: str
    category: str
    points: int
    cut: bool
    score: float


class ObjectRow(_Row):
    """An object: centre and edge lengths in metres (unless ``scale`` is relative), Z-up.

    ``axes`` are the box's unit axes as rows, ``world`` says whose coordinates they are, and
    ``made_of`` are the clouds that became this object. ``attributes`` are what an expert knows of
    it besides, such as its color.
    """

    handle: str
    category: str
    space: str
    scale: Scale
    center: Vec3
    size: Vec3
    support: int
    visible: int
    confidence: float
    accepted: bool
    axes: tuple[Vec3, Vec3, Vec3] | None = None
    world: World = World.OWN
    made_of: tuple[str, ...] = ()
    attributes: dict[str, str] = Field(default_factory=dict, exclude_if=lambda known: not known)


class ObjectsData(_Row):
    """Objects, and the handle of the room where one was found."""

    objects: tuple[ObjectRow, ...]
    room: str | None = None


class SpaceMaskRow(_Row):
    """The mask in space of object ``handle``: how many ``points`` it has, which frames ``agreed``
    on it, which ``share`` (0..1) they are of those that could, and the labelled points that the run
    keeps of it (`surveyor.tools.geometry.kept_masks`)."""

    handle: str
    points: int
    agreed: tuple[str, ...]
    share: float
    confidence: float
    mask: BlobRef | None = None


class MasksData(_Row):
    """Objects with their masks in space, the reconstruction they lie in, and the room that they
    were looked for in, if any. ``answer`` is what was said of them, ``said`` the whole answer."""

    objects: tuple[ObjectRow, ...]
    masks: tuple[SpaceMaskRow, ...]
    reconstruction: str | None = None
    room: str | None = None
    answer: str | None = None
    said: str | None = None


class SurveyedTake(_Row):
    """Handles of what lies in one frame of reference: objects, the place itself, detections."""

    objects: tuple[str, ...] = ()
    place: str | None = None
    boxes: tuple[str, ...] = ()


class SurveyData(_Row):
    """What a survey found: every object, and which of them lie together. ``registered`` is the
    share of the frames that a reconstruction could use, ``missing`` what was asked for in vain."""

    skill: str
    join: str
    objects: tuple[ObjectRow, ...]
    takes: tuple[SurveyedTake, ...]
    registered: float = 1.0
    missing: tuple[str, ...] = ()


class ReconstructionData(_Row):
    """Which frames were registered, and whether lengths are metres. ``geometry`` is the document
    with cameras and cloud that the run keeps (`surveyor.tools.geometry.kept`)."""

    handle: str
    scale: Scale
    registered: tuple[str, ...]
    missing: tuple[str, ...]
    world: World = World.OWN
    geometry: BlobRef | None = None


class MeasureData(_Row):
    """One measured number or word.

    ``points`` are the places in ``space`` that a length was measured between. ``low`` and ``high``
    hold the true value with probability ``level``, as ``basis`` says; ``None``: not known.
    """

    handle: str
    value: float | str
    unit: str
    points: tuple[Vec3, ...] = ()
    space: str = ""
    low: float | None = None
    high: float | None = None
    level: float | None = None
    basis: str = ""


class NearestData(_Row):
    """Categories from nearest to farthest, metres."""

    handle: str
    order: tuple[tuple[str, float], ...]


class OrderData(_Row):
    """Categories by first sight; ``unseen`` never appeared."""

    handle: str
    order: tuple[str, ...]
    unseen: tuple[str, ...]


class MotionData(_Row):
    """Displacement in the first camera's level frame; angles in radians. ``around`` is the turn
    about what both views show, counter-clockwise from above, where they show anything alike."""

    handle: str
    scale: Scale
    right: float
    up: float
    forward: float
    yaw: float
    pitch: float
    around: float | None = None


class TurnsData(_Row):
    """The turn before each leg: left, right, back, or straight on where there is none."""

    handle: str
    turns: tuple[str, ...]


class TopViewData(_Row):
    """Pixels per metre, and the world x and y of pixel (0, 0)."""

    handle: str
    scale: float
    left: float
    top: float
    numbered: tuple[str, ...]


class OrientationData(_Row):
    """Degrees, as in `surveyor.services.contract.Orientation`."""

    handle: str
    azimuth: float
    polar: float
    rotation: float
    symmetry: int
    confidence: float
    relative_azimuth: float | None = None


class DepthReading(_Row):
    """z-depth of one place of ``frame``; ``spread`` is the range of its middle half."""

    handle: str
    frame: str
    place: str
    depth: float
    spread: float
    scale: Scale


class DepthPair(_Row):
    """Two places of one frame; ``gap`` is their difference in z-depth, ``apart`` their distance
    in metres where the scale is metric, and ``sure`` false where their depths overlap."""

    nearer: str
    farther: str
    gap: float
    unit: str
    apart: float | None
    sure: bool


class DepthReadings(_Row):
    """What `depth_at` read, and the pairs that share a frame."""

    readings: tuple[DepthReading, ...]
    pairs: tuple[DepthPair, ...]

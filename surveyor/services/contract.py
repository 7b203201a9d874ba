"""The wire contract between tools and experts: one JSON body in, one JSON body out.

``PUT|HEAD|GET /v1/blobs/{sha256}`` move bytes, ``POST /v1/<expert>`` asks, ``/healthz``,
``/readyz``, ``/v1/info`` and ``/metrics`` tell how the service is. Images are given by hash (or
inline for a one-line curl); masks come inline as COCO RLE; dense arrays come as `.npy` blobs.
Pixels are x right, y down, boxes ``(x1, y1, x2, y2)`` in the image that was sent, pixel centres
at integers. Lengths are metres unless ``scale`` says otherwise. Angles on the wire are degrees.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from surveyor.core.blobs import BlobRef, Derivation, Sha256
from surveyor.core.cameras import Mat4
from surveyor.core.geometry import Intrinsics, OrientedBox, Scale, Vec2, World
from surveyor.core.masks import checked_runs
from surveyor.core.producer import Producer

CONTRACT_VERSION = "1"
BLOBS = "/v1/blobs/{sha256}"
EXPERTS = ("scene", "detect", "segment", "depth", "reconstruct", "orient", "restore", "render_view")

Box = tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]
Phrase = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=2000)]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageByHash(_Wire):
    """An image that the service already holds (``PUT`` it first).

    ``derivation`` says how the image was made from another one, so that lineage survives the
    wire; a neural expert ignores it.
    """

    sha256: Sha256
    derivation: Derivation | None = None


class ImageInline(_Wire):
    """A small image sent inside the request; convenient for curl, wasteful for work."""

    data: Annotated[str, Field(min_length=1, description="base64 of the image file")]
    media_type: Literal["image/jpeg", "image/png"]


ImageRef = ImageByHash | ImageInline


class Mask(_Wire):
    """COCO run-length encoding; ``size`` is (height, width). Damaged counts are refused."""

    size: tuple[int, int]
    counts: str

    @model_validator(mode="after")
    def _describes_an_image(self) -> Mask:
        checked_runs(self.size, self.counts)
        return self


class ExpertAnswer(_Wire):
    """Every answer names who made it."""

    producer: Producer


class DetectRequest(_Wire):
    """Find everything that the phrases name in one image."""

    image: ImageRef
    phrases: Annotated[tuple[Phrase, ...], Field(min_length=1, max_length=64)]
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.3


class Detection(_Wire):
    """One box; ``phrase`` is one of the asked phrases, ``score`` in 0..1."""

    phrase: str
    box: Box
    score: float


class DetectAnswer(ExpertAnswer):
    """Detections, best first; an empty tuple means that nothing was found."""

    detections: tuple[Detection, ...]


class SegmentMode(StrEnum):
    """``concept``: every instance like the prompt; ``instance``: the one thing prompted."""

    CONCEPT = "concept"
    INSTANCE = "instance"


class SegmentRequest(_Wire):
    """Masks by text and exemplar boxes (concept) or by boxes or points (instance)."""

    image: ImageRef
    mode: SegmentMode = SegmentMode.INSTANCE
    text: Phrase | None = None
    boxes: Annotated[tuple[Box, ...], Field(max_length=256)] = ()
    points: Annotated[tuple[Vec2, ...], Field(max_length=256)] = ()
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.3

    @model_validator(mode="after")
    def _prompted(self) -> SegmentRequest:
        if not (self.text or self.boxes or self.points):
            raise ValueError("give a text, boxes or points to segment by")
        if self.mode is SegmentMode.INSTANCE and not (self.boxes or self.points):
            raise ValueError("instance mode needs boxes or points; use concept mode for a text")
        return self


class Segment(_Wire):
    """One mask. In instance mode, ``prompt`` is the index of the box or point it answers."""

    mask: Mask
    box: Box
    score: float
    prompt: int | None = None


class SegmentAnswer(ExpertAnswer):
    """Masks; in instance mode one per prompt that could be answered, in prompt order."""

    segments: tuple[Segment, ...]


class ScaleSource(StrEnum):
    """Where the focal length behind a metric depth came from."""

    GIVEN = "given"
    EXIF = "exif"
    ESTIMATED = "estimated"
    NONE = "none"


class RightView(_Wire):
    """The right image of a rectified pair: same size and rows, ``baseline`` metres to the right.

    ``offset`` is the right principal point's x less the left one's, pixels. Experts that look
    with one eye ignore it.
    """

    image: ImageRef
    baseline: Annotated[float, Field(gt=0, le=100)]
    offset: FiniteFloat = 0.0


class DepthRequest(_Wire):
    """z-depth of one image; ``focal`` in pixels of the image sent, if it is known."""

    image: ImageRef
    focal: Annotated[float, Field(ge=1, le=1e6)] | None = None
    right: RightView | None = None


class DepthAnswer(ExpertAnswer):
    """``depth`` is (H, W) float32 of the image sent, 0 = no measurement."""

    depth: BlobRef
    scale: Scale
    scale_source: ScaleSource
    intrinsics: Intrinsics
    minimum: float
    maximum: float


class ReconstructRequest(_Wire):
    """Poses, intrinsics and depth of several views of one static place, in order."""

    images: Annotated[tuple[ImageRef, ...], Field(min_length=1, max_length=256)]


class ReconstructedView(_Wire):
    """One registered view; ``depth`` (h, w) float32 and ``confidence`` (h, w) float32 in 0..1."""

    index: int
    T_world_camera: Mat4
    intrinsics: Intrinsics
    depth: BlobRef
    confidence: BlobRef


class ReconstructAnswer(ExpertAnswer):
    """Views that could be registered in one common frame, +Z up when ``gravity`` is true.

    ``cloud`` is (N, 3) float32 in that frame. Lengths follow ``scale``. ``missing`` are the
    indices of views that could not be registered. ``world`` is ``dataset`` only where the frame is
    the scene's published one, because its poses were given and not estimated from nothing.
    """

    scale: Scale
    gravity: bool
    world: World = World.OWN
    views: tuple[ReconstructedView, ...]
    cloud: BlobRef
    missing: tuple[int, ...] = ()


class SceneRequest(_Wire):
    """The object table of a scene that the service knows, by id or by one of its frames."""

    scene_id: Text | None = None
    image: ImageRef | None = None

    @model_validator(mode="after")
    def _named(self) -> SceneRequest:
        if (self.scene_id is None) == (self.image is None):
            raise ValueError("name the scene by scene_id or by one of its images, not both")
        return self


class SceneEntry(_Wire):
    """One known object; ``front`` is a unit vector where the object has a front."""

    id: int
    category: str
    box: OrientedBox
    front: tuple[float, float, float] | None = None
    attributes: dict[str, str] = Field(default_factory=dict)


class SceneAnswer(ExpertAnswer):
    """The object table, the floor polygons where known, and the floor area in square metres."""

    scene_id: str
    objects: tuple[SceneEntry, ...]
    rooms: tuple[tuple[Vec2, ...], ...] = ()
    room_area: float | None = None


class OrientRequest(_Wire):
    """Orientation of the object in ``box``; with a second image also the relative rotation.

    A mask (of the whole image, as `segment` returns it) takes the background away: neural models
    were trained on objects that were cut out.
    """

    image: ImageRef
    box: Box
    mask: Mask | None = None
    other: ImageRef | None = None
    other_box: Box | None = None
    other_mask: Mask | None = None

    @model_validator(mode="after")
    def _paired(self) -> OrientRequest:
        if (self.other is None) != (self.other_box is None):
            raise ValueError("a second view needs both its image and its box")
        if self.other_mask is not None and self.other is None:
            raise ValueError("other_mask is the mask of a second view, and there is none")
        return self


class Orientation(_Wire):
    """Degrees. ``azimuth`` 0 = the front faces the camera, growing counter-clockwise seen from
    above; ``polar`` = camera elevation above the object; ``rotation`` = in-plane roll.
    ``symmetry`` as in `surveyor.scenes.records.SceneObject`; ``confidence`` in 0..1."""

    azimuth: float
    polar: float
    rotation: float
    symmetry: int
    confidence: float


class OrientAnswer(ExpertAnswer):
    """One orientation, or two and their difference in azimuth (degrees)."""

    orientation: Orientation
    other: Orientation | None = None
    relative_azimuth: float | None = None


class RestoreRequest(_Wire):
    """Make an image easier to see: ``box`` crops first, ``scale`` enlarges (1 keeps the size)."""

    image: ImageRef
    box: Box | None = None
    scale: Literal[1, 2, 4] = 1


class RestoreAnswer(ExpertAnswer):
    """A new PNG image with the map back to the image sent."""

    image: BlobRef
    derivation: Derivation
    steps: tuple[str, ...] = ()


class RenderViewRequest(_Wire):
    """The reconstruction of ``images`` seen from somewhere else.

    Either ``azimuth`` and ``elevation`` (degrees, around the scene's centre) or a camera.
    """

    images: Annotated[tuple[ImageRef, ...], Field(min_length=1, max_length=256)]
    azimuth: FiniteFloat | None = None
    elevation: FiniteFloat | None = None
    T_world_camera: Mat4 | None = None
    intrinsics: Intrinsics | None = None


class RenderViewAnswer(ExpertAnswer):
    """A rendered PNG and its camera."""

    image: BlobRef
    T_world_camera: Mat4
    intrinsics: Intrinsics
    scale: Scale


class ErrorCode(StrEnum):
    """What went wrong; clients branch on this, people read the sentence."""

    BAD_INPUT = "bad_input"
    BAD_IMAGE = "bad_image"
    BLOB_NOT_FOUND = "blob_not_found"
    HASH_MISMATCH = "hash_mismatch"
    UNKNOWN_SCENE = "unknown_scene"
    TOO_LARGE = "too_large"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    BUSY = "busy"
    DEADLINE = "deadline"
    OUT_OF_MEMORY = "out_of_memory"
    DISK_FULL = "disk_full"
    INTERNAL = "internal"


class Problem(_Wire):
    """The body of every non-2xx answer."""

    code: ErrorCode
    message: str
    field: str | None = None


class Info(_Wire):
    """What serves here: model, where it came from, what may be done with it, and its limits."""

    expert: str
    contract: str = CONTRACT_VERSION
    producer: Producer
    model: str
    revision: str
    licence: str
    limits: dict[str, float] = Field(default_factory=dict)
    preset: str | None = None
    note: str = ""


REQUESTS: dict[str, type[BaseModel]] = {
    "scene": SceneRequest,
    "detect": DetectRequest,
    "segment": SegmentRequest,
    "depth": DepthRequest,
    "reconstruct": ReconstructRequest,
    "orient": OrientRequest,
    "restore": RestoreRequest,
    "render_view": RenderViewRequest,
}
ANSWERS: dict[str, type[ExpertAnswer]] = {
    "scene": SceneAnswer,
    "detect": DetectAnswer,
    "segment": SegmentAnswer,
    "depth": DepthAnswer,
    "reconstruct": ReconstructAnswer,
    "orient": OrientAnswer,
    "restore": RestoreAnswer,
    "render_view": RenderViewAnswer,
}


class ExpertEndpoint(_Wire):
    """One line of the endpoints file."""

    expert: str
    url: str = Field(pattern="^https?://")
    pid: int
    backend: str


class Endpoints(_Wire):
    """What `surveyor serve up` writes, and clients read: where each expert answers."""

    contract: str = CONTRACT_VERSION
    supervisor: int
    experts: tuple[ExpertEndpoint, ...]
    token_file: str | None = None

"""The exact truth of a place, which only reference experts, scorers and the viewer may open."""

from __future__ import annotations

from pydantic import Field

from surveyor.core.blobs import BlobRef
from surveyor.core.cameras import Camera
from surveyor.core.geometry import OrientedBox, Vec2, Vec3
from surveyor.core.records import FrozenRecord


class SceneObject(FrozenRecord):
    """One object: ``instance_id`` is its value in id images, ``front`` a unit world vector.

    ``symmetry`` is the order of rotational symmetry about the vertical: 1 = a clear front, 2, 4,
    or 0 = no front at all. ``attributes`` hold words a question may use (colour, material, ...).
    """

    instance_id: int = Field(ge=1)
    category: str
    box: OrientedBox
    front: Vec3 | None = None
    symmetry: int = 1
    attributes: dict[str, str] = Field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    supported_by: int | None = None


class SceneTruth(FrozenRecord):
    """The hidden side of a scene.

    ``rooms`` are counter-clockwise floor polygons in metres. ``cameras`` match the capture's
    frames one to one. ``conditions`` are tags such as ``dark``; ``visible_pixels[i][k]`` counts
    the pixels of object ``k`` (index into ``objects``) in frame ``i``.
    """

    scene_id: str
    source: str
    seed: int | None = None
    rooms: tuple[tuple[Vec2, ...], ...] = ()
    height: float | None = None
    room_area: float
    objects: tuple[SceneObject, ...]
    cameras: tuple[Camera, ...] = ()
    visible_pixels: tuple[tuple[int, ...], ...] = ()
    conditions: tuple[str, ...] = ()
    capture_style: str | None = None
    clean_frames: tuple[BlobRef, ...] = ()

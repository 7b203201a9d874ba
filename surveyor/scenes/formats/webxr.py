"""Scene captures as headsets keep them (WebXR, ``XR_META_spatial_entity``), one JSON a room.

A capture lists spatial entities: a pose (``locatable_META``, quaternion x y z w, metres, Y up) with
a rectangle (``bounded2D_META``, local x and z), a box (``bounded3D_META``, its local z up) or a
mesh (``triangleMesh_META``, base64 of little-endian float32 and uint32). Offset is the smallest
corner. Furniture is listed twice, as the rectangle of its top and as a box; the box is taken.
World is turned to Z-up, the floor's height is 0, and the outline starts at 0.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from scipy.spatial.transform import Rotation

from surveyor.core.errors import UserError
from surveyor.core.geometry import Float, OrientedBox
from surveyor.core.names import check_name
from surveyor.core.wording import first_problem
from surveyor.scenes.records import SceneObject
from surveyor.scenes.scans.labelling import label_triangles
from surveyor.scenes.scans.outline import outline_of
from surveyor.scenes.scans.room import ScannedRoom

SOURCE = "webxr"
Z_UP: Final = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
# Doors, windows and pictures are rectangles; boxes need a thickness.
THICKNESS = 0.06
BOXES: Final = {
    "TABLE": ("table", ("desk",)),
    "COUCH": ("sofa", ("couch",)),
    "STORAGE": ("shelf", ("storage", "cabinet")),
    "BED": ("bed", ()),
    "SCREEN": ("screen", ("monitor", "tv")),
    "LAMP": ("lamp", ()),
    "PLANT": ("plant", ()),
    "CHAIR": ("chair", ()),
    "OTHER": ("otherfurniture", ()),
}
FLAT: Final = {"DOOR_FRAME": "door", "WINDOW_FRAME": "window", "WALL_ART": "picture"}
WALLS: Final = ("WALL_FACE", "INVISIBLE_WALL_FACE")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Point(_Record):
    x: FiniteFloat = 0.0
    y: FiniteFloat = 0.0
    z: FiniteFloat = 0.0


class _Turn(_Point):
    w: FiniteFloat = 0.0


class _Size(_Record):
    width: FiniteFloat = Field(default=0.0, ge=0)
    height: FiniteFloat = Field(default=0.0, ge=0)
    depth: FiniteFloat = Field(default=0.0, ge=0)


class _Place(_Record):
    orientation: _Turn
    position: _Point = _Point()

    def world(self, local: Float) -> Float:
        """Local points (N, 3) in the world, still Y-up."""
        q = self.orientation
        turn = Rotation.from_quat([q.x, q.y, q.z, q.w])
        at = self.position
        placed: Float = turn.apply(local) + np.array([at.x, at.y, at.z])
        return placed


class _Bounds(_Record):
    offset: _Point = _Point()
    extent: _Size

    @property
    def low(self) -> Float:
        return np.array([self.offset.x, self.offset.y, self.offset.z])

    @property
    def size(self) -> Float:
        return np.array([self.extent.width, self.extent.height, self.extent.depth])


class _TriangleMesh(_Record):
    vertices: str
    indices: str


class _Entity(_Record):
    semanticLabel_META: str = "UNKNOWN"
    locatable_META: _Place | None = None
    bounded2D_META: _Bounds | None = None
    bounded3D_META: _Bounds | None = None
    triangleMesh_META: _TriangleMesh | None = None


class _WebxrScene(_Record):
    spatialEntities: tuple[_Entity, ...] = Field(min_length=1)


def read_webxr(source: Path) -> list[ScannedRoom]:
    """Every capture of a folder (or the one file), by name; `UserError` where there is none."""
    paths = sorted(source.glob("*.json")) if source.is_dir() else [source]
    if not paths:
        raise UserError(f"{source} holds no scene captures (*.json); give the folder that does")
    return [read_capture(path) for path in paths]


def read_capture(path: Path) -> ScannedRoom:
    """One captured room. Raises `UserError` when the file is no scene capture with a mesh."""
    try:
        scene = _WebxrScene.model_validate(json.loads(path.read_bytes()))
        return _room(check_name(path.stem, "a scene"), scene)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise UserError(f"{path} is no scene capture: {first_problem(error)}") from None
    except ValueError as error:
        raise UserError(f"{path} is no whole scene capture: {error}") from None


def _room(name: str, scene: _WebxrScene) -> ScannedRoom:
    placed = [(one, one.locatable_META) for one in scene.spatialEntities]
    entities = [(one, place) for one, place in placed if place is not None]
    floors = [e for e in entities if e[0].semanticLabel_META == "FLOOR" and e[0].bounded2D_META]
    meshes = [e for e in entities if e[0].triangleMesh_META]
    if not floors or not meshes:
        raise ValueError("it has no " + ("floor" if not floors else "mesh"))
    floor = _rectangle(*floors[0])
    walls = [_segment(_rectangle(*e)) for e in entities if e[0].semanticLabel_META in WALLS]
    polygon, made_of = outline_of(walls, floor[:, :2])
    shift = np.array([*polygon.min(axis=0), floor[:, 2].mean()])
    tops = [_rectangle(*e)[:, 2].max() for e in entities if e[0].semanticLabel_META in WALLS]
    height = float(np.median(tops) - shift[2]) if tops else 2.5
    objects, flat = _objects(entities, shift)
    vertices, triangles = _mesh(*meshes[0])
    vertices = (vertices - shift).astype(np.float32)
    walls = [wall - shift[:2] for wall in walls]
    return ScannedRoom(
        scene_id=name,
        source=SOURCE,
        vertices=vertices,
        triangles=triangles,
        instance=label_triangles(vertices, triangles, objects, flat, walls, height),
        objects=objects,
        polygon=polygon - shift[:2],
        height=height,
        outline_from=made_of,
    )


def _rectangle(entity: _Entity, place: _Place) -> Float:
    """Corners (4, 3) of an entity's rectangle, Z-up."""
    bounds = entity.bounded2D_META
    if bounds is None:
        raise ValueError(f"a {entity.semanticLabel_META} has no bounded2D_META")
    (u0, v0), (w, h) = bounds.low[:2], bounds.size[:2]
    corners = [(u, 0, v) for u, v in ((u0, v0), (u0 + w, v0), (u0 + w, v0 + h), (u0, v0 + h))]
    turned: Float = place.world(np.array(corners)) @ Z_UP.T
    return turned


def _segment(corners: Float) -> Float:
    """The foot (2, 2) of an upright rectangle."""
    flat = corners[:, :2]
    return np.stack([(flat[0] + flat[3]) / 2, (flat[1] + flat[2]) / 2])


def _objects(
    entities: Sequence[tuple[_Entity, _Place]], shift: Float
) -> tuple[tuple[SceneObject, ...], list[bool]]:
    found: list[SceneObject] = []
    flat: list[bool] = []
    for entity, place in entities:
        label, bounds = entity.semanticLabel_META, entity.bounded3D_META
        aliases: tuple[str, ...] = ()
        if label in FLAT and entity.bounded2D_META is not None:
            low, size = entity.bounded2D_META.low, entity.bounded2D_META.size
            low = np.array([low[0], -THICKNESS / 2, low[1]])
            size, category = np.array([size[0], THICKNESS, size[1]]), FLAT[label]
        elif label in BOXES and bounds is not None:
            (category, aliases), low, size = BOXES[label], bounds.low, bounds.size
        else:
            continue
        if not (size > 0).all():
            raise ValueError(f"a {label} has an empty box")
        frame = place.world(np.vstack([low + size / 2, np.eye(3), np.zeros(3)])) @ Z_UP.T
        axes = tuple(tuple(float(v) for v in row) for row in frame[1:4] - frame[4])
        centre = tuple(float(v) for v in frame[0] - shift)
        edges = tuple(float(v) for v in size)
        box = OrientedBox(center=centre, size=edges, axes=axes)
        found.append(
            SceneObject(
                instance_id=len(found) + 1, category=category, box=box, symmetry=0, aliases=aliases
            )
        )
        flat.append(label in FLAT)
    return tuple(found), flat


def _mesh(entity: _Entity, place: _Place) -> tuple[Float, NDArray[np.int32]]:
    """Vertices (V, 3), Z-up, and triangles (T, 3)."""
    packed = entity.triangleMesh_META
    assert packed is not None
    try:
        vertices = np.frombuffer(base64.b64decode(packed.vertices, validate=True), "<f4")
        indices = np.frombuffer(base64.b64decode(packed.indices, validate=True), "<u4")
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"its mesh is cut off ({error})") from None
    if len(vertices) % 3 or len(indices) % 3 or not len(indices):
        raise ValueError("its mesh is no list of triangles")
    if int(indices.max()) >= len(vertices) // 3 or not np.isfinite(vertices).all():
        raise ValueError("its mesh points at vertices that it does not have")
    world = place.world(vertices.reshape(-1, 3).astype(np.float64)) @ Z_UP.T
    return world, indices.reshape(-1, 3).astype(np.int32)

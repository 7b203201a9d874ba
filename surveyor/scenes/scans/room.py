"""A scanned room: its mesh in our world, what a person or a program labelled in it, its walls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import Float
from surveyor.scenes.records import SceneObject
from surveyor.scenes.rooms.mesh import Mesh
from surveyor.scenes.rooms.surfaces.materials import Material

# Instance ids of the shell and of what nobody labelled follow those of the objects.
SURFACES = ("floor", "ceiling", "wall", "unlabelled")

# A scan has no colours, so surfaces are painted by their label, in colours that rooms have.
_PAINT = {
    "floor": "#a98660",
    "ceiling": "#f3f2ee",
    "wall": "#e2dfd6",
    "unlabelled": "#9a968f",
    "table": "#7a573c",
    "sofa": "#46688c",
    "bed": "#c98d92",
    "shelf": "#cdb388",
    "door": "#d9c8a8",
    "window": "#a9c3d6",
    "picture": "#9b3430",
    "lamp": "#d9ae3c",
    "screen": "#202124",
    "plant": "#4d6b45",
    "chair": "#69507f",
}


@dataclass(frozen=True, slots=True, eq=False)
class ScannedRoom:
    """``vertices`` (V, 3) metres, Z-up, floor at 0; ``triangles`` (T, 3); ``instance`` (T,) ids.

    ``objects`` have ids 1..n, as labelled by whoever made the scan. ``polygon`` (N, 2) is the
    floor's outline, counter-clockwise, its smallest x and y 0. ``outline_from`` says what it was
    made of: ``walls``, or ``floor`` where the walls do not close.
    """

    scene_id: str
    source: str
    vertices: NDArray[np.float32]
    triangles: NDArray[np.int32]
    instance: NDArray[np.int32]
    objects: tuple[SceneObject, ...]
    polygon: Float
    height: float
    outline_from: str

    @property
    def category_of(self) -> tuple[str, ...]:
        """Category by instance id; entry 0 is what no ray hits."""
        return ("void", *(item.category for item in self.objects), *SURFACES)

    def mesh(self) -> Mesh:
        """The mesh with smooth normals and one paint for each category."""
        names = self.category_of
        words = sorted(set(names[1:]))
        paints = tuple(Material("plain", _PAINT.get(word, "#8b8d90")) for word in words)
        index = np.array([0, *(words.index(name) for name in names[1:])])
        count = len(self.triangles)
        return Mesh(
            vertices=np.ascontiguousarray(self.vertices, np.float32),
            normals=_smooth_normals(self.vertices, self.triangles),
            uv=np.zeros((len(self.vertices), 2), np.float32),
            triangles=np.ascontiguousarray(self.triangles, np.int32),
            material=index[self.instance].astype(np.int32),
            instance=self.instance,
            part=np.zeros(count, np.int32),
            materials=paints,
        )


def _smooth_normals(
    vertices: NDArray[np.float32], triangles: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Unit normals (V, 3), the mean of the triangles around each vertex, weighted by area."""
    a, b, c = (vertices[triangles[:, k]].astype(np.float64) for k in range(3))
    face = np.cross(b - a, c - a)
    total = np.zeros((len(vertices), 3))
    for k in range(3):
        np.add.at(total, triangles[:, k], face)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return (total / np.where(length > 0, length, 1)).astype(np.float32)

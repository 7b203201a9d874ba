"""A room's triangles in one set of arrays, with material and instance of every triangle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.scenes.rooms.shapes import Part
from surveyor.scenes.rooms.surfaces.materials import Material

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Vertices (V, 3) in metres in the world, unit normals (V, 3), texture coordinates (V, 2).

    Triangles (T, 3); per triangle an index into ``materials``, the instance id that id images
    show, and the part (one closed body or sheet) that it belongs to.
    """

    vertices: Float32
    normals: Float32
    uv: Float32
    triangles: Int32
    material: Int32
    instance: Int32
    part: Int32
    materials: tuple[Material, ...]


def build_mesh(pieces: Sequence[tuple[Part, Material, int]]) -> Mesh:
    """Join (part, material, instance id) triples; parts are already in world coordinates."""
    index: dict[Material, int] = {}
    for _, material, _ in pieces:
        index.setdefault(material, len(index))
    counts = [len(part.faces) for part, _, _ in pieces]
    offsets = np.cumsum([0, *(len(part.vertices) for part, _, _ in pieces[:-1])])
    return Mesh(
        vertices=_stack([part.vertices for part, _, _ in pieces]),
        normals=_stack([part.normals for part, _, _ in pieces]),
        uv=_stack([part.uv for part, _, _ in pieces]),
        triangles=np.concatenate(
            [part.faces + o for (part, _, _), o in zip(pieces, offsets, strict=True)]
        ).astype(np.int32),
        material=np.repeat([index[m] for _, m, _ in pieces], counts).astype(np.int32),
        instance=np.repeat([i for _, _, i in pieces], counts).astype(np.int32),
        part=np.repeat(np.arange(len(pieces)), counts).astype(np.int32),
        materials=tuple(index),
    )


def _stack(arrays: Sequence[NDArray[np.float64]]) -> Float32:
    return np.ascontiguousarray(np.concatenate(arrays), np.float32)

"""Deferred shading: textures times baked light at the first hits of rays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenes.materials import Material
from scenes.mesh import Mesh
from scenes.raycast import Hits
from scenes.textures import texture

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """All textures of a room end to end, with what the shader needs of each material."""

    texels: Float32
    offset: NDArray[np.int64]
    rows: Int32
    columns: Int32
    repeats: Float32
    mean: Float32
    glow: Float32
    specular: Float32
    roughness: Float32
    outdoors: NDArray[np.bool_]

    @classmethod
    def of(cls, materials: tuple[Material, ...]) -> Atlas:
        """Synthesise (or fetch) the textures of the materials."""
        images = [texture(m) for m in materials]
        sizes = [image.shape[0] * image.shape[1] for image in images]
        return cls(
            texels=np.concatenate([image.reshape(-1, 3) for image in images]),
            offset=np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64),
            rows=np.array([image.shape[0] for image in images], np.int32),
            columns=np.array([image.shape[1] for image in images], np.int32),
            repeats=np.array([1 / m.tile for m in materials], np.float32),
            mean=np.array([image.reshape(-1, 3).mean(axis=0) for image in images], np.float32),
            glow=np.array([m.glow for m in materials], np.float32),
            specular=np.array([m.specular for m in materials], np.float32),
            roughness=np.array([m.roughness for m in materials], np.float32),
            outdoors=np.array([m.kind == "outdoors" for m in materials]),
        )

    def sample(self, material: Int32, u: Float32, v: Float32) -> Float32:
        """Bilinear texture colours (N, 3) in linear light; u and v in texture repeats."""
        columns, rows = self.columns[material], self.rows[material]
        x = (u - np.floor(u)) * columns - np.float32(0.5)
        y = (v - np.floor(v)) * rows - np.float32(0.5)
        x0, y0 = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
        fx, fy = (x - x0)[:, None], (y - y0)[:, None]
        x1, y1 = (x0 + 1) % columns, (y0 + 1) % rows
        x0, y0 = x0 % columns, y0 % rows
        base = self.offset[material]
        top, bottom = base + y0 * columns, base + y1 * columns
        upper = self.texels[top + x0] * (1 - fx) + self.texels[top + x1] * fx
        lower = self.texels[bottom + x0] * (1 - fx) + self.texels[bottom + x1] * fx
        mixed: Float32 = upper * (1 - fy) + lower * fy
        return mixed


def corner_mix(values: Float32, corners: Int32, u: Float32, v: Float32) -> Float32:
    """Per-vertex values (V, k) at barycentric places of triangles with these corners (N, 3)."""
    w = (1 - u - v)[:, None]
    mixed: Float32 = (
        values[corners[:, 0]] * w
        + values[corners[:, 1]] * u[:, None]
        + values[corners[:, 2]] * v[:, None]
    )
    return mixed


def albedo(mesh: Mesh, atlas: Atlas, hits: Hits, directions: Float32) -> Float32:
    """Surface colours (N, 3) in linear light; every ray must have hit something."""
    corners = mesh.triangles[hits.triangle]
    material = mesh.material[hits.triangle]
    uv = corner_mix(mesh.uv, corners, hits.u, hits.v) * atlas.repeats[material][:, None]
    u, v = uv[:, 0], uv[:, 1]
    far = np.flatnonzero(atlas.outdoors[material])
    if far.size:
        # What is outdoors is endlessly far: its picture depends on the direction alone.
        d = directions[far]
        u[far] = np.arctan2(d[:, 1], d[:, 0]) * np.float32(0.5 / np.pi) * 2
        rise = np.arctan2(d[:, 2], np.hypot(d[:, 0], d[:, 1]))
        v[far] = np.clip(rise / np.float32(np.radians(120)) + np.float32(0.5), 0.002, 0.998)
    return atlas.sample(material, u, v)

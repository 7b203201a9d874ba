"""All textures of a room in one array, with smaller copies for distant surfaces."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surveyor.scenes.rooms.surfaces.materials import Material
from surveyor.scenes.rooms.surfaces.textures import texture

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]
LEVELS = 7


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """Textures end to end, and what the shader needs of each material.

    ``offset``, ``rows`` and ``columns`` are (materials, `LEVELS`); level k is k times halved.
    """

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
        pyramids = [_pyramid(texture(m)) for m in materials]
        sizes = [image.shape[0] * image.shape[1] for levels in pyramids for image in levels]
        start = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        shape = (len(materials), LEVELS)
        flat = [image.reshape(-1, 3) for levels in pyramids for image in levels]
        return cls(
            texels=np.concatenate(flat),
            offset=start.reshape(shape).astype(np.int64),
            rows=np.array([[q.shape[0] for q in p] for p in pyramids], np.int32),
            columns=np.array([[q.shape[1] for q in p] for p in pyramids], np.int32),
            repeats=np.array([1 / m.tile for m in materials], np.float32),
            mean=np.array([p[-1].reshape(-1, 3).mean(axis=0) for p in pyramids], np.float32),
            glow=np.array([m.glow for m in materials], np.float32),
            specular=np.array([m.specular for m in materials], np.float32),
            roughness=np.array([m.roughness for m in materials], np.float32),
            outdoors=np.array([m.kind == "outdoors" for m in materials]),
        )

    def by_day(self, day: float) -> Atlas:
        """The same with the view outdoors ``day`` times as bright."""
        return replace(self, glow=np.where(self.outdoors, self.glow * np.float32(day), self.glow))

    def level(self, material: Int32, footprint: Float32) -> Int32:
        """The copy whose texels are about as large as a pixel's footprint, in texture units."""
        texels = np.maximum(footprint * self.columns[material, 0], np.float32(1))
        level: Int32 = np.minimum(np.log2(texels) + np.float32(0.3), LEVELS - 1).astype(np.int32)
        return level

    def sample(self, material: Int32, level: Int32, u: Float32, v: Float32) -> Float32:
        """Bilinear texture colours (N, 3) in linear light; u and v in texture repeats."""
        columns, rows = self.columns[material, level], self.rows[material, level]
        x = (u - np.floor(u)) * columns - np.float32(0.5)
        y = (v - np.floor(v)) * rows - np.float32(0.5)
        x0, y0 = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
        fx, fy = (x - x0)[:, None], (y - y0)[:, None]
        x1, y1 = (x0 + 1) % columns, (y0 + 1) % rows
        x0, y0 = x0 % columns, y0 % rows
        base = self.offset[material, level]
        top, bottom = base + y0 * columns, base + y1 * columns
        mixed: Float32 = self.texels.take(top + x0, axis=0) * ((1 - fx) * (1 - fy))
        mixed += self.texels.take(top + x1, axis=0) * (fx * (1 - fy))
        mixed += self.texels.take(bottom + x0, axis=0) * ((1 - fx) * fy)
        mixed += self.texels.take(bottom + x1, axis=0) * (fx * fy)
        return mixed


def _pyramid(image: Float32) -> list[Float32]:
    """The image and its halvings; a side of one texel stays."""
    levels = [image]
    while len(levels) < LEVELS:
        last = levels[-1]
        rows, columns = last.shape[0] // 2 * 2, last.shape[1] // 2 * 2
        if min(rows, columns) < 2:
            levels.append(last)
            continue
        cut = last[:rows, :columns]
        quarter = cut[0::2, 0::2] + cut[1::2, 0::2] + cut[0::2, 1::2] + cut[1::2, 1::2]
        levels.append((quarter / 4).astype(np.float32))
    return levels

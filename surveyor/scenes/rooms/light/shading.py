"""Deferred shading: textures times baked light at the first hits of rays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.scenes.capture.raycast import Hits, RayCaster
from surveyor.scenes.rooms.light.lookup import BakedLight
from surveyor.scenes.rooms.mesh import Mesh
from surveyor.scenes.rooms.surfaces.atlas import Atlas

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]
MIDDLE_GREY = 0.5
GLOW = 0.75
SMOOTH = 0.32
WEAK = 0.05
# Width of a pixel at one metre, with some allowance for slanted surfaces.
PIXEL = 1.5 / 474


def corner_mix(values: Float32, corners: Int32, u: Float32, v: Float32) -> Float32:
    """Per-vertex values (V, k) at barycentric places of triangles with these corners (N, 3)."""
    mixed = values.take(corners[:, 0], axis=0) * (1 - u - v)[:, None]
    mixed += values.take(corners[:, 1], axis=0) * u[:, None]
    mixed += values.take(corners[:, 2], axis=0) * v[:, None]
    return mixed


def albedo(
    mesh: Mesh,
    atlas: Atlas,
    hits: Hits,
    directions: Float32,
    footprint: Float32 | None = None,
) -> Float32:
    """Surface colours (N, 3) in linear light.

    ``footprint`` (N,) is the width of a pixel in texture coordinates, which picks the texture copy,
    the largest when it is None; what misses everything gets some colour.
    """
    corners = mesh.triangles.take(hits.triangle, axis=0)
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
    level = np.zeros_like(material)
    if footprint is not None:
        level = atlas.level(material, footprint * atlas.repeats[material])
        level[far] = 0
    return atlas.sample(material, level, u, v)


def uv_density(mesh: Mesh) -> Float32:
    """(T,) texture coordinates per metre on every triangle."""
    corner, uv = mesh.vertices[mesh.triangles], mesh.uv[mesh.triangles]
    area = np.linalg.norm(
        np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1
    )
    a, b = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    spread = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    density: Float32 = np.sqrt(spread / np.maximum(area, 1e-12)).astype(np.float32)
    return density


@dataclass(frozen=True, slots=True, eq=False)
class Shader:
    """Radiance along rays: textures under baked light, mirrors, gloss."""

    mesh: Mesh
    caster: RayCaster
    atlas: Atlas
    baked: BakedLight
    density: Float32
    exposure: float

    @classmethod
    def of(cls, mesh: Mesh, caster: RayCaster, atlas: Atlas, baked: BakedLight) -> Shader:
        """A shader whose exposure makes a well-lit part of this room middle grey."""
        sample = baked.irradiance.mean(axis=1)
        bright = float(np.percentile(sample[sample > 0.01], 75)) if (sample > 0.01).any() else 0.0
        return cls(mesh, caster, atlas, baked, uv_density(mesh), MIDDLE_GREY / max(bright, 0.02))

    def radiance(self, hits: Hits, origins: Float32, directions: Float32) -> Float32:
        """What N rays see (N, 3), in the unit of the lights; black where nothing was hit."""
        return self._shade(hits, origins, directions, bounce=True)

    def _shade(self, hits: Hits, origins: Float32, directions: Float32, bounce: bool) -> Float32:
        material = self.mesh.material[hits.triangle]
        footprint = np.minimum(hits.distance, np.float32(30)) * np.float32(PIXEL)
        footprint *= self.density[hits.triangle]
        colour = albedo(self.mesh, self.atlas, hits, directions, footprint)
        glow = self.atlas.glow[material]
        light = colour * self.baked.at(hits)
        # Glowing things are set relative to the exposure: a screen is as bright by day as by night.
        own = np.flatnonzero(glow)
        light[own] = colour[own] * (glow[own] * np.float32(GLOW / self.exposure))[:, None]
        if bounce:
            self._reflect(light, hits, origins, directions, material)
        light[hits.triangle < 0] = 0
        return light

    def _reflect(
        self, light: Float32, hits: Hits, origins: Float32, directions: Float32, material: Int32
    ) -> None:
        """Add mirror images to smooth surfaces, in place, by Schlick's Fresnel term."""
        shiny = (self.atlas.specular[material] > 0.02) & (self.atlas.roughness[material] < SMOOTH)
        k = np.flatnonzero(shiny & (hits.triangle >= 0))
        if not len(k):
            return
        corners = self.mesh.triangles[hits.triangle[k]]
        normal = corner_mix(self.mesh.normals, corners, hits.u[k], hits.v[k])
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + np.float32(1e-9)
        d = directions[k] / np.linalg.norm(directions[k], axis=1, keepdims=True)
        cosine = (d * normal).sum(axis=1, keepdims=True)
        normal = np.where(cosine > 0, -normal, normal)
        cosine = np.abs(cosine)
        base = self.atlas.specular[material[k]][:, None]
        rough = self.atlas.roughness[material[k]][:, None]
        clear = np.sqrt(1 - rough / SMOOTH)
        share = (base + (1 - base) * (1 - cosine) ** 5) * clear
        # Weak reflections fade out, so that most pixels of a floor need no second ray.
        share = np.where(base > 0.1, share, np.maximum(share - WEAK, 0))
        keep = np.flatnonzero(share[:, 0] > 0)
        k, share, d, normal, cosine = k[keep], share[keep], d[keep], normal[keep], cosine[keep]
        if not len(k):
            return
        start = origins[k] + directions[k] * hits.distance[k][:, None] + normal * np.float32(2e-3)
        turned = (d + 2 * cosine * normal).astype(np.float32)
        found = self.caster.hit(start, turned)
        seen = self._shade(found, start, turned, bounce=False)
        light[k] = light[k] * (1 - share) + np.minimum(seen, 3 / self.exposure) * share

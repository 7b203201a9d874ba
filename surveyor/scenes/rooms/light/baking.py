"""Light baked once per room: direct light from windows and lamps, then diffuse bounces.

Values are irradiance over pi, so that a surface sends out its colour times the value. Direct light
is summed over fixed points on every light with shadow rays; bounces reuse one set of
cosine-distributed rays per sample as a sparse gathering matrix (a Monte Carlo form of radiosity).
All samples use the same low-discrepancy points: their error is smooth, not noisy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from surveyor.scenes.capture.raycast import RayCaster
from surveyor.scenes.rooms.light.lookup import BakedLight
from surveyor.scenes.rooms.light.patches import Patches, build_patches
from surveyor.scenes.rooms.light.sources import Light
from surveyor.scenes.rooms.mesh import Mesh
from surveyor.scenes.rooms.surfaces.atlas import Atlas

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]
LIFT = 4e-3
DARKEST, BRIGHTEST = 0.02, 0.85
CLOSE = 0.05
BURIED = 0.45


@dataclass(frozen=True, slots=True)
class BakeQuality:
    """Rays per sample for bounces, and how many bounces. ``reach``: metres to which a source's own
    light is followed; None: any distance."""

    rays: int = 32
    bounces: int = 4
    reach: float | None = None


def bake_light(
    mesh: Mesh, caster: RayCaster, lights: tuple[Light, ...], atlas: Atlas, quality: BakeQuality
) -> BakedLight:
    """Bake the light of a room."""
    patches = build_patches(mesh)
    origins = patches.place + patches.normal * np.float32(LIFT)
    direct = np.zeros((len(origins), 3), np.float32)
    for light in lights:
        if quality.reach is None:
            direct += _direct(caster, origins, patches.normal, light)
            continue
        apart = np.abs(origins - light.points.mean(axis=0).astype(np.float32)).max(axis=1)
        near = np.flatnonzero(apart < quality.reach)
        direct[near] += _direct(caster, origins[near], patches.normal[near], light)
    gather, buried = _gather(mesh, caster, patches, origins, quality.rays)
    colour = np.clip(atlas.mean[patches.material], DARKEST, BRIGHTEST)
    colour[atlas.glow[patches.material] > 0] = 0.5
    indirect, bounce = np.zeros_like(direct), direct
    for _ in range(quality.bounces):
        bounce = gather @ (bounce * colour)
        indirect += bounce
    free = buried < BURIED
    total = direct + _smoothed(patches, indirect, free)
    _fill_buried(total, free, mesh.instance[patches.triangle])
    trust = np.where(free, 1, 1e-4).astype(np.float32)
    return BakedLight(patches, total.astype(np.float32), trust)


def _smoothed(patches: Patches, light: Float32, free: NDArray[np.bool_]) -> Float32:
    """Bounced light averaged twice with its neighbours on the lattices."""
    a, b = patches.neighbours()
    keep = free[a] & free[b]
    a, b = a[keep], b[keep]
    ones = np.ones(2 * len(a), np.float32)
    shape = (len(light), len(light))
    ends = np.concatenate([a, b]), np.concatenate([b, a])
    near = sparse.csr_array((ones, ends), shape=shape)
    degree = (near @ np.ones(len(light), np.float32))[:, None]
    for _ in range(2):
        mean = (near @ light) / np.maximum(degree, 1)
        light = np.where(degree > 0, 0.5 * light + 0.5 * mean, light)
    return light


def _fill_buried(light: Float32, free: NDArray[np.bool_], instance: Int32) -> None:
    """Give buried samples the mean light of their thing, in place, should one ever be seen."""
    count = int(instance.max()) + 1
    weight = np.maximum(np.bincount(instance[free], minlength=count), 1)
    for k in range(3):
        mean = np.bincount(instance[free], weights=light[free, k], minlength=count) / weight
        light[~free, k] = mean[instance[~free]]


def _direct(caster: RayCaster, origins: Float32, normals: Float32, light: Light) -> Float32:
    """Light that reaches the samples straight from one source."""
    total = np.zeros((len(origins), 3), np.float32)
    points = light.points.astype(np.float32)
    for point in points:
        path = point - origins
        distance = np.sqrt((path * path).sum(axis=1))
        cosine = (path * normals).sum(axis=1) / distance
        leaving = np.ones_like(cosine)
        if light.normal is not None:
            leaving = -(path @ np.asarray(light.normal, np.float32)) / distance
        lit = np.flatnonzero((cosine > 1e-3) & (leaving > 1e-3))
        reach = np.clip(1 - light.skin / distance[lit], 1e-3, 1).astype(np.float32)
        free = lit[~caster.occluded(origins[lit], path[lit], reach)]
        near = np.maximum(distance[free], max(CLOSE, light.skin)) ** 2
        form = cosine[free] * leaving[free] * light.area / (np.pi * len(points) * near)
        total[free] += form[:, None].astype(np.float32) * np.asarray(light.radiance, np.float32)
    return total


def _gather(
    mesh: Mesh, caster: RayCaster, patches: Patches, origins: Float32, rays: int
) -> tuple[sparse.csr_array, Float32]:
    """What samples see, as a matrix, and the share of their rays that hit bodies from inside.

    Row s holds weights on the samples around the hits of sample s's rays.
    """
    count = len(origins)
    tangent, bitangent = _frames(patches.normal)
    shares, turns = hammersley(rays)
    columns = np.zeros((count, rays, 4), np.int32)
    weights = np.zeros((count, rays, 4), np.float32)
    buried = np.zeros(count, np.float32)
    for k in range(rays):
        radius, angle = np.sqrt(shares[k]), 2 * np.pi * turns[k]
        x, y, z = radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - shares[k])
        path = np.float32(x) * tangent + np.float32(y) * bitangent + np.float32(z) * patches.normal
        hits = caster.hit(origins, path)
        seen = np.flatnonzero(hits.triangle >= 0)
        behind = _from_behind(mesh, hits.triangle[seen], path[seen])
        buried[seen[behind]] += 1 / rays
        seen = seen[~behind]
        samples, weight = patches.lookup(hits.triangle[seen], hits.u[seen], hits.v[seen])
        columns[seen, k] = samples
        weights[seen, k] = weight / rays
    starts = np.arange(0, count * rays * 4 + 1, rays * 4)
    matrix = sparse.csr_array((weights.ravel(), columns.ravel(), starts), shape=(count, count))
    return matrix, buried


def _from_behind(mesh: Mesh, triangle: Int32, path: Float32) -> NDArray[np.bool_]:
    """Whether rays hit the inside of a closed body, where it is dark."""
    corner = mesh.vertices[mesh.triangles[triangle]]
    outwards = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    behind: NDArray[np.bool_] = (outwards * path).sum(axis=1) > 0
    return behind


def hammersley(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A low-discrepancy point set in the unit square."""
    index = np.arange(count)
    reversed_bits, scale, left = np.zeros(count), 0.5, index.copy()
    while left.any():
        reversed_bits += scale * (left & 1)
        left >>= 1
        scale /= 2
    return (index + 0.5) / count, reversed_bits


def _frames(normal: Float32) -> tuple[Float32, Float32]:
    """Two unit vectors across each normal, without branches (Duff et al., JCGT 2017)."""
    x, y, z = normal.T
    sign = np.where(z >= 0, np.float32(1), np.float32(-1))
    a = -1 / (sign + z)
    b = x * y * a
    tangent = np.stack([1 + sign * x * x * a, sign * b, -sign * x], axis=1)
    bitangent = np.stack([b, sign + y * y * a, -y], axis=1)
    return tangent.astype(np.float32), bitangent.astype(np.float32)

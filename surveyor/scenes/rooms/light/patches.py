"""Where light is stored: a small lattice of samples on every triangle.

The geometry that rays meet stays coarse; light lives at metric resolution on the parallelogram
that a triangle's first corner spans, in the spirit of mesh colors (Yuksel, Keyser and House, ACM
TOG 2010), but rectangular, because furniture is made of quads. Lattice nodes that lie together
share one sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.scenes.rooms.mesh import Mesh

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
# Things stand on level surfaces: there light changes quickly, at their feet.
SPACING, LEVEL_SPACING = 0.12, 0.05
LEVEL_SIDE = 0.15
LONGEST = 128
WELD_SHARE = 0.42
NORMAL_STEPS = 3
INSET = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """Lattices of all triangles and the samples that they share.

    ``nu``, ``nv`` cells and the first node ``start`` per triangle; ``sample`` per node; samples
    have a place (S, 3), a unit normal (S, 3), a material index and one of their triangles.
    """

    nu: Int32
    nv: Int32
    start: Int64
    sample: Int32
    place: Float32
    normal: Float32
    material: Int32
    triangle: Int64

    def lookup(self, triangle: Int32, u: Float32, v: Float32) -> tuple[Int32, Float32]:
        """Samples (N, 4) around places on triangles and their bilinear weights (N, 4)."""
        nu, nv = self.nu[triangle], self.nv[triangle]
        x, y = u * nu, v * nv
        i = np.minimum(x.astype(np.int32), nu - 1)
        j = np.minimum(y.astype(np.int32), nv - 1)
        fx, fy = x - i, y - j
        node = self.start[triangle] + i * (nv + 1) + j
        nodes = np.stack([node, node + 1, node + nv + 1, node + nv + 2], axis=1)
        weights = np.stack([(1 - fx) * (1 - fy), (1 - fx) * fy, fx * (1 - fy), fx * fy], axis=1)
        return self.sample[nodes], weights.astype(np.float32)

    def neighbours(self) -> tuple[Int32, Int32]:
        """Pairs of samples that are next to each other on a lattice."""
        node_triangle = np.repeat(np.arange(len(self.nu)), (self.nu + 1) * (self.nv + 1))
        columns = self.nv[node_triangle] + 1
        local = np.arange(len(self.sample)) - self.start[node_triangle]
        right = np.flatnonzero((local + 1) % columns != 0)
        below = np.flatnonzero(local + columns < (self.nu[node_triangle] + 1) * columns)
        first = np.concatenate([self.sample[right], self.sample[below]])
        second = np.concatenate([self.sample[right + 1], self.sample[below + columns[below]]])
        apart = first != second
        return first[apart], second[apart]


def build_patches(mesh: Mesh) -> Patches:
    """Lay lattices over a mesh, finer on what can carry things, and weld their nodes."""
    corner = mesh.vertices[mesh.triangles]
    along, across = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    lengths = np.linalg.norm(along, axis=1), np.linalg.norm(across, axis=1)
    spacing = _spacing(mesh, lengths)
    nu, nv = (np.clip(np.ceil(q / spacing), 1, LONGEST).astype(np.int32) for q in lengths)
    hidden = np.array([m.hidden for m in mesh.materials])[mesh.material]
    nu[hidden] = nv[hidden] = 1
    count = (nu + 1) * (nv + 1)
    start = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64)
    triangle = np.repeat(np.arange(len(count)), count)
    local = np.arange(int(count.sum())) - start[triangle]
    u = (local // (nv[triangle] + 1)) / nu[triangle]
    v = (local % (nv[triangle] + 1)) / nv[triangle]
    place = corner[triangle, 0] + u[:, None] * along[triangle] + v[:, None] * across[triangle]
    # A sample right in a corner sees nothing: it is taken a little inside its patch.
    inner_u, inner_v = _inset(u, lengths[0][triangle]), _inset(v, lengths[1][triangle])
    inner = (
        corner[triangle, 0]
        + inner_u[:, None] * along[triangle]
        + inner_v[:, None] * across[triangle]
    )
    normal = _node_normals(mesh, triangle, u, v)
    sample = _weld(mesh.part[triangle], place, normal, WELD_SHARE * spacing[triangle])
    size = int(sample.max()) + 1
    first = np.zeros(size, np.int64)
    first[sample[::-1]] = triangle[::-1]
    mean_normal = _mean(sample, normal, size)
    mean_normal /= np.maximum(np.linalg.norm(mean_normal, axis=1, keepdims=True), 1e-9)
    return Patches(
        nu, nv, start, sample,
        place=_mean(sample, inner, size).astype(np.float32),
        normal=mean_normal.astype(np.float32),
        material=mesh.material[first],
        triangle=first,
    )  # fmt: skip


def _inset(share: NDArray[np.float64], length: Float32) -> NDArray[np.float64]:
    margin = np.minimum(INSET / np.maximum(length, 1e-6), 0.3)
    inner: NDArray[np.float64] = np.clip(share, margin, 1 - margin)
    return inner


def _node_normals(
    mesh: Mesh, triangle: Int64, u: NDArray[np.float64], v: NDArray[np.float64]
) -> NDArray[np.float64]:
    corners = mesh.triangles[triangle]
    n = mesh.normals
    mixed = (
        n[corners[:, 0]] * (1 - u - v)[:, None]
        + n[corners[:, 1]] * u[:, None]
        + n[corners[:, 2]] * v[:, None]
    )
    unit: NDArray[np.float64] = mixed / np.maximum(
        np.linalg.norm(mixed, axis=1, keepdims=True), 1e-9
    )
    return unit


def _spacing(mesh: Mesh, lengths: tuple[Float32, Float32]) -> Float32:
    """(T,) metres between the nodes of every triangle's lattice."""
    up = (mesh.normals[mesh.triangles][..., 2] > 0.99).all(axis=1)
    wide = np.minimum(*lengths) > LEVEL_SIDE
    return np.where(up & wide, np.float32(LEVEL_SPACING), np.float32(SPACING))


def _weld(
    part_of: Int32, place: NDArray[np.float64], normal: NDArray[np.float64], reach: Float32
) -> Int32:
    """The sample of every node: nodes of one part within ``reach`` and alike in normal."""
    cell = np.round(place / reach[:, None]).astype(np.int64) + 4096
    tilt = np.round(normal * NORMAL_STEPS).astype(np.int64) + NORMAL_STEPS
    key = part_of.astype(np.int64)
    for part, size in ((cell, 8192), (tilt, 2 * NORMAL_STEPS + 1)):
        for axis in range(3):
            key = _mix(key, part[:, axis], size)
    sample: Int32 = np.unique(key, return_inverse=True)[1].ravel().astype(np.int32)
    return sample


def _mix(key: Int64, part: Int64, size: int) -> Int64:
    """Fold another coordinate into a key; wraps round, which a 64-bit hash may."""
    with np.errstate(over="ignore"):
        mixed: Int64 = key * np.int64(size * 2 + 1) + part
        return mixed ^ (mixed >> 29)


def _mean(sample: Int32, values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    count = np.bincount(sample, minlength=size)
    sums = [np.bincount(sample, weights=values[:, k], minlength=size) for k in range(3)]
    return np.stack(sums, axis=1) / count[:, None]

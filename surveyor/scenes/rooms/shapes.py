"""Shapes that furniture is composed of: rounded boxes, lathes, tubes, cushions, sheets.

Every shape is a `Part` in metres, x forward, z up, wound so that the cross product of a face's
edges points outwards. Faces come from quad grids and keep the corner with the (nearly) right
angle first, so that the barycentric pair (u, v) of a hit is a rectangular coordinate on the quad:
baked light is stored on such rectangular patches (see `light_patches`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surveyor.core.geometry import cross

Float = NDArray[np.float64]
Faces = NDArray[np.int32]
SHARP = np.radians(50)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A surface: vertices, unit normals (N, 3), texture coordinates (N, 2), faces (M, 3)."""

    vertices: Float
    normals: Float
    uv: Float
    faces: Faces

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Part:
        """The part shifted by metres."""
        return Part(self.vertices + np.array([x, y, z]), self.normals, self.uv, self.faces)

    def turned(self, matrix: Float) -> Part:
        """The part under a 3x3 rotation."""
        return replace(self, vertices=self.vertices @ matrix.T, normals=self.normals @ matrix.T)

    def scaled(self, x: float, y: float, z: float) -> Part:
        """The part stretched along its axes; factors are positive."""
        factor = np.array([x, y, z])
        normals = self.normals / factor
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return replace(self, vertices=self.vertices * factor, normals=normals)

    def bent(self, warp: Callable[[Float], Float]) -> Part:
        """The part with its vertices moved by ``warp`` and its normals made smooth again."""
        vertices = warp(self.vertices)
        return replace(self, vertices=vertices, normals=smooth_normals(vertices, self.faces))


def rotation(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Float:
    """3x3 rotation by radians about x, then y, then z."""
    cx, sx, cy, sy, cz, sz = np.cos(x), np.sin(x), np.cos(y), np.sin(y), np.cos(z), np.sin(z)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1.0]])
    turn: Float = about_z @ about_y @ about_x
    return turn


def joined(parts: Sequence[Part]) -> Part:
    """Several parts as one."""
    offsets = np.cumsum([0, *(len(p.vertices) for p in parts[:-1])])
    return Part(
        np.concatenate([p.vertices for p in parts]),
        np.concatenate([p.normals for p in parts]),
        np.concatenate([p.uv for p in parts]),
        np.concatenate([p.faces + o for p, o in zip(parts, offsets, strict=True)]).astype(np.int32),
    )


def grid_faces(rows: int, columns: int) -> Faces:
    """Two triangles per cell of a ``rows`` x ``columns`` vertex grid, right angle first.

    Outwards is d(row) x d(column).
    """
    a = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)[None]).ravel()
    b, c, d = a + columns, a + columns + 1, a + 1
    first, second = np.stack([a, b, d], axis=1), np.stack([c, d, b], axis=1)
    return np.concatenate([first, second]).astype(np.int32)


def flipped(faces: Faces) -> Faces:
    """The same faces seen from behind; the first corner stays first."""
    return np.ascontiguousarray(faces[:, [0, 2, 1]])


def smooth_normals(vertices: Float, faces: Faces) -> Float:
    """Area-weighted vertex normals, shared by vertices at the same place."""
    _, place = np.unique(np.round(vertices, 5), axis=0, return_inverse=True)
    place = place.ravel()
    corner = vertices[faces]
    face_normals = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    own = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(own, faces[:, k], face_normals)
    total = np.zeros((int(place.max()) + 1, 3))
    np.add.at(total, place, own)
    shared = total[place]
    # Where two sides lie back to back their sum vanishes: each keeps its own normal there.
    length = np.linalg.norm(shared, axis=1, keepdims=True)
    cancelled = length < 1e-3 * np.linalg.norm(own, axis=1, keepdims=True)
    normals = np.where(cancelled, own, shared)
    unit: Float = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return unit


def box(x: float, y: float, z: float, bevel: float = 0.004, steps: int = 1, cells: int = 1) -> Part:
    """A box with rounded edges, centred at the origin.

    ``steps`` facets make half of a rounded edge; ``cells`` divide each flat side, for bending.
    """
    size = np.array([x, y, z], np.float64)
    bevel = min(bevel, float(size.min()) / 2 * 0.98)
    form = _box_form(steps if bevel > 0 else 0, cells)
    vertices = form.core * (size / 2 - bevel) + form.normals * bevel
    # Grain runs along the longer edge of a side, so u of the texture follows it.
    columns = np.array(
        [(u, v) if size[u] >= size[v] else (v, u) for u, v in ((1, 2), (2, 0), (0, 1))]
    )
    uv = np.take_along_axis(vertices, columns[form.axis], axis=1)
    return Part(vertices, form.normals.copy(), uv, form.faces.copy())


@dataclass(frozen=True, slots=True, eq=False)
class _BoxForm:
    """What boxes of one division have in common.

    A vertex lies at ``core`` (in half sizes less the bevel) and a bevel away along its normal;
    ``axis`` is the one that its side faces along.
    """

    core: Float
    normals: Float
    axis: Faces
    faces: Faces


@lru_cache(maxsize=32)
def _box_form(steps: int, cells: int) -> _BoxForm:
    # A side covers half of the quarter round that it shares with its neighbour.
    rim = np.tan(np.linspace(np.pi / 4, 0, steps + 1))[:-1]
    flat = np.linspace(-1, 1, cells + 1)
    across = np.concatenate([-np.ones(steps), flat, np.ones(steps)])
    outwards = np.concatenate([-rim, np.zeros(cells + 1), rim[::-1]])
    lines = len(across)
    cores: list[Float] = []
    normals: list[Float] = []
    faces: list[Faces] = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for sign in (1, -1):
            core, normal = np.full((2, lines, lines, 3), float(sign))
            core[..., u], core[..., v] = across[:, None], across[None]
            normal[..., u], normal[..., v] = outwards[:, None], outwards[None]
            cores.append(core.reshape(-1, 3))
            normals.append(normal.reshape(-1, 3))
            grid = grid_faces(lines, lines) + len(faces) * lines**2
            faces.append(grid if sign > 0 else flipped(grid))
    normal = np.concatenate(normals)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    sides = np.repeat(np.repeat(np.arange(3), 2), lines**2).astype(np.int32)
    return _BoxForm(np.concatenate(cores), normal, sides, np.concatenate(faces).astype(np.int32))


def lathe(profile: Sequence[tuple[float, float]], sides: int = 20) -> Part:
    """A profile of (radius, height) turned about z, listed so that outside lies to its right.

    Going upwards on the outer wall is outwards-facing. Bends of more than `SHARP` stay sharp.
    """
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    cos, sin = np.cos(angle), np.sin(angle)
    cos[-1], sin[-1] = cos[0], sin[0]
    starts, ends = _profile_normals(np.array(profile, np.float64))
    grid = flipped(grid_faces(2, sides + 1))
    bands: list[Part] = []
    along = 0.0
    for k, ((r0, z0), (r1, z1)) in enumerate(pairwise(profile)):
        length = float(np.hypot(r1 - r0, z1 - z0))
        points, normals = np.empty((2, 2, sides + 1, 3))
        uv = np.empty((2, sides + 1, 2))
        uv[..., 0], uv[0, :, 1], uv[1, :, 1] = angle * max(r0, r1, 0.02), along, along + length
        for end, (radius, height), slope in ((0, (r0, z0), starts[k]), (1, (r1, z1), ends[k])):
            for ring, (out, up) in ((points[end], (radius, height)), (normals[end], slope)):
                ring[:, 0], ring[:, 1], ring[:, 2] = out * cos, out * sin, up
        faces = _solid(points, grid) if min(r0, r1) < 1e-6 else grid
        bands.append(Part(points.reshape(-1, 3), normals.reshape(-1, 3), uv.reshape(-1, 2), faces))
        along += length
    return joined(bands)


def _profile_normals(profile: Float) -> tuple[Float, Float]:
    """Outward (radial, vertical) normals at both ends of every band, blended over soft bends."""
    step = np.diff(profile, axis=0)
    length = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)
    flat = np.stack([step[:, 1], -step[:, 0]], axis=1) / length[:, None]
    starts, ends = flat.copy(), flat.copy()
    for k in range(len(flat) - 1):
        if flat[k] @ flat[k + 1] > np.cos(SHARP):
            middle = flat[k] + flat[k + 1]
            starts[k + 1] = ends[k] = middle / np.linalg.norm(middle)
    return starts, ends


def _solid(points: Float, faces: Faces) -> Faces:
    """The faces that have an area: the poles of a lathe collapse one of each pair."""
    corner = points.reshape(-1, 3)[faces]
    area = np.linalg.norm(
        np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1
    )
    return np.ascontiguousarray(faces[area > 1e-10])


def cylinder(radius: float, height: float, top: float | None = None, sides: int = 16) -> Part:
    """A closed cylinder or cone frustum standing on z = 0."""
    upper = radius if top is None else top
    return lathe([(0, 0), (radius, 0), (upper, height), (0, height)], sides)


def tube(path: ArrayLike, radius: float, sides: int = 8) -> Part:
    """A round rod along a path (N, 3), with flat ends."""
    points = np.asarray(path, np.float64)
    tangent = np.gradient(points, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    up = (
        np.array([0, 0, 1.0])
        if np.abs(tangent[:, 2]).max() < 0.95
        else np.array([0.577, 0.7, 0.42])
    )
    across = np.cross(tangent, up)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    other = np.cross(across, tangent)
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    ring = np.cos(angle)[:, None] * across[:, None] + np.sin(angle)[:, None] * other[:, None]
    vertices = points[:, None] + radius * ring
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    uv = np.stack(np.broadcast_arrays(along[:, None], angle * radius), axis=-1)
    wall = Part(
        vertices.reshape(-1, 3),
        ring.reshape(-1, 3),
        uv.reshape(-1, 2),
        grid_faces(len(points), sides + 1),
    )
    return joined(
        [
            wall,
            _cap(points[0], vertices[0], -tangent[0]),
            _cap(points[-1], vertices[-1], tangent[-1]),
        ]
    )


def _cap(centre: Float, ring: Float, normal: Float) -> Part:
    """A fan that closes the end of a tube."""
    n = len(ring) - 1
    vertices = np.concatenate([centre[None], ring])
    faces = np.zeros((n, 3), np.int32)
    faces[:, 1], faces[:, 2] = np.arange(1, n + 1), np.arange(2, n + 2)
    corner = vertices[faces[0]]
    if cross(corner[1] - corner[0], corner[2] - corner[0]) @ normal < 0:
        faces = flipped(faces)
    return Part(vertices, np.tile(normal, (n + 2, 1)), (vertices - centre)[:, :2] * 1.0, faces)


def rod(start: Sequence[float], end: Sequence[float], radius: float, sides: int = 8) -> Part:
    """A straight round rod between two points."""
    return tube(np.linspace(start, end, 2), radius, sides)


def hoop(radius: float, thickness: float, steps: int = 40, sides: int = 8) -> Part:
    """A round ring of wire around z, centred at the origin; ``thickness`` is the wire's radius."""
    t = np.linspace(0, 2 * np.pi, steps + 1)
    circle = np.stack([radius * np.cos(t), radius * np.sin(t), 0 * t], axis=1)
    return tube(circle, thickness, sides)


def sheet(
    origin: Sequence[float], along: Sequence[float], up: Sequence[float], unit: bool = False
) -> Part:
    """A flat rectangle from a corner along two edges; it faces ``along`` x ``up``.

    ``unit`` gives texture coordinates 0..1 over the sheet (pictures, screens) instead of metres.
    """
    o, a, b = (np.asarray(w, np.float64) for w in (origin, along, up))
    corners = np.stack([o, o + b, o + a, o + a + b])
    normal = np.cross(a, b)
    u, v = (1.0, 1.0) if unit else (float(np.linalg.norm(a)), float(np.linalg.norm(b)))
    uv = np.array([[0, 0], [0, v], [u, 0], [u, v]])
    return Part(corners, np.tile(normal / np.linalg.norm(normal), (4, 1)), uv, grid_faces(2, 2))


def facing_front(width: float, height: float) -> Part:
    """A picture area centred at the origin that faces +x and is read by who stands there."""
    return sheet((0, -width / 2, -height / 2), (0, width, 0), (0, 0, height), unit=True)


def facing_up(depth: float, width: float) -> Part:
    """A picture area centred at the origin that faces +z and is read by who sits at +x."""
    return sheet((depth / 2, -width / 2, 0), (0, width, 0), (-depth, 0, 0), unit=True)


def surface(points: Float, uv: Float, two_sided: float = 0.0) -> Part:
    """A smooth surface through a vertex grid (R, C, 3); ``two_sided`` adds a back so far behind."""
    rows, columns = points.shape[:2]
    faces = grid_faces(rows, columns)
    flat = points.reshape(-1, 3)
    front = Part(flat, smooth_normals(flat, faces), uv.reshape(-1, 2), faces)
    if not two_sided:
        return front
    back = Part(flat - front.normals * two_sided, -front.normals, front.uv, flipped(faces))
    return joined([front, back])


def pillow(x: float, y: float, thickness: float, cells: int = 12, pinch: float = 0.07) -> Part:
    """A soft pillow lying on z = 0: two bulging sides that meet in a seam, corners pulled in."""
    k = np.sin(np.linspace(-np.pi / 2, np.pi / 2, cells))
    a, b = np.meshgrid(k, k, indexing="ij")
    pull = 1 - pinch * (1 - (a * b) ** 2) * np.maximum(np.abs(a), np.abs(b)) ** 4
    bulge = thickness / 2 * np.clip((1 - a**4) * (1 - b**4), 0, 1) ** 0.45
    half = thickness / 2
    top = np.stack([a * pull * x / 2, b * pull * y / 2, half + bulge], axis=-1).reshape(-1, 3)
    bottom = top * (1, 1, -1) + (0, 0, 2 * half)
    faces = grid_faces(cells, cells)
    vertices = np.concatenate([top, bottom])
    both = np.concatenate([faces, flipped(faces) + cells * cells]).astype(np.int32)
    return Part(vertices, smooth_normals(vertices, both), np.concatenate([top[:, :2]] * 2), both)


def cushion(x: float, y: float, z: float, round_off: float = 0.05, swell: float = 0.02) -> Part:
    """A rounded block, centred at the origin, whose top swells upwards by ``swell``."""

    def puff(v: Float) -> Float:
        weight = np.clip(1 - (2 * v[:, 0] / x) ** 2, 0, 1) * np.clip(
            1 - (2 * v[:, 1] / y) ** 2, 0, 1
        )
        lift = swell * weight * np.clip(v[:, 2] / (z / 2), 0, 1)
        return np.stack([v[:, 0], v[:, 1], v[:, 2] + lift], axis=1)

    return box(x, y, z, round_off, steps=2, cells=5).bent(puff)

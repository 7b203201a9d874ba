"""Rays against triangles: one small interface, Embree first, a portable numba caster second.

Directions need not be unit vectors: distances count in multiples of the direction, so rays
(x, y, 1) in camera axes give depth along the optical axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from surveyor.core.errors import UserError
from surveyor.scenes.rooms.mesh import Mesh

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]
Backend = Literal["embree", "numba"]
FAR = np.float32(1e30)


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """First hits of N rays: triangle index or -1, distance, and barycentric (u, v).

    The hit point is (1 - u - v) a + u b + v c of the triangle's corners a, b, c.
    """

    triangle: Int32
    distance: Float32
    u: Float32
    v: Float32


class RayCaster(Protocol):
    """What the renderer and the light bake ask of a ray backend."""

    def hit(self, origins: Float32, directions: Float32) -> Hits:
        """First hits of rays (N, 3), from both sides of every triangle."""
        ...

    def occluded(self, origins: Float32, directions: Float32, far: Float32) -> NDArray[np.bool_]:
        """(N,) whether anything lies between each origin and ``far`` directions away."""
        ...


class EmbreeCaster:
    """Intel Embree through embreex."""

    def __init__(self, vertices: Float32, triangles: Int32) -> None:
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene

        self._scene = EmbreeScene()
        self._mesh = TriangleMesh(self._scene, vertices, triangles)

    def hit(self, origins: Float32, directions: Float32) -> Hits:
        """See `RayCaster.hit`."""
        found = self._scene.run(_rays(origins), _rays(directions), output=1)
        return Hits(found["primID"], found["tfar"], found["u"], found["v"])

    def occluded(self, origins: Float32, directions: Float32, far: Float32) -> NDArray[np.bool_]:
        """See `RayCaster.occluded`."""
        limits = np.array(far, np.float32)
        found = self._scene.run(_rays(origins), _rays(directions), limits, query="OCCLUDED")
        blocked: NDArray[np.bool_] = found >= 0
        return blocked


def _rays(vectors: Float32) -> Float32:
    return np.ascontiguousarray(vectors, np.float32)


def default_backend() -> Backend:
    """Embree where its wheel exists, numba elsewhere (arm)."""
    try:
        import embreex.rtcore_scene  # noqa: F401
    except ImportError:
        return "numba"
    return "embree"


def ray_caster(mesh: Mesh, backend: Backend | None = None) -> RayCaster:
    """A caster over a mesh. Raises `UserError` when the backend is not installed."""
    chosen = backend or default_backend()
    if chosen == "embree":
        return EmbreeCaster(mesh.vertices, mesh.triangles)
    try:
        from surveyor.scenes.capture.raycast_numba import NumbaCaster
    except ImportError as error:
        raise UserError(
            "no ray backend: install embreex (x86-64) or numba (any machine), "
            "for example with `pip install '.[numba]'`"
        ) from error
    return NumbaCaster(mesh.vertices, mesh.triangles)

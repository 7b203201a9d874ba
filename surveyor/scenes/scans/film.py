"""Filming a scan: depth and ids are the mesh's own, light is the share of the room that is open.

A headset keeps shape and no colour. Pictures show the mesh in paints by label, shaded by ambient
occlusion and a lamp beside the camera, so that edges, clutter, holes and noise are the scan's.
What they look like is ours: nothing may be concluded from colour.
"""

from __future__ import annotations

import zlib
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from surveyor.core.cameras import Camera
from surveyor.scenes.capture.raycast import Backend
from surveyor.scenes.capture.rendering import RenderedFrame, Tracer
from surveyor.scenes.capture.tone_mapping import CaptureStyle, ToneMapping
from surveyor.scenes.rooms.light.shading import corner_mix
from surveyor.scenes.scans.room import ScannedRoom

Float32 = NDArray[np.float32]
RAYS = 24
REACH = np.float32(1.2)  # what is farther away than this casts no shadow, metres
LIFT = np.float32(0.015)
LAMP = 0.45
EXPOSURE = 0.9


class ScanFilm(Tracer):
    """Renders one scanned room."""

    def __init__(self, room: ScannedRoom, backend: Backend | None = None) -> None:
        super().__init__(room.mesh(), len(room.objects), backend)
        self._paint = np.array([_linear(m.colour) for m in self.mesh.materials], np.float32)

    @cached_property
    def openness(self) -> Float32:
        """(V, 1) share of directions above each vertex in which nothing is near."""
        rng = np.random.default_rng(0)
        normals = self.mesh.normals
        towards = rng.normal(size=(RAYS, 3)).astype(np.float32)
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        open_ = np.zeros(len(normals), np.float32)
        origins = self.mesh.vertices + LIFT * normals
        far = np.full(len(normals), REACH, np.float32)
        for direction in towards:
            side = np.sign(normals @ direction)[:, None]
            above = np.where(side == 0, 1, side).astype(np.float32) * direction
            open_ += ~self.caster.occluded(origins, above, far)
        share: Float32 = (open_ / np.float32(RAYS))[:, None]
        return share

    def render(
        self, camera: Camera, rgb: bool = True, look: CaptureStyle | None = None
    ) -> RenderedFrame:
        """One frame; black where the scan has a hole."""
        directions, hits, depth, ids = self.trace(camera)
        if not rgb:
            return RenderedFrame(None, depth, ids)
        look = look or CaptureStyle(antialias=False)
        corners = self.mesh.triangles.take(hits.triangle, axis=0)
        normal = corner_mix(self.mesh.normals, corners, hits.u, hits.v)
        ahead = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        facing = np.abs((normal * ahead).sum(axis=1, keepdims=True))
        light = corner_mix(self.openness, corners, hits.u, hits.v) * (1 - LAMP + LAMP * facing)
        shown = self._paint[self.mesh.material[hits.triangle]] * light
        shown[hits.triangle < 0] = 0
        picture = shown.reshape(*depth.shape, 3).astype(np.float32)
        film = ToneMapping.exposed(picture, EXPOSURE, look)
        seed = zlib.crc32(np.array(camera.T_world_camera).tobytes())
        return RenderedFrame(film.develop(film.tone(picture), seed), depth, ids)


def _linear(colour: str) -> tuple[float, float, float]:
    """Linear light of a hex colour."""
    r, g, b = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return r**2.2, g**2.2, b**2.2

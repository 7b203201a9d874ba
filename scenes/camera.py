"""Filming a room: RGB, depth and instance ids from the same primary rays."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scenes.geometry import Intrinsics, Pose
from scenes.raycast import Backend, Hits, RayCaster, ray_caster
from scenes.records import Camera, Mat4
from scenes.room import Room
from scenes.shade import Atlas, albedo, corner_mix

Float32 = NDArray[np.float32]
HFOV = np.radians(68.0)
PHONE = Intrinsics.from_hfov(float(HFOV), 640, 480)
JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True, eq=False)
class RenderedFrame:
    """One frame. ``rgb`` (H, W, 3) uint8 sRGB, or None in the cheap mode; ``depth`` (H, W) float32
    metres along the optical axis; ``ids`` (H, W) int32 instance ids, 0 where nothing was hit.
    """

    rgb: NDArray[np.uint8] | None
    depth: Float32
    ids: NDArray[np.int32]


def camera_at(pose: Pose, intrinsics: Intrinsics = PHONE) -> Camera:
    """A camera record from a pose."""
    rows: Mat4 = tuple(tuple(row) for row in pose.tolist())  # type: ignore[assignment]
    return Camera(T_world_camera=rows, intrinsics=intrinsics)


@lru_cache(maxsize=8)
def _pixel_rays(intrinsics: Intrinsics) -> Float32:
    """(H * W, 3) camera-frame directions with z = 1 through the pixel centres."""
    return intrinsics.rays().reshape(-1, 3).astype(np.float32)


class Renderer:
    """Renders one room. Rays are cast by `backend`; light is baked when RGB is first wanted."""

    def __init__(self, room: Room, backend: Backend | None = None) -> None:
        self.room = room
        self.mesh = room.mesh()
        self.caster: RayCaster = ray_caster(self.mesh, backend)
        self._atlas: Atlas | None = None

    def primary(self, camera: Camera) -> tuple[Hits, Float32, Float32]:
        """First hits of all pixel rays, with the rays' origins and world directions.

        Directions are (x, y, 1) in camera axes, so the distance of a hit is its z-depth.
        """
        T = np.array(camera.T_world_camera, np.float64)
        directions = (_pixel_rays(camera.intrinsics) @ T[:3, :3].T).astype(np.float32)
        origins = np.broadcast_to(T[:3, 3].astype(np.float32), directions.shape)
        return self.caster.hit(origins, directions), origins, directions

    def render(self, camera: Camera, rgb: bool = True) -> RenderedFrame:
        """One frame."""
        hits, _, directions = self.primary(camera)
        shape = camera.intrinsics.height, camera.intrinsics.width
        found = hits.triangle >= 0
        ids = np.where(found, self.mesh.instance[hits.triangle], 0).astype(np.int32)
        depth = np.where(found, hits.distance, 0).astype(np.float32)
        picture = self._picture(hits, directions).reshape(*shape, 3) if rgb else None
        return RenderedFrame(picture, depth.reshape(shape), ids.reshape(shape))

    def _picture(self, hits: Hits, directions: Float32) -> NDArray[np.uint8]:
        if self._atlas is None:
            self._atlas = Atlas.of(self.mesh.materials)
        colour = albedo(self.mesh, self._atlas, hits, directions)
        normal = corner_mix(self.mesh.normals, self.mesh.triangles[hits.triangle], hits.u, hits.v)
        lit = 0.62 + 0.25 * normal[:, 2] + 0.13 * normal[:, 0]
        lit = np.where(self._atlas.glow[self.mesh.material[hits.triangle]] > 0, 1.3, lit)
        shown = np.clip(colour * lit[:, None], 0, 1) ** (1 / 2.2)
        return (shown * 255 + 0.5).astype(np.uint8)


@lru_cache(maxsize=2)
def renderer(room: Room, backend: Backend | None = None) -> Renderer:
    """The renderer of a room; the last two stay in memory."""
    return Renderer(room, backend)


def render_frame(
    room: Room, camera: Camera, *, rgb: bool = True, backend: Backend | None = None
) -> RenderedFrame:
    """Film one frame of a room; without ``rgb`` only depth and ids are computed (much cheaper)."""
    return renderer(room, backend).render(camera, rgb)


def encode_jpeg(rgb: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> bytes:
    """An image (H, W, 3) as JPEG bytes; equal images give equal bytes."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()

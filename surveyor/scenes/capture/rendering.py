"""Filming a room: RGB, depth and instance ids from the same primary rays."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from surveyor.core.cameras import Camera, Mat4
from surveyor.core.geometry import Intrinsics, Pose
from surveyor.scenes.capture.raycast import Backend, Hits, RayCaster, ray_caster
from surveyor.scenes.capture.tone_mapping import CaptureStyle, ToneMapping, edges
from surveyor.scenes.rooms.light.baking import BakeQuality, bake_light
from surveyor.scenes.rooms.light.shading import Shader
from surveyor.scenes.rooms.light.sources import lights_of
from surveyor.scenes.rooms.mesh import Mesh
from surveyor.scenes.rooms.room import Room
from surveyor.scenes.rooms.surfaces.atlas import Atlas

Float32 = NDArray[np.float32]
HFOV = np.radians(68.0)
PHONE = Intrinsics.from_hfov(float(HFOV), 640, 480)
JPEG_QUALITY = 90
# Rays that merely touch a triangle's plane keep the caster's own distance.
TRUST = 1e-3
ANTIALIAS = ((-0.375, -0.125), (0.125, -0.375), (0.375, 0.125), (-0.125, 0.375))


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


def _directions(camera: Camera, pixels: Float32 | None = None) -> NDArray[np.float64]:
    """World directions (N, 3) through pixel centres, one metre deep along the optical axis."""
    k = camera.intrinsics
    right, down, ahead = np.array(camera.T_world_camera)[:3, :3].T
    if pixels is not None:
        x, y = (pixels[:, 0] - k.cx) / k.fx, (pixels[:, 1] - k.cy) / k.fy
        chosen: NDArray[np.float64] = np.outer(x, right) + np.outer(y, down) + ahead
        return chosen
    columns = np.outer((np.arange(k.width) - k.cx) / k.fx, right) + ahead
    rows = np.outer((np.arange(k.height) - k.cy) / k.fy, down)
    directions: NDArray[np.float64] = (rows[:, None] + columns[None]).reshape(-1, 3)
    return directions


def _from_eye(camera: Camera, directions: Float32) -> Float32:
    """The origins of rays that all begin at a camera."""
    eye = np.array(camera.T_world_camera, np.float32)[:3, 3]
    return np.broadcast_to(eye, directions.shape)


class Tracer:
    """Depth and instance ids of a mesh that holds ``objects`` objects, with ids from 1."""

    def __init__(self, mesh: Mesh, objects: int, backend: Backend | None = None) -> None:
        self.mesh, self.objects = mesh, objects
        self.caster: RayCaster = ray_caster(mesh, backend)
        corner = mesh.vertices[mesh.triangles].astype(np.float64)
        self._normals = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        self._offsets = (self._normals * corner[:, 0]).sum(axis=1)

    def rays(self, camera: Camera, pixels: Float32 | None = None) -> tuple[Float32, Float32]:
        """Origins and world directions (N, 3) through all pixel centres, or through ``pixels``.

        Directions are (x, y, 1) in camera axes, so the distance of a hit is its z-depth.
        """
        directions = _directions(camera, pixels).astype(np.float32)
        return _from_eye(camera, directions), directions

    def trace(self, camera: Camera) -> tuple[Float32, Hits, Float32, NDArray[np.int32]]:
        """Directions and hits (N,) of a camera's rays, and depth (H, W) and ids (H, W) of what they
        hit, 0 where they hit nothing."""
        exact = _directions(camera)
        directions = exact.astype(np.float32)
        hits = self.caster.hit(_from_eye(camera, directions), directions)
        shape = camera.intrinsics.height, camera.intrinsics.width
        found = hits.triangle >= 0
        ids = (
            np.where(found, self.mesh.instance[hits.triangle], 0)
            .astype(np.int32, copy=False)
            .reshape(shape)
        )
        depth = np.where(found, self._exact_depth(camera, exact, hits), 0)
        return directions, hits, depth.astype(np.float32).reshape(shape), ids

    def _exact_depth(
        self, camera: Camera, directions: NDArray[np.float64], hits: Hits
    ) -> NDArray[np.float64]:
        """Depth (N,) of the hit triangles' planes along the pixel rays, in double precision.

        Single precision loses some 1e-5 m where a ray grazes a surface.
        """
        eye = np.array(camera.T_world_camera)[:3, 3]
        reach = (self._offsets - self._normals @ eye).take(hits.triangle)
        normal = self._normals.take(hits.triangle, axis=0)
        slope = np.einsum("ij,ij->i", directions, normal)
        with np.errstate(divide="ignore", invalid="ignore"):
            depth = reach / slope
        return np.where(np.abs(depth - hits.distance) < TRUST, depth, hits.distance)


class Renderer(Tracer):
    """Renders one room. Light is baked when a picture is first wanted."""

    def __init__(self, room: Room, backend: Backend | None = None) -> None:
        super().__init__(room.mesh(), len(room.objects), backend)
        self.room = room
        self._shader: Shader | None = None

    def shader(self, quality: BakeQuality | None = None) -> Shader:
        """The room's textures and baked light, made once."""
        if self._shader is None:
            atlas = Atlas.of(self.mesh.materials).by_day(self.room.lighting.day)
            lights = lights_of(self.room)
            baked = bake_light(self.mesh, self.caster, lights, atlas, quality or BakeQuality())
            self._shader = Shader.of(self.mesh, self.caster, atlas, baked)
        return self._shader

    def render(
        self, camera: Camera, rgb: bool = True, look: CaptureStyle | None = None
    ) -> RenderedFrame:
        """One frame."""
        directions, hits, depth, ids = self.trace(camera)
        picture = None
        if rgb:
            origins = _from_eye(camera, directions)
            look = look or CaptureStyle()
            shader = self.shader()
            light = shader.radiance(hits, origins, directions).reshape(*depth.shape, 3)
            mapping = ToneMapping.exposed(light, shader.exposure, look)
            shown = mapping.tone(light)
            if look.antialias:
                self._smooth_edges(camera, shader, mapping, shown, hits)
            seed = zlib.crc32(np.array(camera.T_world_camera).tobytes()) ^ self.room.spec.seed
            picture = mapping.develop(shown, seed)
        return RenderedFrame(picture, depth, ids)

    def _smooth_edges(
        self, camera: Camera, shader: Shader, mapping: ToneMapping, shown: Float32, hits: Hits
    ) -> None:
        """Average more rays, in place, where neighbouring pixels differ."""
        rough = edges(shown, self.mesh.material[hits.triangle].reshape(shown.shape[:2]))
        rows, columns = np.nonzero(rough)
        if not len(rows):
            return
        total = shown[rows, columns]
        for dx, dy in ANTIALIAS:
            pixels = np.stack([columns + dx, rows + dy], axis=1).astype(np.float32)
            origins, directions = self.rays(camera, pixels)
            found = self.caster.hit(origins, directions)
            total = total + mapping.tone(shader.radiance(found, origins, directions))
        shown[rows, columns] = total / (1 + len(ANTIALIAS))


@lru_cache(maxsize=2)
def renderer(room: Room, backend: Backend | None = None) -> Renderer:
    """The renderer of a room; the last two stay in memory."""
    return Renderer(room, backend)


def encode_jpeg(rgb: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> bytes:
    """An image (H, W, 3) as JPEG bytes; equal images give equal bytes."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()

"""What the reference experts know: the truth side of the datasets that they were given."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from surveyor.core.blobs import Derivation
from surveyor.core.cameras import Camera
from surveyor.core.dataset import read_manifest
from surveyor.core.geometry import Intrinsics, Pose
from surveyor.core.masks import id_boxes
from surveyor.scenes.capture.depth_maps import FrameMaps
from surveyor.scenes.datasets.truth import (
    FRAMES,
    AlikeRooms,
    alike_rooms,
    check_truth,
    frame_index,
    frame_maps,
    load_truth,
)
from surveyor.scenes.records import SceneTruth
from surveyor.services.contract import Box, ErrorCode
from surveyor.services.errors import ExpertError
from surveyor.services.images import Images, LoadedImage
from surveyor.services.reference.outline import box_fills

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")
Affine = NDArray[np.float64]

_KEEP_SCENES = 32
KEEP_FRAMES = 16
_KEEP_TABLES = 4096
_MAX_LINEAGE = 8


@dataclass(frozen=True, slots=True)
class FrameKey:
    """One frame of one scene of one dataset."""

    dataset: Path
    scene_id: str
    index: int


class ImageView:
    """What one received image shows, in that image's own pixels.

    ``sha256`` is the known frame's hash; ``affine`` (2x3) takes the image's pixels to the known
    frame's, and is the identity for the frame itself.
    Maps are looked up when they are first wanted.
    """

    def __init__(
        self,
        key: FrameKey,
        sha256: str,
        affine: Affine,
        size: tuple[int, int],
        world: ReferenceWorld,
    ) -> None:
        self.key = key
        self.sha256 = sha256
        self.affine = affine
        self.width, self.height = size
        self.world = world
        self.truth = world.truth(key)

    @property
    def camera(self) -> Camera:
        """True camera of the frame."""
        return self.truth.cameras[self.key.index]

    @cached_property
    def pose(self) -> Pose:
        """True camera-to-world pose."""
        return Pose(np.array(self.camera.T_world_camera))

    @cached_property
    def intrinsics(self) -> Intrinsics:
        """True intrinsics, for the pixels of the received image."""
        true = self.camera.intrinsics
        (a, _, u0), (_, d, v0) = self.affine
        return Intrinsics(
            fx=true.fx / a,
            fy=true.fy / d,
            cx=(true.cx - u0) / a,
            cy=(true.cy - v0) / d,
            width=self.width,
            height=self.height,
        )

    @cached_property
    def maps(self) -> FrameMaps:
        """Exact depth and ids on the received image's own grid (nearest pixel; 0 outside)."""
        full = self.world.maps(self.key)
        if self.is_whole:
            return full
        (a, _, u0), (_, d, v0) = self.affine
        u = np.rint(a * np.arange(self.width) + u0).astype(int)
        v = np.rint(d * np.arange(self.height) + v0).astype(int)
        height, width = full.depth.shape
        inside = ((v >= 0) & (v < height))[:, None] & ((u >= 0) & (u < width))
        rows, columns = np.clip(v, 0, height - 1)[:, None], np.clip(u, 0, width - 1)
        depth = np.where(inside, full.depth[rows, columns], np.float32(0))
        return FrameMaps(depth, np.where(inside, full.ids[rows, columns], np.int32(0)))

    @cached_property
    def instances(self) -> list[tuple[int, int, Box]]:
        """``(instance id, visible pixels, tight box)`` of everything with an id."""
        if self.is_whole:
            return self.world.instances(self.key)
        return id_boxes(self.maps.ids)

    @cached_property
    def is_whole(self) -> bool:
        """Whether the received image has the known frame's own grid."""
        true = self.camera.intrinsics
        same_size = (self.width, self.height) == (true.width, true.height)
        return same_size and bool(np.allclose(self.affine, np.eye(2, 3)))


class ReferenceWorld:
    """Truth by frame hash and by scene id, read when asked for and kept for a while. Raises
    `UserError` for a dataset whose truth cannot be read."""

    def __init__(self, datasets: tuple[Path, ...], keep_frames: int = KEEP_FRAMES) -> None:
        self._by_hash: dict[str, FrameKey] = {}
        self._by_scene: dict[str, Path] = {}
        contents: list[str] = []
        for path in datasets:
            manifest = read_manifest(path)
            self._by_scene |= dict.fromkeys(manifest.scenes, path)
            contents.append(manifest.content_hash)
            check_truth(path)
            if (path / FRAMES).is_file():
                index = frame_index(path)
                self._by_hash |= {sha: FrameKey(path, *where) for sha, where in index.items()}
        self._hashes = {key: sha for sha, key in self._by_hash.items()}
        self.fingerprint = "+".join(sorted(contents))
        self._truths: LruCache[tuple[Path, str], SceneTruth] = LruCache(_KEEP_SCENES)
        self._fills: LruCache[tuple[Path, str], NDArray[np.float64]] = LruCache(_KEEP_SCENES)
        self._alike: LruCache[tuple[Path, str], AlikeRooms] = LruCache(_KEEP_SCENES)
        self._maps: LruCache[FrameKey, FrameMaps] = LruCache(keep_frames)
        self._tables: LruCache[FrameKey, list[tuple[int, int, Box]]] = LruCache(_KEEP_TABLES)

    def first_frame(self) -> str | None:
        """Hash of some known frame, or None when no dataset has frames."""
        return next(iter(self._by_hash), None)

    def frames(self) -> Iterator[FrameKey]:
        """Every known frame."""
        return iter(self._by_hash.values())

    def first_scene(self) -> str | None:
        """Some known scene id."""
        return next(iter(self._by_scene), None)

    def scene(self, scene_id: str) -> SceneTruth:
        """The exact scene; `ExpertError` (unknown_scene) for any other."""
        path = self._by_scene.get(scene_id)
        if path is None:
            message = f"no dataset that this reference expert was given has the scene {scene_id!r}"
            raise ExpertError(ErrorCode.UNKNOWN_SCENE, message[:300], field="scene_id")
        return self.truth(FrameKey(path, scene_id, 0))

    def truth(self, key: FrameKey) -> SceneTruth:
        """The exact scene of a frame."""
        where = (key.dataset, key.scene_id)
        return self._truths.get(where, lambda: load_truth(*where))

    def alike(self, key: FrameKey) -> AlikeRooms:
        """Groups of rooms of the frame's place that are built alike; see `alike_rooms`."""
        where = (key.dataset, key.scene_id)
        return self._alike.get(where, lambda: alike_rooms(*where))

    def maps(self, key: FrameKey) -> FrameMaps:
        """Exact maps of a frame."""
        return self._maps.get(key, lambda: frame_maps(key.dataset, key.scene_id, key.index))

    def instances(self, key: FrameKey) -> list[tuple[int, int, Box]]:
        """What a whole frame shows; small, so kept much longer than the maps."""
        return self._tables.get(key, lambda: id_boxes(self.maps(key).ids))

    def view(self, image: LoadedImage, images: Images) -> ImageView:
        """What ``image`` shows, found by its hash or through its lineage."""
        sha256, affine, step = image.sha256, np.eye(2, 3), image.derivation
        for _ in range(_MAX_LINEAGE):
            key = self._by_hash.get(sha256)
            if key is not None:
                return ImageView(key, sha256, affine, (image.width, image.height), self)
            if step is None or step.to_parent is None:
                break
            affine = _compose(step, affine)
            sha256, step = step.parent, images.lineage(step.parent)
        _ = image.pixels  # bytes that are no image at all are told so first
        raise ExpertError(
            ErrorCode.UNKNOWN_SCENE,
            "this image is not a frame of a dataset that this reference expert was given, nor "
            "derived from one; serve the dataset, or a neural backend",
            field="image",
        )

    def whole(self, key: FrameKey) -> ImageView:
        """The known frame itself, whatever was made from it."""
        sha256 = self._hashes[key]
        camera = self.truth(key).cameras[key.index].intrinsics
        return ImageView(key, sha256, np.eye(2, 3), (camera.width, camera.height), self)

    def fills(self, key: FrameKey) -> NDArray[np.float64]:
        """`box_fills` of the frame's scene, one for each object; kept."""
        where = (key.dataset, key.scene_id)
        return self._fills.get(where, lambda: box_fills(self.truth(key)))


class LruCache(Generic[KeyT, ValueT]):
    """A small thread-safe LRU; a value may be made twice, never half."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[KeyT, ValueT] = OrderedDict()
        self._lock = Lock()

    def get(self, key: KeyT, make: Callable[[], ValueT]) -> ValueT:
        """The kept value, made when it is missing."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return value


def _compose(step: Derivation, inner: Affine) -> Affine:
    """``step`` (child to parent) after ``inner`` (received image to child)."""
    assert step.to_parent is not None
    outer = np.array(step.to_parent).reshape(2, 3)
    if abs(outer[0, 1]) + abs(outer[1, 0]) > 1e-9 or outer[0, 0] <= 0 or outer[1, 1] <= 0:
        message = "a derived image must be its parent cropped and scaled, not turned or mirrored"
        raise ExpertError(ErrorCode.BAD_INPUT, message, field="image.derivation")
    linear = outer[:, :2] @ inner
    linear[:, 2] += outer[:, 2]
    return linear

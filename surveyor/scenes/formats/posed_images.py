"""Posed images: what every video layout holds, in our conventions."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from surveyor.core.cameras import Camera, Mat4
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.geometry import Depth, Float, Intrinsics, Pose
from surveyor.core.images import opened
from surveyor.scenes.datasets.truth import frame_maps, scene_truth

MILLIMETRES = 1000.0
DEEPEST = 65535 / MILLIMETRES


@dataclass(frozen=True, slots=True, eq=False)
class PosedView:
    """One image of a capture with its true camera.

    ``image`` is the encoded picture, ``depth`` (H, W) metres, 0 where unknown; it may be smaller
    than the picture.
    """

    index: int
    time: float
    image: bytes
    camera: Camera
    depth: Depth | None = None

    @property
    def pose(self) -> Pose:
        """Camera to world."""
        return Pose(np.array(self.camera.T_world_camera))


def dataset_views(path: Path, scene_id: str) -> list[PosedView]:
    """The views of a dataset's scene; `UserError` when it was never filmed."""
    dataset = Dataset.open(path)
    truth = scene_truth(path, scene_id)
    frames = dataset.captures[scene_id].frames
    if not frames or len(truth.cameras) != len(frames):
        raise UserError(f"scene {scene_id} in {path} has no filmed frames to export")
    return [
        PosedView(
            index=frame.index,
            time=frame.time,
            image=dataset.blobs.get(frame.image.sha256),
            camera=camera,
            depth=frame_maps(path, scene_id, frame.index).depth,
        )
        for frame, camera in zip(frames, truth.cameras, strict=True)
    ]


def camera_of(T_world_camera: Float, intrinsics: Intrinsics) -> Camera:
    """A camera record from a 4x4 camera-to-world matrix."""
    rows: Mat4 = tuple(tuple(map(float, row)) for row in T_world_camera)  # type: ignore[assignment]
    return Camera(T_world_camera=rows, intrinsics=intrinsics)


def write_depth(path: Path, depth: Depth) -> None:
    """16-bit PNG in millimetres; what is beyond 65 m becomes unknown (0)."""
    known = np.where(depth < DEEPEST, depth, 0)
    Image.fromarray(np.rint(known * MILLIMETRES).astype(np.uint16)).save(path)


def read_depth(path: Path) -> Depth:
    """Metres from a 16-bit PNG in millimetres."""
    return (read_image(path).astype(np.float32) / np.float32(MILLIMETRES)).astype(np.float32)


def read_image(path: Path) -> NDArray[np.generic]:
    """Pixels of an image file; `UserError` when it is missing or no image."""
    try:
        return np.asarray(Image.open(io.BytesIO(read_file(path))))
    except UnidentifiedImageError:
        raise UserError(f"{path} is not an image") from None


def image_size(data: bytes, path: Path) -> tuple[int, int]:
    """Width and height of an encoded image; `UserError` when it is none."""
    image = opened(data, str(path))
    return image.width, image.height


def read_file(path: Path) -> bytes:
    """Bytes of a file; `UserError` when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def read_numbers(path: Path, *shape: int) -> Float:
    """Whitespace-separated numbers of a text file in a given shape; `UserError` otherwise."""
    try:
        return np.array(read_file(path).decode().split(), np.float64).reshape(shape)
    except ValueError:
        wanted = " x ".join(map(str, shape))
        raise UserError(f"{path} does not hold {wanted} numbers") from None


def write_matrix(path: Path, matrix: Float) -> None:
    """A matrix as text, one row a line, with all its digits."""
    path.write_text("\n".join(" ".join(repr(float(v)) for v in row) for row in matrix) + "\n")


def read_json(path: Path) -> object:
    """A JSON file; `UserError` when it is missing or damaged."""
    try:
        found: object = json.loads(read_file(path))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON: {error}") from None
    return found


def write_json(path: Path, value: object) -> None:
    """A JSON file, indented, written whole or not at all."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(value, indent=1) + "\n")
    temporary.replace(path)

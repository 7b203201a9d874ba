"""A tiny dataset on disk for the reference experts: two rooms, three 64 x 48 frames each."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from surveyor.core.blobs import BlobRef, BlobStore, sha256_of
from surveyor.core.cameras import Camera
from surveyor.core.dataset import BLOBS, MANIFEST, DatasetManifest
from surveyor.core.geometry import Intrinsics, OrientedBox, Pose
from surveyor.scenes.capture.depth_maps import FrameMaps, encode_maps
from surveyor.scenes.datasets.truth import FRAMES, SCENES, clean_blobs, maps_path
from surveyor.scenes.records import SceneObject, SceneTruth

WIDTH, HEIGHT = 64, 48
CAMERA = Intrinsics.from_hfov(np.deg2rad(60), WIDTH, HEIGHT)
CHAIR_BOX = (9.5, 9.5, 25.5, 29.5)  # columns 10..25, rows 10..29
TABLE_BOX = (34.5, 14.5, 59.5, 39.5)
OBJECTS = (
    SceneObject(
        instance_id=1,
        category="chair",
        box=OrientedBox.upright((1, 2, 0.5), (0.5, 0.5, 1), 0),
        front=(1, 0, 0),
        attributes={"colour": "red"},
        aliases=("seat",),
    ),
    SceneObject(
        instance_id=2, category="table", box=OrientedBox.upright((3, 2, 0.4), (1, 1, 0.8), 0)
    ),
)


Painter = Callable[[int], bytes]


def make_dataset(
    path: Path,
    scenes: int = 2,
    frames: int = 3,
    paint: Painter | None = None,
    twin: Painter | None = None,
) -> Path:
    """Write the dataset and return its folder. ``paint`` makes the file of a numbered frame,
    ``twin`` that of its undegraded twin."""
    paint = paint or picture
    names = tuple(f"room{number}" for number in range(scenes))
    index = {}
    for name in names:
        truth = SceneTruth(
            scene_id=name,
            source="test",
            rooms=(((0, 0), (4, 0), (4, 3), (0, 3)),),
            room_area=12.0,
            objects=OBJECTS,
            cameras=tuple(_camera(i) for i in range(frames)),
            visible_pixels=tuple(_counts(i) for i in range(frames)),
            clean_frames=_twins(path, twin, frames),
        )
        folder = path / SCENES / name
        folder.mkdir(parents=True)
        (folder / "truth.json").write_text(truth.model_dump_json())
        for i in range(frames):
            maps_path(path, name, i).write_bytes(encode_maps(frame_maps(i)))
            data = paint(1000 * names.index(name) + i)
            BlobStore(path / BLOBS).put(data, "image/png", width=WIDTH, height=HEIGHT)
            index[sha256_of(data)] = (name, i)
    (path / FRAMES).write_text(json.dumps(index))
    manifest = DatasetManifest(
        name="tiny",
        generator="test",
        seed=0,
        split="test",
        scenes=names,
        questions={},
        tasks_hash="",
        targets_hash="",
        content_hash="c0ffee",
    )
    (path / MANIFEST).write_text(manifest.model_dump_json())
    return path


def frame_maps(index: int) -> FrameMaps:
    """A chair and a table before a wall; the chair's left half is hidden in frame 2."""
    ids = np.zeros((HEIGHT, WIDTH), np.int32)
    depth = np.full((HEIGHT, WIDTH), 4.0, np.float32)
    ids[10:30, 10:26], depth[10:30, 10:26] = 1, 2.0
    ids[15:40, 35:60], depth[15:40, 35:60] = 2, 2.5
    if index == 2:
        ids[10:30, 10:18] = 0
    depth[0, 0] = 0
    return FrameMaps(depth, ids)


def picture(shade: int, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """A PNG file whose bytes depend on ``shade``, any small number."""
    pixels = np.full((height, width, 3), 100, np.uint8)
    pixels[::2] += 20
    pixels[0, 0] = shade >> 16 & 255, shade >> 8 & 255, shade & 255
    return encoded(pixels)


def frames_of(path: Path) -> dict[str, tuple[str, int]]:
    """Frame hash to (scene, index)."""
    return {sha: tuple(where) for sha, where in json.loads((path / FRAMES).read_text()).items()}


def frame(path: Path, scene: str = "room0", index: int = 0) -> str:
    """Hash of one frame."""
    return next(sha for sha, where in frames_of(path).items() if where == (scene, index))


def textured(number: int, gain: float = 1.0, noise: float = 0.0, blur: int = 0) -> bytes:
    """A frame with detail everywhere and things that stand out; darker, noisier or softer."""
    rng = np.random.default_rng(number)
    pixels = np.full((HEIGHT, WIDTH, 3), 90.0) + rng.normal(0, 1, (HEIGHT, WIDTH, 1))
    ids = frame_maps(0).ids
    pixels[ids == 1] = 200
    pixels[ids == 2] = (180, 60, 60)
    pixels[::7] += 40
    pixels[:, ::9] -= 40
    for _ in range(blur):
        pixels = (np.roll(pixels, 1, 0) + pixels + np.roll(pixels, -1, 0)) / 3
        pixels = (np.roll(pixels, 1, 1) + pixels + np.roll(pixels, -1, 1)) / 3
    pixels = pixels * gain + rng.normal(0, 1, pixels.shape) * noise
    return encoded(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def encoded(pixels: np.ndarray) -> bytes:
    """A PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _counts(index: int) -> tuple[int, ...]:
    ids = frame_maps(index).ids
    return tuple(int((ids == thing.instance_id).sum()) for thing in OBJECTS)


def _twins(path: Path, twin: Painter | None, frames: int) -> tuple[BlobRef, ...]:
    if twin is None:
        return ()
    return tuple(clean_blobs(path).put(twin(i), "image/png") for i in range(frames))


def _camera(index: int) -> Camera:
    pose = Pose.look_at(np.array([0.5 + index / 2, 0.0, 1.5]), np.array([2.0, 3.0, 1.0]))
    return Camera(T_world_camera=pose.tolist(), intrinsics=CAMERA)

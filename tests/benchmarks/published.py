"""Small copies of published data sets: the rows of the fixtures, with frames drawn for them."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from surveyor.benchmarks.loaders.registry import loader_names

FIXTURES = Path(__file__).parents[1] / "fixtures" / "benchmarks"
SCANS = ("scene9001_00", "scene9002_00")
FRAMES = 6

VIDEOS: Mapping[str, tuple[str, ...]] = {
    "vsi-bench": ("arkitscenes/40000001", "scannet/scene9001_00"),
    "skill3d": ("VSI_videos/arkitscenes_40000001", "VSI_videos/scannet_scene9001_00"),
    **{
        name: tuple(f"scans/{scan}/color" for scan in SCANS)
        for name in ("scanqa", "sqa3d", "scanrefer", "multi3drefer", "reason3d")
    },
}
IMAGES: Mapping[str, tuple[str, ...]] = {
    "mmsi-bench": tuple(
        f"images/{k}_{i}.jpg" for k, n in ((0, 2), (1, 1), (2, 3)) for i in range(n)
    ),
    "cv-bench-3d": ("img/001500.png", "img/002100.png"),
    "blink": (
        *("images/Multi-view_Reasoning_1_1.jpg", "images/Multi-view_Reasoning_1_2.jpg"),
        *("images/Relative_Depth_1_1.jpg", "images/Spatial_Relation_1_1.jpg"),
    ),
}
PREPARED = ("scanrefer", "multi3drefer", "reason3d")


def with_fixtures() -> list[str]:
    """The benchmarks whose rows are files here; others are in `tests.benchmarks.published_2026`."""
    return [name for name in loader_names() if (FIXTURES / name).is_dir()]


def picture(shade: int, suffix: str = ".jpg") -> bytes:
    """A small image that differs from those of other shades."""
    out = io.BytesIO()
    Image.new("RGB", (32, 24), (shade % 256, 90, 160)).save(
        out, Image.registered_extensions()[suffix]
    )
    return out.getvalue()


def put(path: Path, data: bytes) -> None:
    """Write a file into a folder that may not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def download(name: str, folder: Path) -> Path:
    """What a user has of a benchmark after downloading it."""
    source = folder / name
    shutil.copytree(FIXTURES / name, source)
    for video in VIDEOS.get(name, ()):
        for k in range(FRAMES):
            put(source / video / f"{k}.jpg", picture(40 * k + len(video)))
    for k, image in enumerate(IMAGES.get(name, ())):
        put(source / image, picture(20 * k, Path(image).suffix))
    if name in PREPARED:
        prepare_scan(source / "scannet_data", SCANS[0])
    return source


def prepare_scan(folder: Path, scan: str) -> None:
    """Three objects of four points each, and two points of none, as ScanRefer prepares scans."""
    folder.mkdir()
    labels = np.repeat(np.array([1, 2, 3, 0], np.uint32), (4, 4, 4, 2))
    corner = np.array([[0, 0, 0], [1, 0, 0.5], [0, 2, 0.25], [1, 2, 0.5]], np.float32)
    points = np.concatenate([corner, corner + 4, corner + 8, corner[:2] - 9])
    colours = np.zeros((len(points), 6), np.float32)
    np.save(folder / f"{scan}_ins_label.npy", labels)
    np.save(folder / f"{scan}_aligned_vert.npy", np.hstack([points, colours]))

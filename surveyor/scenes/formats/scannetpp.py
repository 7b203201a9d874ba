"""ScanNet++ iPhone captures: COLMAP text models beside ``rgb/`` and ``depth/``.

COLMAP stores world-to-camera rotations as quaternions (w, x, y, z) and puts the centre of the
first pixel at (0.5, 0.5), half a pixel from ours. Depth is 16-bit PNG in millimetres.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from surveyor.core.errors import UserError
from surveyor.core.geometry import Float, Intrinsics
from surveyor.scenes.formats.posed_images import (
    PosedView,
    camera_of,
    read_depth,
    read_file,
    write_depth,
)

HALF = 0.5


def write_scannetpp(folder: Path, views: Sequence[PosedView]) -> None:
    """Write one scene as ``iphone/{colmap,rgb,depth}``."""
    root = folder / "iphone"
    for name in ("colmap", "rgb", "depth"):
        (root / name).mkdir(parents=True, exist_ok=True)
    cameras = sorted({view.camera.intrinsics for view in views}, key=repr)
    lines = [f"{k} PINHOLE {i.width} {i.height} {_pinhole(i)}" for k, i in enumerate(cameras, 1)]
    (root / "colmap" / "cameras.txt").write_text("# Camera list\n" + "\n".join(lines) + "\n")
    (root / "colmap" / "points3D.txt").write_text("# 3D point list\n")
    rows = ["# Image list"]
    for view in views:
        name = f"frame_{view.index:06d}"
        T = np.linalg.inv(view.pose.T_world_camera)
        x, y, z, w = Rotation.from_matrix(T[:3, :3]).as_quat()
        numbers = " ".join(repr(float(v)) for v in (w, x, y, z, *T[:3, 3]))
        camera = cameras.index(view.camera.intrinsics) + 1
        # The second line of an image lists its 2D points; there are none.
        rows += [f"{view.index + 1} {numbers} {camera} {name}.jpg", ""]
        (root / "rgb" / f"{name}.jpg").write_bytes(view.image)
        if view.depth is not None:
            write_depth(root / "depth" / f"{name}.png", view.depth)
    (root / "colmap" / "images.txt").write_text("\n".join(rows) + "\n")


def read_scannetpp(folder: Path) -> list[PosedView]:
    """Read one scene's COLMAP model and pictures."""
    root = folder / "iphone"
    cameras = dict(_camera(line) for line in _lines(root / "colmap" / "cameras.txt") if line)
    # Lines come in pairs, and the second may be empty.
    found = [
        _view(root, line.split(), cameras) for line in _lines(root / "colmap" / "images.txt")[::2]
    ]
    return sorted(found, key=lambda view: view.index)


def _view(root: Path, parts: list[str], cameras: dict[int, Intrinsics]) -> PosedView:
    try:
        w, x, y, z, *translation = map(float, parts[1:8])
        intrinsics, name = cameras[int(parts[8])], Path(parts[9])
    except (ValueError, IndexError, KeyError):
        raise UserError(f"{root}/colmap/images.txt has a line that is no image") from None
    T = np.eye(4)
    T[:3, :3] = Rotation.from_quat([x, y, z, w]).as_matrix()
    T[:3, 3] = translation
    index = int(name.stem.rpartition("_")[2])
    depth = root / "depth" / f"{name.stem}.png"
    return PosedView(
        index=index,
        time=index / 60,
        image=read_file(root / "rgb" / name),
        camera=camera_of(_inverse(T), intrinsics),
        depth=read_depth(depth) if depth.exists() else None,
    )


def _camera(line: str) -> tuple[int, Intrinsics]:
    number, model, width, height, *values = line.split()
    if model not in ("PINHOLE", "OPENCV"):
        raise UserError(f"COLMAP camera model {model} is not supported; undistort to PINHOLE first")
    fx, fy, cx, cy = map(float, values[:4])
    if any(float(v) for v in values[4:]):
        raise UserError("this COLMAP camera has lens distortion; undistort the images first")
    return int(number), Intrinsics(
        fx=fx, fy=fy, cx=cx - HALF, cy=cy - HALF, width=int(width), height=int(height)
    )


def _pinhole(i: Intrinsics) -> str:
    return " ".join(repr(v) for v in (i.fx, i.fy, i.cx + HALF, i.cy + HALF))


def _lines(path: Path) -> list[str]:
    """Lines without comments; blank ones stay, they mean something in images.txt."""
    text = read_file(path).decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


def _inverse(T: Float) -> Float:
    inverse = np.eye(4)
    inverse[:3, :3] = T[:3, :3].T
    inverse[:3, 3] = -T[:3, :3].T @ T[:3, 3]
    return inverse

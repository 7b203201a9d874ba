"""ScanNet's exported frames: ``color/0.jpg depth/0.png pose/0.txt intrinsic/*.txt``.

Poses are camera-to-world 4x4; depth is 16-bit PNG in millimetres; intrinsics are 4x4 text. A pose
with infinities marks a frame that could not be tracked and is skipped on reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from surveyor.core.errors import UserError
from surveyor.core.geometry import Float, Intrinsics
from surveyor.scenes.formats.posed_images import (
    PosedView,
    camera_of,
    image_size,
    read_depth,
    read_file,
    read_numbers,
    write_depth,
    write_matrix,
)


def write_scannet(folder: Path, views: Sequence[PosedView]) -> None:
    """Write one scene's frames."""
    for name in ("color", "depth", "pose", "intrinsic"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for view in views:
        (folder / "color" / f"{view.index}.jpg").write_bytes(view.image)
        write_matrix(folder / "pose" / f"{view.index}.txt", view.pose.T_world_camera)
        if view.depth is not None:
            write_depth(folder / "depth" / f"{view.index}.png", view.depth)
    color = views[0].camera.intrinsics
    write_matrix(folder / "intrinsic" / "intrinsic_color.txt", _padded(color))
    if views[0].depth is not None:
        height, width = views[0].depth.shape
        depth = color.resized(width, height)
        write_matrix(folder / "intrinsic" / "intrinsic_depth.txt", _padded(depth))


def read_scannet(folder: Path) -> list[PosedView]:
    """Read one scene's frames; ``time`` is not in the layout and counts 30 frames a second."""
    found = []
    names = sorted((p.stem for p in (folder / "pose").glob("*.txt")), key=int)
    if not names:
        raise UserError(f"{folder} holds no ScanNet frames (no pose/*.txt)")
    matrix = read_numbers(folder / "intrinsic" / "intrinsic_color.txt", 4, 4)
    for name in names:
        pose = read_numbers(folder / "pose" / f"{name}.txt", 4, 4)
        if not np.isfinite(pose).all():
            continue
        image_path = folder / "color" / f"{name}.jpg"
        image = read_file(image_path)
        width, height = image_size(image, image_path)
        depth_path = folder / "depth" / f"{name}.png"
        found.append(
            PosedView(
                index=int(name),
                time=int(name) / 30,
                image=image,
                camera=camera_of(pose, _intrinsics(matrix, width, height)),
                depth=read_depth(depth_path) if depth_path.exists() else None,
            )
        )
    return found


def _padded(intrinsics: Intrinsics) -> Float:
    matrix = np.eye(4)
    matrix[:3, :3] = intrinsics.matrix()
    return matrix


def _intrinsics(matrix: Float, width: int, height: int) -> Intrinsics:
    return Intrinsics(
        fx=matrix[0, 0],
        fy=matrix[1, 1],
        cx=matrix[0, 2],
        cy=matrix[1, 2],
        width=width,
        height=height,
    )

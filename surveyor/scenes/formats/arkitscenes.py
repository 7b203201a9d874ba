"""ARKitScenes 3D object detection: ``.traj``, ``.pincam`` and oriented boxes.

A line of ``lowres_wide.traj`` is time, axis-angle and translation, world to camera. ``.pincam`` is
``width height fx fy cx cy``. Box axes are the rows of ``normalizedAxes``; ``axesLengths`` are full
edge lengths. Depth is 16-bit PNG in millimetres.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, ValidationError
from scipy.spatial.transform import Rotation

from surveyor.core.errors import UserError
from surveyor.core.geometry import Float, Intrinsics, OrientedBox, Vec3
from surveyor.core.wording import first_problem
from surveyor.scenes.formats.posed_images import (
    PosedView,
    camera_of,
    read_depth,
    read_file,
    read_json,
    read_numbers,
    write_depth,
    write_json,
)
from surveyor.scenes.records import SceneObject

_ORTHONORMAL = 1e-3
Nine = tuple[float, float, float, float, float, float, float, float, float]


class _Obb(BaseModel):
    model_config = ConfigDict(extra="ignore")

    centroid: Vec3
    axesLengths: Vec3
    normalizedAxes: Nine


class _Segments(BaseModel):
    model_config = ConfigDict(extra="ignore")

    obb: _Obb | None = None
    obbAligned: _Obb | None = None


class _ArkitObject(BaseModel):
    model_config = ConfigDict(extra="ignore")

    label: str
    segments: _Segments


class _Annotation(BaseModel):
    model_config = ConfigDict(extra="ignore")

    data: list[_ArkitObject]


def write_arkitscenes(
    folder: Path, video_id: str, views: Sequence[PosedView], objects: Sequence[SceneObject]
) -> None:
    """Write ``<folder>/<id>_3dod_annotation.json`` and ``<folder>/<id>_frames/``."""
    frames = folder / f"{video_id}_frames"
    for name in ("lowres_wide", "lowres_depth", "lowres_wide_intrinsics"):
        (frames / name).mkdir(parents=True, exist_ok=True)
    lines = []
    for view in views:
        stem = f"{video_id}_{view.time:.3f}"
        T = np.linalg.inv(view.pose.T_world_camera)
        turn = Rotation.from_matrix(T[:3, :3]).as_rotvec()
        lines.append(" ".join([f"{view.time:.6f}", *(repr(float(v)) for v in (*turn, *T[:3, 3]))]))
        i = view.camera.intrinsics
        pincam = " ".join(repr(v) for v in (i.width, i.height, i.fx, i.fy, i.cx, i.cy))
        (frames / "lowres_wide_intrinsics" / f"{stem}.pincam").write_text(pincam + "\n")
        picture = Image.open(io.BytesIO(view.image))
        picture.save(frames / "lowres_wide" / f"{stem}.png", "PNG")
        if view.depth is not None:
            write_depth(frames / "lowres_depth" / f"{stem}.png", view.depth)
    (frames / "lowres_wide.traj").write_text("\n".join(lines) + "\n")
    data = [_annotated(item) for item in objects]
    write_json(folder / f"{video_id}_3dod_annotation.json", {"skipped": False, "data": data})


def _annotated(item: SceneObject) -> dict[str, object]:
    box = {
        "centroid": list(item.box.center),
        "axesLengths": list(item.box.size),
        "normalizedAxes": [v for row in item.box.axes for v in row],
    }
    segments = {"obb": box, "obbAligned": box}
    return {"uid": str(item.instance_id), "label": item.category, "segments": segments}


def read_arkit_views(folder: Path, video_id: str) -> list[PosedView]:
    """Posed low-resolution views; pictures without a pose at their own time are left out."""
    frames = folder / f"{video_id}_frames"
    lines = read_file(frames / "lowres_wide.traj").decode().splitlines()
    poses = {round(float(line.split()[0]), 3): line for line in lines if line}
    found: list[PosedView] = []
    for path in sorted((frames / "lowres_wide").glob("*.png")):
        if path.name.startswith("."):  # what archives of other systems leave beside a file
            continue
        time = float(path.stem.rpartition("_")[2])
        line = poses.get(round(time, 3))
        if line is None:
            continue
        pincam = frames / "lowres_wide_intrinsics" / f"{path.stem}.pincam"
        width, height, fx, fy, cx, cy = read_numbers(pincam, 6)
        depth = frames / "lowres_depth" / path.name
        intrinsics = Intrinsics(fx=fx, fy=fy, cx=cx, cy=cy, width=int(width), height=int(height))
        found.append(
            PosedView(
                index=len(found),
                time=time,
                image=path.read_bytes(),
                camera=camera_of(_world_from_camera(line), intrinsics),
                depth=read_depth(depth) if depth.exists() else None,
            )
        )
    return found


def _world_from_camera(line: str) -> Float:
    values = np.array(line.split()[1:7], np.float64)
    R = Rotation.from_rotvec(values[:3]).as_matrix()
    T = np.eye(4)
    T[:3, :3] = R.T
    T[:3, 3] = -R.T @ values[3:]
    return T


@dataclass(frozen=True, slots=True)
class Rejected:
    """An annotated object (its number from 1) that nothing can be asked about, and why."""

    scene: str
    number: int
    label: str
    reason: str

    def told(self) -> dict[str, str | int]:
        """As JSON."""
        return {
            "scene": self.scene,
            "number": self.number,
            "label": self.label,
            "reason": self.reason,
        }


def read_arkit_rows(path: Path, scene: str) -> tuple[list[SceneObject], list[Rejected]]:
    """Objects of a ``_3dod_annotation.json`` one by one: the whole ones, and of each other one what
    is wrong with it. No default stands in for anything. `UserError` where it is no such file."""
    whole = read_json(path)
    listed = whole.get("data") if isinstance(whole, dict) else None
    if not isinstance(listed, list):
        raise UserError(f"{path} is no ARKitScenes annotation: data is no list")
    found, rejected = [], []
    for number, row in enumerate(listed, start=1):
        try:
            found.append(_object(_ArkitObject.model_validate(row), number))
        except ValidationError as error:
            rejected.append(Rejected(scene, number, _label(row), first_problem(error)))
        except ValueError as error:
            rejected.append(Rejected(scene, number, _label(row), str(error)))
    return found, rejected


def _label(row: object) -> str:
    return str(row.get("label", "")) if isinstance(row, dict) else ""


def _object(item: _ArkitObject, number: int) -> SceneObject:
    """One object; `ValueError` says what its box lacks."""
    obb = item.segments.obbAligned or item.segments.obb
    if obb is None:
        raise ValueError("it has neither obb nor obbAligned")
    if not item.label.strip():
        raise ValueError("its label is empty")
    values = np.array([*obb.centroid, *obb.axesLengths, *obb.normalizedAxes])
    if not np.isfinite(values).all():
        raise ValueError("its box holds a number that is not finite")
    if min(obb.axesLengths) <= 0:
        raise ValueError("an edge of its box is not positive")
    axes = np.array(obb.normalizedAxes).reshape(3, 3)
    if np.abs(axes @ axes.T - np.eye(3)).max() > _ORTHONORMAL:
        raise ValueError("its axes are no orthonormal rows")
    a = obb.normalizedAxes
    box = OrientedBox(center=obb.centroid, size=obb.axesLengths, axes=(a[0:3], a[3:6], a[6:9]))
    return SceneObject(instance_id=number, category=item.label, box=box, symmetry=0)


def read_arkit_objects(path: Path) -> list[SceneObject]:
    """Objects of a ``_3dod_annotation.json``; the gravity-aligned box is preferred."""
    try:
        annotation = _Annotation.model_validate(read_json(path))
    except ValidationError as error:
        raise UserError(f"{path} is no ARKitScenes annotation: {first_problem(error)}") from None
    found = []
    for number, item in enumerate(annotation.data, start=1):
        obb = item.segments.obbAligned or item.segments.obb
        if obb is None:
            raise UserError(f"{path}: object {number} has neither obb nor obbAligned")
        a = obb.normalizedAxes
        box = OrientedBox(center=obb.centroid, size=obb.axesLengths, axes=(a[0:3], a[3:6], a[6:9]))
        found.append(SceneObject(instance_id=number, category=item.label, box=box, symmetry=0))
    return found

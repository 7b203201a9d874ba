"""APEIRIA's scene JSON: named boxes by centre and size, and floor corners, to four decimals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from surveyor.core.errors import UserError
from surveyor.core.geometry import OrientedBox, Vec2, Vec3
from surveyor.core.wording import first_problem
from surveyor.scenes.formats.posed_images import read_json, write_json
from surveyor.scenes.records import SceneObject, SceneTruth
from surveyor.scenes.rooms.free_space import polygon_area

DIGITS = 4


class _ApeiriaObject(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: str
    id: int
    location: Vec3
    size: Vec3
    nyu40_name: str | None = None


class _ApeiriaScene(BaseModel):
    model_config = ConfigDict(extra="ignore")

    objects: tuple[_ApeiriaObject, ...]
    corners: tuple[tuple[Vec2, ...], ...] = ()


def write_apeiria(path: Path, truth: SceneTruth) -> None:
    """Write one scene; boxes become axis-aligned, as the layout has no rotation."""
    objects = []
    for item in truth.objects:
        corners = item.box.corners()
        low, high = corners.min(axis=0), corners.max(axis=0)
        objects.append(
            {
                "name": item.category,
                "nyu40_name": item.category,
                "id": item.instance_id,
                "location": np.round((low + high) / 2, DIGITS).tolist(),
                "size": np.round(high - low, DIGITS).tolist(),
            }
        )
    rooms = [[[round(v, DIGITS) for v in point] for point in room] for room in truth.rooms]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"objects": objects, "corners": rooms})


def read_apeiria(path: Path) -> SceneTruth:
    """Read one scene; its id is the file's name, its area that of the corners."""
    try:
        scene = _ApeiriaScene.model_validate(read_json(path))
    except ValidationError as error:
        raise UserError(f"{path} is no APEIRIA scene: {first_problem(error)}") from None
    return SceneTruth(
        scene_id=path.stem,
        source="apeiria",
        rooms=scene.corners,
        room_area=sum(abs(polygon_area(room)) for room in scene.corners),
        objects=tuple(
            SceneObject(
                # Ids count from zero there, and zero means nothing in an id image of ours.
                instance_id=item.id + 1 if _from_zero(scene) else item.id,
                category=item.name,
                box=OrientedBox(center=item.location, size=item.size),
                symmetry=0,
            )
            for item in scene.objects
        ),
    )


def _from_zero(scene: _ApeiriaScene) -> bool:
    return any(item.id == 0 for item in scene.objects)

"""Reader of VSI-Bench's released scene metadata: boxes, counts and room sizes of real scans.

Files are named ``<dataset>_meta_info_val.json`` and hold one object per scene with ``room_size``,
``object_counts`` and ``object_bbox`` (``centroid``, ``axesLengths``, nine ``normalizedAxes``
whose rows are the box's axes, so that the box-to-world rotation is the transpose). World is
Z-up, metres. No frames come with it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from surveyor.core.blobs import sha256_of
from surveyor.core.errors import UserError
from surveyor.core.geometry import OrientedBox, Vec3
from surveyor.core.wording import first_problem
from surveyor.scenes.records import SceneObject, SceneTruth

DATASETS = ("arkitscenes", "scannet", "scannetpp")
ORTHONORMAL = 1e-4

Positive = Annotated[FiniteFloat, Field(gt=0)]
FiniteVec3 = tuple[FiniteFloat, FiniteFloat, FiniteFloat]


class _Box(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    centroid: FiniteVec3
    axesLengths: tuple[Positive, Positive, Positive]
    normalizedAxes: tuple[FiniteFloat, ...] = Field(min_length=9, max_length=9)

    def oriented(self) -> OrientedBox:
        rows = self.normalizedAxes
        axes: tuple[Vec3, Vec3, Vec3] = (rows[0:3], rows[3:6], rows[6:9])  # type: ignore[assignment]
        for a in range(3):
            for b in range(a, 3):
                dot = sum(x * y for x, y in zip(axes[a], axes[b], strict=True))
                if abs(dot - (a == b)) > ORTHONORMAL:
                    raise ValueError("normalizedAxes are not orthonormal")
        return OrientedBox(center=self.centroid, size=self.axesLengths, axes=axes)


class _MetaScene(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    dataset: str
    room_size: Positive
    object_counts: dict[str, int]
    object_bbox: dict[str, tuple[_Box, ...]]


_FILE: TypeAdapter[dict[str, _MetaScene]] = TypeAdapter(dict[str, _MetaScene])


def read_vsi_meta(folder: Path, datasets: tuple[str, ...] = DATASETS) -> list[SceneTruth]:
    """Every scene of the metadata folder, datasets and scenes in the order of the files.

    A category whose boxes and count disagree in the metadata has no trustworthy truth, so it is
    left out (eleven scenes of ScanNet do this; without them the number of countable categories
    is the benchmark's own 565). Raises `UserError` when a file is missing, cut off or malformed.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; give the folder with VSI-Bench's meta files")
    scenes = [scene for name in datasets for scene in _read_dataset(folder, name)]
    if not scenes:
        raise UserError(f"{folder} holds no scenes; VSI-Bench's metadata has 288 of them")
    return scenes


def vsi_meta_hash(folder: Path) -> str:
    """What tells one release of the metadata from another. Raises `UserError` like reading it."""
    try:
        files = [_file(folder, name).read_bytes() for name in DATASETS]
    except FileNotFoundError as error:
        raise _missing(folder, Path(error.filename)) from None
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read: {error.strerror}") from None
    return sha256_of(b"".join(sha256_of(data).encode() for data in files))


def _file(folder: Path, dataset: str) -> Path:
    return folder / f"{dataset}_meta_info_val.json"


def _missing(folder: Path, path: Path) -> UserError:
    return UserError(
        f"{path.name} is missing from {folder}; VSI-Bench's metadata is three such files"
    )


def _read_dataset(folder: Path, dataset: str) -> list[SceneTruth]:
    path = _file(folder, dataset)
    try:
        scenes = _FILE.validate_python(json.loads(path.read_bytes()))
        return [_truth(name, scene) for name, scene in scenes.items()]
    except FileNotFoundError:
        raise _missing(folder, path) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is cut off or not JSON ({error}); fetch it again") from None
    except ValidationError as error:
        raise UserError(
            f"{path} does not look like VSI-Bench metadata: {first_problem(error)}"
        ) from None
    except ValueError as error:
        raise UserError(f"{path} holds a box that is none: {error}") from None


def _truth(name: str, scene: _MetaScene) -> SceneTruth:
    objects: list[SceneObject] = []
    for category, boxes in sorted(scene.object_bbox.items()):
        if scene.object_counts.get(category) != len(boxes):
            continue
        for box in boxes:
            objects.append(
                SceneObject(
                    instance_id=len(objects) + 1,
                    category=category,
                    box=box.oriented(),
                    symmetry=0,
                )
            )
    return SceneTruth(
        scene_id=name, source=scene.dataset, room_area=scene.room_size, objects=tuple(objects)
    )

"""What the benchmarks on ScanNet share: frames of a scan, boxes and masks of its objects.

Objects come from the arrays that ScanRefer's own preparation writes for each scan:
``<scene>_aligned_vert.npy`` (n, 3 or more), metres, axes aligned; ``<scene>_ins_label.npy`` (n,),
0 for points of no object and otherwise the object id + 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from surveyor.benchmarks.loaders.media import Footage, footage_below
from surveyor.core.errors import UserError
from surveyor.core.geometry import Float
from surveyor.core.paths import child

FOLDERS = ("scans", "scannet", "frames", ".")


def scan_footage(source: Path) -> Callable[[str], Footage]:
    """Opens the frames of a scan: ``scans/<scene_id>`` or another of `FOLDERS`."""

    def footage(scene_id: str) -> Footage:
        return footage_below([source], [f"{folder}/{scene_id}" for folder in FOLDERS], scene_id)

    return footage


@dataclass(frozen=True, slots=True, eq=False)
class ScanObjects:
    """The objects of one scan. ``labels`` (n,) is the object id + 1 of each point, 0 for none."""

    scene_id: str
    labels: NDArray[np.integer[Any]]
    points: Float | None = None

    @property
    def n_points(self) -> int:
        """How many points the scan has."""
        return len(self.labels)

    def indexes(self, object_id: int) -> list[JsonValue]:
        """Points of an object, ascending; `UserError` for an object that the scan does not have."""
        return [int(k) for k in self._places(object_id)]

    def aabb(self, object_id: int) -> list[JsonValue]:
        """``[[xmin, ymin, zmin], [xmax, ymax, zmax]]`` of an object's points, metres."""
        if self.points is None:
            raise UserError(f"scan {self.scene_id} has no points; prepare it again")
        points = self.points[self._places(object_id)]
        return [points.min(axis=0).tolist(), points.max(axis=0).tolist()]

    def _places(self, object_id: int) -> NDArray[np.intp]:
        found = np.flatnonzero(self.labels == object_id + 1)
        if not len(found):
            raise UserError(f"scan {self.scene_id} has no object {object_id}; prepare it again")
        return found


class PreparedScans:
    """Prepared scans below ``source``, in its folder ``scannet_data`` or itself.

    Files list the rows of one scan together, so the scan read last is kept, and only that one.
    """

    def __init__(self, source: Path, *, with_points: bool = True) -> None:
        folder = source / "scannet_data"
        self._folder = folder if folder.is_dir() else source
        self._with_points = with_points
        self._last: ScanObjects | None = None

    def __getitem__(self, scene_id: str) -> ScanObjects:
        """The objects of a scan; `UserError` that says how to prepare it."""
        if self._last is None or self._last.scene_id != scene_id:
            self._last = self._read(scene_id)
        return self._last

    def vertices(self, scene_id: str) -> Float | None:
        """The scan's aligned vertices (n, 3), metres; ``None`` where only labels were brought."""
        if not child(self._folder, f"{scene_id}_aligned_vert.npy").is_file():
            return None
        return self[scene_id].points

    def _read(self, scene_id: str) -> ScanObjects:
        labels = _array(child(self._folder, f"{scene_id}_ins_label.npy"), ndim=1)
        if not self._with_points:
            return ScanObjects(scene_id, labels)
        path = child(self._folder, f"{scene_id}_aligned_vert.npy")
        vertices = _array(path, ndim=2)
        if len(vertices) != len(labels) or vertices.shape[1] < 3:
            raise UserError(
                f"{path} does not hold one point for each label; prepare the scan again"
            )
        return ScanObjects(scene_id, labels, vertices[:, :3].astype(np.float64))


def _array(path: Path, ndim: int) -> NDArray[Any]:
    if not path.is_file():
        raise UserError(
            f"{path} is missing: prepare the scans with ScanRefer's own batch_load_scannet_data.py"
        )
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); prepare the scan again") from None
    if array.ndim != ndim:
        raise UserError(f"{path} has {array.ndim} axes, not {ndim}; prepare the scan again")
    return array

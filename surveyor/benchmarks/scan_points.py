"""The points that masks of a scene are told in, for scorers.

Loaded scans bring their own vertices. Embedded rooms have none: theirs are what the frames show,
back-projected from exact depth by exact cameras, one point for every voxel, so that a mask counts
surface and not pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import DepthMap, Float, Pose, Scale
from surveyor.scenes.datasets.truth import frame_maps, maps_path, scan_points, scene_truth
from surveyor.scenes.rooms.free_space import inside_polygon

VOXEL = 0.04
"""Edge of the voxels that embedded rooms are thinned by, metres."""
_STRIDE = 2
_EXACT = 0.001


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """``points`` (n, 3) in metres, ``None`` where the dataset keeps none; ``instances`` (n,) are
    the object ids of embedded rooms, 0 for walls and floor. ``noise`` is how far a point may lie
    from its surface, metres: about 2 cm in real scans, nothing in embedded rooms."""

    points: Float | None = None
    instances: NDArray[np.integer[Any]] | None = None
    noise: float = 0.02

    def fields(self, payload: Mapping[str, object]) -> dict[str, object]:
        """The mask fields of a target that names objects of an embedded room."""
        ids = payload.get("object_ids")
        if self.points is None or self.instances is None or not isinstance(ids, list):
            return {}
        inside = np.isin(self.instances, ids)
        found: dict[str, object] = {"n_points": len(self.points), "gt_indexes": _listed(inside)}
        region = payload.get("region")
        if isinstance(region, list):
            flat = self.points[:, :2]
            held = np.zeros(len(flat), np.bool_)
            for polygon in region:
                held |= inside_polygon(flat, tuple(map(tuple, polygon)))
            found["region_indexes"] = _listed(held)
        return found


def _listed(mask: NDArray[np.bool_]) -> list[int]:
    return [int(k) for k in np.flatnonzero(mask)]


@dataclass
class Scans:
    """Scans of a dataset by scene id, each made once."""

    dataset: Path
    _made: dict[str, Scan] = field(default_factory=dict)

    def __getitem__(self, scene_id: str) -> Scan:
        if scene_id not in self._made:
            self._made[scene_id] = self._read(scene_id)
        return self._made[scene_id]

    def _read(self, scene_id: str) -> Scan:
        kept = scan_points(self.dataset, scene_id)
        if kept is not None:
            return Scan(kept)
        cameras = scene_truth(self.dataset, scene_id).cameras
        if not cameras or not maps_path(self.dataset, scene_id, 0).exists():
            return Scan()
        points, ids = [], []
        for index, camera in enumerate(cameras):
            maps = frame_maps(self.dataset, scene_id, index)
            height, width = maps.depth.shape
            intrinsics = camera.intrinsics.resized(width, height)
            grid, measured = DepthMap(maps.depth, Scale.METRIC).unproject(intrinsics)
            chosen = np.zeros_like(measured)
            chosen[::_STRIDE, ::_STRIDE] = measured[::_STRIDE, ::_STRIDE]
            points.append(Pose(np.array(camera.T_world_camera)).to_world(grid[chosen]))
            ids.append(maps.ids[chosen])
        return _thinned(np.concatenate(points), np.concatenate(ids))


def _thinned(points: Float, ids: NDArray[np.integer[Any]]) -> Scan:
    """One point for every voxel and object: the first that was seen."""
    cells = np.floor(points / VOXEL).astype(np.int64)
    keys = np.concatenate([cells, ids[:, None].astype(np.int64)], axis=1)
    _, first = np.unique(keys, axis=0, return_index=True)
    first.sort()
    return Scan(points[first], ids[first], _EXACT)

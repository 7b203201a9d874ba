"""What a run keeps of a reconstruction, so that it can be looked at when the experts are gone.

One JSON document with the cameras, and one binary cloud that it names: voxelised, quantised to 16
bits an axis and shuffled, so that any first part of it is an even sample.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from surveyor.core.blobs import BlobRef, BlobStore, sha256_of
from surveyor.core.cameras import Mat4
from surveyor.core.geometry import Float, Intrinsics, Scale, Vec3, World
from surveyor.tools.memoize import Memo
from surveyor.tools.records import ReconstructionRecord

VOXEL: Final = 0.02
"""Metres (or units): finer than anything that is measured here."""
MOST: Final = 200_000
CLOUD_TYPE: Final = "application/x-surveyor-cloud"
_STEPS: Final = 65535


class KeptView(BaseModel):
    """One registered frame."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame: str
    T_world_camera: Mat4
    intrinsics: Intrinsics


class KeptGeometry(BaseModel):
    """Cameras and cloud of a reconstruction, +Z up. The cloud's bytes are (n, 3) uint16, little
    endian; a point is ``origin + step * value``. Lengths are metres unless ``scale`` is relative.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: int = 1
    scale: Scale
    world: World
    views: tuple[KeptView, ...]
    cloud: BlobRef
    points: int
    origin: Vec3
    step: float


_made: Memo[tuple[BlobRef, bytes, bytes]] = Memo(32)


def keep_geometry(record: ReconstructionRecord, store: BlobStore) -> BlobRef:
    """Put a reconstruction's document and cloud into ``store``, and return the document's name."""
    key = (tuple(view.key for view in record.views.values()), record.scale, record.world)
    ref, document, cloud = _made.get(key, lambda: _documented(record))
    if ref.sha256 not in store:
        store.put(cloud, CLOUD_TYPE)
        store.put(document, "application/json")
    return ref


def _documented(record: ReconstructionRecord) -> tuple[BlobRef, bytes, bytes]:
    grid, origin, step = quantised(record.cloud.points)
    cloud = grid.astype("<u2").tobytes()
    geometry = KeptGeometry(
        scale=record.scale,
        world=record.world,
        views=tuple(
            KeptView(
                frame=frame,
                T_world_camera=_rows(view.pose.T_world_camera),
                intrinsics=view.intrinsics,
            )
            for frame, view in record.views.items()
        ),
        cloud=_named(cloud, CLOUD_TYPE),
        points=len(grid),
        origin=origin,
        step=step,
    )
    document = geometry.model_dump_json().encode()
    return _named(document, "application/json"), document, cloud


def quantised(points: Float) -> tuple[NDArray[np.uint16], Vec3, float]:
    """(n, 3) steps from an origin, one point a voxel, at most `MOST`, in no order; and both."""
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) == 0:
        return np.empty((0, 3), np.uint16), (0.0, 0.0, 0.0), 1.0
    low = points.min(axis=0)
    step = max(float(np.ptp(points, axis=0).max()) / _STEPS, 1e-9)
    cells = np.floor((points - low) / VOXEL).astype(np.int64)
    _, first = np.unique(cells @ np.array([1 << 42, 1 << 21, 1]), return_index=True)
    chosen = np.random.default_rng(0).permutation(first)[:MOST]
    grid = np.rint((points[chosen] - low) / step).astype(np.uint16)
    x, y, z = (float(value) for value in low)
    return grid, (x, y, z), step


def _rows(T: Float) -> Mat4:
    a, b, c, d = (tuple(round(float(value), 6) for value in row) for row in T)
    return (a, b, c, d)  # type: ignore[return-value]


def _named(data: bytes, media_type: str) -> BlobRef:
    return BlobRef(sha256=sha256_of(data), media_type=media_type, size=len(data))

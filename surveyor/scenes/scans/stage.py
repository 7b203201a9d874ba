"""Where one can walk in a scan, so that it is filmed as embedded rooms are."""

from __future__ import annotations

import zlib

import numpy as np
from scipy import ndimage

from surveyor.scenes.capture.coverage import Outline
from surveyor.scenes.capture.rendering import Tracer
from surveyor.scenes.capture.standing import BODY, HEAD, STEP, StandableFloor
from surveyor.scenes.capture.trajectory import Stage
from surveyor.scenes.questions.vocabulary import may_ask
from surveyor.scenes.rooms.free_space import inside_polygon
from surveyor.scenes.scans.room import ScannedRoom

STEP_OVER = 0.15


def stage_of(room: ScannedRoom, film: Tracer, walk: int = 0) -> Stage:
    """A scan as what is to be filmed; wanted are the objects that may be asked about and are
    in the mesh at all: a label without a surface cannot be filmed. ``walk`` numbers the ways
    through it."""
    name = f"{room.scene_id} {walk}" if walk else room.scene_id
    present = set(np.unique(room.instance).tolist())
    return Stage(
        seed=zlib.crc32(name.encode()),
        height=room.height,
        objects=room.objects,
        wanted=np.array(
            [may_ask(o.category, room.source) and o.instance_id in present for o in room.objects],
            bool,
        ),
        space=free_floor(room),
        film=film,
        outline=Outline.of_polygon(room.polygon),
    )


def free_floor(room: ScannedRoom) -> StandableFloor:
    """The largest connected part of the floor over which a body meets no surface of the mesh."""
    corners = tuple((float(x), float(y)) for x, y in room.polygon)
    nx, ny = (int(n) for n in np.ceil(room.polygon.max(axis=0) / STEP))
    x, y = np.meshgrid((np.arange(nx) + 0.5) * STEP, (np.arange(ny) + 0.5) * STEP, indexing="ij")
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    free = inside_polygon(points, corners).reshape(nx, ny)
    surface = room.vertices[room.triangles].mean(axis=1)
    body = surface[(surface[:, 2] > STEP_OVER) & (surface[:, 2] < HEAD)]
    cells = np.floor(body[:, :2] / STEP).astype(int)
    cells = cells[((cells >= 0) & (cells < (nx, ny))).all(axis=1)]
    free[cells[:, 0], cells[:, 1]] = False
    clear = ndimage.distance_transform_edt(np.pad(free, 1))[1:-1, 1:-1] * STEP > BODY
    labels, count = ndimage.label(clear)
    if count == 0:
        return StandableFloor(np.zeros((nx, ny), bool), np.zeros((0, 2)))
    mask = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    return StandableFloor(mask, points[mask.ravel()])

"""Top views of embedded rooms, ray cast."""

from __future__ import annotations

import numpy as np

from surveyor.core.top_view import EMPTY, TopCamera, TopView
from surveyor.scenes.capture.rendering import renderer
from surveyor.scenes.rooms.light.shading import albedo
from surveyor.scenes.rooms.room import Room
from surveyor.scenes.rooms.surfaces.atlas import Atlas

CEILING_CUT = 0.35


def top_view_of_room(room: Room, longest: int = 512, cut: float = CEILING_CUT) -> TopView:
    """Rays cast straight down from ``cut`` metres below the ceiling, in the materials' colours."""
    camera = TopCamera.over(np.asarray(room.polygon), longest)
    tracer = renderer(room)
    start = room.height - cut
    origins = np.column_stack([camera.grid(), np.full(camera.width * camera.height, start)])
    down = np.broadcast_to(np.array([0, 0, -1], np.float32), origins.shape)
    hits = tracer.caster.hit(origins.astype(np.float32), down)
    found = hits.triangle >= 0
    linear = albedo(tracer.mesh, Atlas.of(tracer.mesh.materials), hits, down.copy())
    colours = (np.clip(linear, 0, 1) ** (1 / 2.2) * 255 + 0.5).astype(np.uint8)
    shape = camera.height, camera.width
    return TopView(
        camera,
        np.where(found[:, None], colours, EMPTY).reshape(*shape, 3),
        np.where(found, tracer.mesh.instance[hits.triangle], 0).astype(np.int32).reshape(shape),
        np.where(found, start - hits.distance, 0).astype(np.float32).reshape(shape),
    )

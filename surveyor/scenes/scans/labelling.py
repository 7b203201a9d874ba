"""Which object each triangle of a scan's one mesh belongs to, by the boxes that were labelled.

A scan does not say it, so this is what a person would do with the boxes at hand: the floor and
what lies in nobody's box stay what they are; a chair under a labelled table becomes table. That
error is real, and every scene data set with boxes only has it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import Float
from surveyor.scenes.records import SceneObject

MARGIN = 0.04  # how far a mesh of a headset strays from a labelled box, metres
FLAT_MARGIN = 0.10  # the same across a door, a window or a picture
ON_FLOOR = 0.05
ALONG_WALL = 0.15


def label_triangles(
    vertices: NDArray[np.float32],
    triangles: NDArray[np.int32],
    objects: Sequence[SceneObject],
    flat: Sequence[bool],
    walls: Sequence[Float],
    height: float,
) -> NDArray[np.int32]:
    """Instance ids (T,); what is no object gets the ids of floor, ceiling, wall and unlabelled.

    ``flat`` says which objects are openings or pictures in a wall; ``walls`` are segments (2, 2).
    """
    centre = vertices[triangles].astype(np.float64).mean(axis=1)
    floor, ceiling, wall, other = (len(objects) + 1 + k for k in range(4))
    found = np.full(len(triangles), other, np.int32)
    for segment in walls:
        found[_beside(centre[:, :2], segment) < ALONG_WALL] = wall
    found[centre[:, 2] > height - ALONG_WALL] = ceiling
    # Smaller boxes come last: a screen that stands in the box of a shelf is a screen.
    order = sorted(range(len(objects)), key=lambda k: -float(np.prod(objects[k].box.size)))
    for k in sorted(order, key=lambda k: not flat[k]):
        box, margin = objects[k].box, MARGIN
        inside = box.contains(centre, margin=FLAT_MARGIN if flat[k] else margin)
        found[inside] = objects[k].instance_id
    found[centre[:, 2] < ON_FLOOR] = floor
    return found


def _beside(points: Float, segment: Float) -> Float:
    """(N,) distance from points (N, 2) to a segment (2, 2)."""
    along = segment[1] - segment[0]
    share = np.clip((points - segment[0]) @ along / max(float(along @ along), 1e-12), 0, 1)
    distance: Float = np.linalg.norm(points - segment[0] - share[:, None] * along, axis=1)
    return distance

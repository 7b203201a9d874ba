"""Object markers: one number per object, drawn only on pixels of that object.

Rules. An object is marked in an image when it covers enough pixels and a large enough share of
its own silhouette. The label goes where the object's visible mask is thickest, and only where the
whole label fits inside the mask: so no marker covers another object, and no two overlap.
Every object in view that is not marked is listed with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from surveyor.core.cameras import Camera, Ids
from surveyor.core.geometry import Float, Pose
from surveyor.core.marker_font import draw_label, label_bitmap
from surveyor.core.records import FrozenRecord

Rgb = NDArray[np.uint8]


class MarkerRule(FrozenRecord):
    """When to mark. Pixels are those of the image drawn on.

    ``min_pixels`` and ``min_share`` (of the image) bound the visible area, ``min_visible`` the
    visible share of the object's silhouette; labels stay ``border`` pixels inside the image and
    grow with it: one font pixel for every ``unit`` pixels of the shorter side.
    """

    min_pixels: int = 60
    min_share: float = 0.0005
    min_visible: float = 0.2
    border: int = 2
    unit: int = 200


class Marker(FrozenRecord):
    """A drawn label: its number, its rectangle's upper left pixel, size and font scale."""

    instance_id: int
    left: int
    top: int
    width: int
    height: int
    scale: int

    @property
    def anchor(self) -> tuple[float, float]:
        """Centre of the label, pixels (u, v)."""
        return self.left + (self.width - 1) / 2, self.top + (self.height - 1) / 2


class Unmarked(FrozenRecord):
    """An object in view that got no label, and why."""

    instance_id: int
    reason: str


class Markers(FrozenRecord):
    """What was drawn on one image; saved beside it."""

    width: int
    height: int
    drawn: tuple[Marker, ...]
    left_out: tuple[Unmarked, ...]


def place_markers(
    ids: Ids,
    candidates: frozenset[int],
    visible: Mapping[int, float] | None = None,
    rule: MarkerRule | None = None,
) -> Markers:
    """Decide the markers of an id image (H, W) for the objects in ``candidates``.

    ``visible`` gives the visible share of silhouettes where known (`visible_share`).
    """
    rule = rule or MarkerRule()
    drawn: list[Marker] = []
    left_out: list[Unmarked] = []
    for instance_id in sorted(candidates & set(np.unique(ids).tolist())):
        found = _place(ids == instance_id, instance_id, (visible or {}).get(instance_id), rule)
        if isinstance(found, Marker):
            drawn.append(found)
        else:
            left_out.append(found)
    height, width = ids.shape
    return Markers(width=width, height=height, drawn=tuple(drawn), left_out=tuple(left_out))


def _place(
    mask: NDArray[np.bool_], instance_id: int, visible: float | None, rule: MarkerRule
) -> Marker | Unmarked:
    area = int(mask.sum())
    if area < max(rule.min_pixels, rule.min_share * mask.size):
        return Unmarked(instance_id=instance_id, reason=f"covers only {area} pixels")
    if visible is not None and visible < rule.min_visible:
        return Unmarked(instance_id=instance_id, reason=f"only {visible:.0%} of it is visible")
    inside = np.zeros_like(mask)
    b = rule.border
    inside[b : -b or None, b : -b or None] = mask[b : -b or None, b : -b or None]
    # Nothing outside of the mask's own rectangle can hold a label or changes its depth.
    (around,) = ndimage.find_objects(inside.astype(np.uint8)) or (None,)
    if around is None:
        return Unmarked(instance_id=instance_id, reason="its label does not fit on it")
    inside, (down, across) = inside[around], (around[0].start, around[1].start)
    for scale in range(max(1, min(mask.shape) // rule.unit), 0, -1):
        height, width = label_bitmap(instance_id, scale).shape
        spot = _roomiest(inside, height, width)
        if spot is not None:
            return Marker(
                instance_id=instance_id,
                left=spot[0] + across,
                top=spot[1] + down,
                width=width,
                height=height,
                scale=scale,
            )
    return Unmarked(instance_id=instance_id, reason="its label does not fit on it")


def _roomiest(mask: NDArray[np.bool_], height: int, width: int) -> tuple[int, int] | None:
    """Upper left (u, v) of the rectangle inside the mask whose centre is deepest in it."""
    if mask.shape[0] < height or mask.shape[1] < width:
        return None
    total = np.pad(mask.astype(np.int64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    covered = total[height:, width:] - total[:-height, width:]
    covered = covered - total[height:, :-width] + total[:-height, :-width]
    fits = covered == height * width
    if not fits.any():
        return None
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    centre = depth[height // 2 :, width // 2 :][: fits.shape[0], : fits.shape[1]]
    top, left = np.unravel_index(int(np.where(fits, centre, -1).argmax()), fits.shape)
    return int(left), int(top)


def draw_markers(rgb: Rgb, markers: Markers) -> Rgb:
    """A copy of the image (H, W, 3) with the markers drawn in; sizes must match."""
    if rgb.shape[:2] != (markers.height, markers.width):
        raise ValueError("markers were placed for an image of another size")
    marked = rgb.copy()
    for marker in markers.drawn:
        draw_label(marked, marker.instance_id, marker.scale, marker.left, marker.top)
    return marked


def visible_share(cloud: Float, camera: Camera, ids: Ids, instance_id: int, cell: int = 8) -> float:
    """Visible share of an object's silhouette in a view, measured in cells of ``cell`` pixels.

    The silhouette is where the object's fused cloud (N, 3) projects inside the image; front and
    back fall on the same cells, so it is what would be seen if nothing stood before it.
    """
    height, width = ids.shape
    intrinsics = camera.intrinsics.resized(width, height)
    local = Pose(np.array(camera.T_world_camera)).to_camera(cloud)
    pixels, _ = intrinsics.project(local[local[:, 2] > 0.05])
    cells = np.floor((pixels + 0.5) / cell).astype(int)
    rows, columns = -(-height // cell), -(-width // cell)
    inside = (cells >= 0).all(axis=1) & (cells[:, 0] < columns) & (cells[:, 1] < rows)
    silhouette = np.zeros((rows, columns), bool)
    silhouette[cells[inside, 1], cells[inside, 0]] = True
    padded = np.zeros((rows * cell, columns * cell), bool)
    padded[:height, :width] = ids == instance_id
    seen = padded.reshape(rows, cell, columns, cell).any(axis=(1, 3))
    total = int((silhouette | seen).sum())
    return int(seen.sum()) / total if total else 0.0

"""Which pixels of a registered view belong to which measured objects.

Where an object was cut out in a view, its pixels there are those that were lifted. In a view where
it was not, they are those whose measured points lie on the object's cloud. Nothing here knows the
truth of a place: what was measured wrongly is owned wrongly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from surveyor.core.cameras import Ids
from surveyor.core.geometry import Scale
from surveyor.tools.records import CloudRecord, ObjectRecord, ViewRecord
from surveyor.tools.workspace import Workspace

_TOUCHING = 0.02
"""Metres between a pixel's point and an object's cloud that still are the object."""
_LEAST = 60
"""Fewer pixels carry no number, so nobody looks whose they are."""


class Ownership:
    """The objects of one place by their numbers, ready to be looked for in its views."""

    def __init__(self, objects: Sequence[tuple[str, ObjectRecord]], workspace: Workspace) -> None:
        ranked = sorted(objects, key=lambda one: (one[1].accepted, one[1].confidence))
        self.records = {number_of(handle): record for handle, record in ranked}
        self._pixels: dict[int, dict[str, list[NDArray[np.int32]]]] = {}
        for handle, _ in ranked:
            mine = self._pixels.setdefault(number_of(handle), {})
            for source in workspace.sources(handle):
                if workspace.stands_for(source, (CloudRecord,)):
                    cloud = workspace.get(source, CloudRecord)
                    mine.setdefault(cloud.frame, []).append(cloud.pixels)
        self._trees: dict[int, KDTree] = {}
        self._known: dict[str, Ids] = {}

    def of(self, frame: str, view: ViewRecord) -> Ids:
        """(H, W) on the view's depth grid: the number of the object that owns each pixel, 0 for
        none. Of two that claim one pixel the surer has it."""
        if frame not in self._known:
            self._known[frame] = self._of(frame, view)
        return self._known[frame]

    def _of(self, frame: str, view: ViewRecord) -> Ids:
        ids = np.zeros(view.depth.shape, np.int32)
        unseen = []
        for number in self.records:
            pixels = self._pixels[number].get(frame)
            if pixels is None:
                unseen.append(number)
                continue
            columns, rows = np.concatenate(pixels).T
            ids[rows, columns] = number
        points = view.pose.to_world(
            (view.intrinsics.rays() * view.depth[..., None])[view.depth > 0]
        )
        for number in unseen:
            found = self._touching(number, points, view, ids)
            ids[found] = number
        return ids

    def _touching(
        self, number: int, points: NDArray[np.float64], view: ViewRecord, ids: Ids
    ) -> NDArray[np.bool_]:
        """Free pixels whose points lie on the object's cloud, but for those at its rim."""
        record = self.records[number]
        found = np.zeros(ids.shape, np.bool_)
        if not len(record.cloud) or record.scale is Scale.RELATIVE:
            return found
        near = record.box.contains(points, _TOUCHING)
        if near.sum() < _LEAST:
            return found
        if number not in self._trees:
            self._trees[number] = KDTree(record.cloud)
        away, _ = self._trees[number].query(points[near], distance_upper_bound=_TOUCHING)
        near[near] = np.isfinite(away)
        found[view.depth > 0] = near
        kept: NDArray[np.bool_] = ndimage.binary_erosion(found & (ids == 0), iterations=2)
        return kept


def number_of(handle: str) -> int:
    """The number that an object is drawn with: that of its handle.

    >>> number_of("obj_7")
    7
    """
    return int(handle.rpartition("_")[2])


def on_picture(ids: Ids, width: int, height: int) -> Ids:
    """An id image on another grid: each pixel takes the cell that it falls into, and where cells
    are larger than pixels an object gives up the cells at its rim, whose pixels are not all its."""
    rows, columns = ids.shape
    if rows < height or columns < width:
        ids = _without_rims(ids)
    v = np.minimum(((np.arange(height) + 0.5) * rows / height).astype(int), rows - 1)
    u = np.minimum(((np.arange(width) + 0.5) * columns / width).astype(int), columns - 1)
    spread: Ids = ids[np.ix_(v, u)]
    return spread


def _without_rims(ids: Ids) -> Ids:
    same = ndimage.minimum_filter(ids, 3) == ndimage.maximum_filter(ids, 3)
    kept: Ids = np.where(same, ids, 0)
    return kept


def closed_gaps(ids: Ids, among: Mapping[int, ObjectRecord]) -> Ids:
    """A splatted id image whose holes of up to four pixels within an object belong to it.

    What lies between two objects stays nobody's, and so does every pixel that another one covers.
    """
    whole = ids.copy()
    square = np.ones((5, 5), bool)
    for number in among:
        mine = ids == number
        if mine.any():
            whole[ndimage.binary_closing(mine, square) & (ids == 0)] = number
    return whole

"""The points of one thing from several views that do not agree to the centimetre.

A reconstruction drifts, outlines spill over, depth is smeared at edges. Each view's points are
first shifted onto the others' (trimmed point-to-plane ICP, Chen and Medioni 1991, translation only:
over one object a small turn is a small shift), then points are kept that enough views confirm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from surveyor.core.geometry import Float
from surveyor.tools.geometry.boxes import box_yaw
from surveyor.tools.geometry.clouds import sample
from surveyor.tools.geometry.viewing import (
    FusingRule,
    Pixels,
    RegisteredView,
    Sighting,
    look,
    outlines,
)

_STEPS = 6
_CLOSEST = 0.8  # less would drop a third of a box, such as both faces that tell of one direction
_NEIGHBOURS = 8
_RIDGE = 0.02
_MOST, _SETTLED = 600, 400


def confirmed_points(
    own: Sequence[Sighting], views: Sequence[RegisteredView], rule: FusingRule
) -> Float:
    """(N, 3) points of one thing, in the mean of its views' opinions of where it is."""
    by_view: dict[int, list[Sighting]] = {}
    for sighting in own:
        by_view.setdefault(sighting.view, []).append(sighting)
    clouds = {number: _thinned(here) for number, here in by_view.items()}
    shifts = settle(clouds, rule)
    points = np.concatenate([cloud + shifts[number] for number, cloud in clouds.items()])
    hits, chances = np.zeros(len(points)), np.zeros(len(points))
    for number, here in by_view.items():
        view = views[number]
        sight = look(points - shifts[number], view, rule)
        hits += sight.seen & _within(outlines(here, view.depth.shape), sight.pixels)
        chances += sight.seen | sight.floating
    kept = points[(hits >= np.minimum(2, chances)) & (hits >= rule.keep * chances)]
    if len(kept) < 0.25 * len(points):
        kept = points
    drifted = any(np.linalg.norm(shift) > rule.agreed for shift in shifts.values())
    whole = [cloud for number, cloud in clouds.items() if not any(s.cut for s in by_view[number])]
    return _as_wide_as_seen(kept, whole) if drifted and len(whole) > 1 else kept


def _within(label: NDArray[np.int32], pixels: Pixels) -> NDArray[np.bool_]:
    """(N,) whether a pixel is in an outline or next to one; rounding moves points by a pixel."""
    height, width = label.shape
    inside = np.zeros(len(pixels), np.bool_)
    for du, dv in product((-1, 0, 1), repeat=2):
        column = np.clip(pixels[:, 0] + du, 0, width - 1)
        row = np.clip(pixels[:, 1] + dv, 0, height - 1)
        inside |= label[row, column] >= 0
    return inside


def _as_wide_as_seen(points: Float, whole: Sequence[Float]) -> Float:
    """The points, without what drift adds to an object's extent.

    One view is consistent in itself, so the middle one of the extents that views which saw the
    whole outline give, axis by axis, is trusted more than the extent of their union: the window
    of that width that holds most points is kept. Not done where views agree, because then the
    union is exact and a view may have seen a part only.
    """
    yaw = box_yaw(points)
    axes = np.array([[np.cos(yaw), np.sin(yaw), 0], [-np.sin(yaw), np.cos(yaw), 0], [0, 0, 1.0]])
    kept = np.ones(len(points), np.bool_)
    for axis in axes:
        width = sorted(float(np.ptp(cloud @ axis)) for cloud in whole)[len(whole) // 2]
        along = points @ axis
        ordered = np.sort(along)
        last = np.searchsorted(ordered, ordered + width, side="right")
        start = ordered[int((last - np.arange(len(ordered))).argmax())]
        kept &= (along >= start) & (along <= start + width)
    return points[kept] if kept.sum() >= 8 else points


def _thinned(sightings: Sequence[Sighting]) -> Float:
    points = np.concatenate([s.points for s in sightings])
    return points[sample(points, _MOST)]


def settle(clouds: Mapping[int, Float], rule: FusingRule) -> dict[int, Float]:
    """The shift (3,) of each view's cloud that lays them onto each other, zero on average.

    Where the reconstruction's views agree to half of ``rule.agreed`` everywhere, nothing is
    shifted: partial views of one thing would only be dragged over each other.
    """
    shifts = {number: np.zeros(3) for number in clouds}
    if len(clouds) < 2 or rule.drift <= rule.agreed / 2:
        return shifts
    order = sorted(clouds, key=lambda number: -len(clouds[number]))
    target = _Target(_some(clouds[order[0]]))
    for number in order[1:]:
        source = _some(clouds[number])
        shifts[number] = _shift(source, target, rule)
        target = target.joined(source + shifts[number])
    mean = np.mean(list(shifts.values()), axis=0)
    return {number: shift - mean for number, shift in shifts.items()}


class _Target:
    """The points settled so far, with their normals: the direction in which a point's neighbours
    spread least. A point keeps the normal that it had when it came, so that each view that joins
    costs what its own points cost."""

    def __init__(self, points: Float, known: Float | None = None) -> None:
        self.points = points
        self.tree = cKDTree(points)
        done = 0 if known is None else len(known)
        self.normals = self._normals(points[done:])
        if known is not None:
            self.normals = np.concatenate([known, self.normals])

    def joined(self, more: Float) -> _Target:
        """This target and the points of one more view."""
        return _Target(np.concatenate([self.points, more]), self.normals)

    def _normals(self, points: Float) -> Float:
        _, nearest = self.tree.query(points, k=min(_NEIGHBOURS, len(self.points)))
        around = self.points[np.asarray(nearest).reshape(len(points), -1)]
        around = around - around.mean(axis=1, keepdims=True)
        _, vectors = np.linalg.eigh(np.swapaxes(around, 1, 2) @ around)
        normals: Float = vectors[:, :, 0]
        return normals


def _some(points: Float) -> Float:
    return points[:: max(1, len(points) // _SETTLED)]


def _shift(source: Float, target: _Target, rule: FusingRule) -> Float:
    if len(target.points) < _NEIGHBOURS:
        return np.zeros(3)
    shift = np.zeros(3)
    for _ in range(_STEPS):
        moved = source + shift
        found = target.tree.query(moved)
        distance, nearest = np.asarray(found[0]), np.asarray(found[1])
        close = distance <= np.quantile(distance, _CLOSEST)
        n = target.normals[nearest[close]]
        off = ((target.points[nearest[close]] - moved[close]) * n).sum(axis=1)
        if float(np.mean(np.abs(off))) <= rule.agreed / 2:
            break
        # The ridge holds still what no surface pins down: sliding along a single wall.
        step = np.linalg.solve(n.T @ n + _RIDGE * len(n) * np.eye(3), n.T @ off)
        shift = shift + step
        if np.linalg.norm(step) < rule.agreed / 10:
            break
    return shift if np.linalg.norm(shift) <= rule.furthest else np.zeros(3)

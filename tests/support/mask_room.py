"""The room of boxes as views with exact masks, for what joins masks: and ways to spoil them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import Pose
from surveyor.tools.geometry.mask_votes import ViewMask
from surveyor.tools.geometry.surface import Surface, surface_of
from surveyor.tools.geometry.viewing import RegisteredView
from tests.support.box_room import CAMERA, THINGS, poses_around, render


@dataclass(frozen=True, eq=False)
class MaskRoom:
    """``ids`` are (H, W) thing numbers of every view, ``labels`` (N,) those of the surface."""

    views: tuple[RegisteredView, ...]
    ids: tuple[NDArray[np.int64], ...]
    surface: Surface
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, poses: Sequence[Pose]) -> MaskRoom:
        """The room seen from poses."""
        seen = [render(pose) for pose in poses]
        views = tuple(
            RegisteredView(pose, CAMERA, depth)
            for pose, (depth, _) in zip(poses, seen, strict=True)
        )
        surface = surface_of(views)
        return cls(views, tuple(ids for _, ids in seen), surface, labels_of(surface, views, seen))

    def masks(self, thing: int, least: int = 16) -> list[ViewMask]:
        """Exact masks of a thing, in the views that show at least so many pixels of it."""
        masks = [ids == thing for ids in self.ids]
        return [ViewMask(k, mask, 0.9) for k, mask in enumerate(masks) if mask.sum() >= least]

    def spoilt(
        self, thing: int, rng: np.random.Generator, hallucinated: int = 2, dropped: int = 2
    ) -> list[ViewMask]:
        """The same with some masks of another thing (or of floor) and some left out."""
        exact = self.masks(thing)
        order = rng.permutation(len(exact))
        spoilt = []
        for place, k in enumerate(order):
            one = exact[k]
            if place < hallucinated:
                spoilt.append(ViewMask(one.view, self._other(one, rng), one.score))
            elif place >= hallucinated + dropped:
                spoilt.append(one)
        return spoilt

    def _other(self, one: ViewMask, rng: np.random.Generator) -> NDArray[np.bool_]:
        """A mask as large as the thing's, around a random place that is not the thing."""
        rows, columns = np.nonzero(~one.mask)
        at = int(rng.integers(len(rows)))
        v, u = np.ogrid[: one.mask.shape[0], : one.mask.shape[1]]
        disc: NDArray[np.bool_] = (v - rows[at]) ** 2 + (
            u - columns[at]
        ) ** 2 <= one.mask.sum() / np.pi
        return disc

    def iou(self, points: NDArray[np.float64], thing: int) -> float:
        """Of surface points with those of a thing."""
        known = {row.tobytes(): k for k, row in enumerate(self.surface.points)}
        held = np.zeros(len(self.labels), np.bool_)
        held[[known[row.tobytes()] for row in np.ascontiguousarray(points)]] = True
        truth = self.labels == thing
        return float((held & truth).sum() / max((held | truth).sum(), 1))

    def union(self, masks: Sequence[ViewMask]) -> NDArray[np.float64]:
        """Surface points under any mask, behind the same depth test: what a union would keep."""
        held = np.zeros(len(self.labels), np.bool_)
        for one, (points, pixels) in zip(masks, self._linked(masks), strict=True):
            held[points[one.mask[pixels[:, 1], pixels[:, 0]]]] = True
        return self.surface.points[held]

    def _linked(
        self, masks: Sequence[ViewMask]
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        for one in masks:
            view = self.views[one.view]
            flat, z = view.intrinsics.project(view.pose.to_camera(self.surface.points))
            pixels = np.rint(np.where(np.isfinite(flat), flat, -1)).astype(int)
            height, width = view.depth.shape
            inside = (z > 0) & (pixels >= 0).all(axis=1)
            inside &= (pixels[:, 0] < width) & (pixels[:, 1] < height)
            found = np.flatnonzero(inside)
            kept = np.abs(view.depth[pixels[found, 1], pixels[found, 0]] - z[found]) <= 0.05
            yield found[kept], pixels[found[kept]]


def labels_of(
    surface: Surface,
    views: Sequence[RegisteredView],
    seen: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]],
) -> NDArray[np.int64]:
    """(N,) the thing that each surface point was measured on: that of the pixel it is from."""
    labels = np.full(len(surface.points), -1)
    best = np.full(len(surface.points), np.inf)
    for view, (depth, ids) in zip(views, seen, strict=True):
        flat, z = view.intrinsics.project(view.pose.to_camera(surface.points))
        pixels = np.rint(np.where(np.isfinite(flat), flat, -1)).astype(int)
        height, width = depth.shape
        inside = (z > 0) & (pixels >= 0).all(axis=1)
        inside &= (pixels[:, 0] < width) & (pixels[:, 1] < height)
        at = np.flatnonzero(inside)
        rows, columns = pixels[at, 1], pixels[at, 0]
        off = np.abs(depth[rows, columns] - z[at]) + np.abs(flat[at] - pixels[at]).max(axis=1)
        better = off < best[at]
        best[at[better]] = off[better]
        labels[at[better]] = ids[rows[better], columns[better]]
    return labels


def room(count: int = 12) -> MaskRoom:
    """Seen from ``count`` places around its middle."""
    return MaskRoom.of(poses_around(count))


def room_about(thing: int, count: int = 12) -> MaskRoom:
    """The room in the ``count`` of 36 views around it that show most of a thing."""
    poses = poses_around(36)
    shown = [int((render(pose)[1] == thing).sum()) for pose in poses]
    return MaskRoom.of([poses[k] for k in sorted(np.argsort(shown)[-count:])])


NAMES = tuple(name for name, _ in THINGS)

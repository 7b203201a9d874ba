"""What a view can say about points: hidden, contradicted, or seen, and under which outline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import Float, Intrinsics, Pose

Pixels = NDArray[np.int32]
_SAMPLES = 400


@dataclass(frozen=True, slots=True, eq=False)
class RegisteredView:
    """One registered view: pose, intrinsics and depth (h, w) in the common frame's unit."""

    pose: Pose
    intrinsics: Intrinsics
    depth: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One outline in one view: world points (N, 3) and their (column, row) pixels (N, 2).

    ``cut``: the outline touches the image border, so the thing may go on outside.
    """

    view: int
    score: float
    points: Float
    pixels: Pixels
    cut: bool = False


@dataclass(frozen=True, slots=True)
class FusingRule:
    """Bounds of the vote; lengths in metres (or the relative unit times ``unit``).

    ``agree``: share of visible points that must fall into the other outline. ``keep``: share of
    supporting views that must confirm a point. ``seen``: share of a thing's points that must be
    visible for a view to count as one that could see it. ``gap``: fragments that no view could
    compare are joined when closer than this. ``inside``: share of a fragment's points within
    ``gap`` of another's box that makes it a part of it. ``agreed``: points this
    close lie on one surface; ``drift``: how far the views disagree, so that each may be shifted
    onto the others by at most ``furthest``. ``slack`` +
    ``slope`` x depth: depth tolerance.
    """

    agree: float = 0.5
    keep: float = 0.34
    seen: float = 0.3
    gap: float = 0.12
    inside: float = 0.8
    agreed: float = 0.02
    drift: float = 0.0
    furthest: float = 0.6
    slack: float = 0.05
    slope: float = 0.03
    least_pixels: int = 30
    probe: int = 160

    def loosened(self, disagreement: float) -> FusingRule:
        """The same rule for views that disagree by so much."""
        extra = 2 * disagreement
        return replace(self, slack=self.slack + extra, gap=self.gap + extra, drift=disagreement)

    def scaled(self, unit: float) -> FusingRule:
        """The same rule for lengths of which ``unit`` make a metre."""
        return replace(
            self,
            gap=self.gap * unit,
            agreed=self.agreed * unit,
            furthest=self.furthest * unit,
            slack=self.slack * unit,
        )


def disagreement(views: Sequence[RegisteredView], most: float = 0.5) -> float:
    """How far neighbouring views disagree on where surfaces are: the median depth difference of
    sampled points, in the views' unit; differences above ``most`` are occlusions."""
    differences = []
    for first, second in pairwise(views):
        step = max(1, first.depth.size // _SAMPLES)
        rows, columns = np.unravel_index(
            np.arange(step // 2, first.depth.size, step), first.depth.shape
        )
        z = first.depth[rows, columns].astype(np.float64)
        k = first.intrinsics
        points = np.stack([(columns - k.cx) / k.fx * z, (rows - k.cy) / k.fy * z, z], axis=1)
        flat, expected = second.intrinsics.project(
            second.pose.to_camera(first.pose.to_world(points[z > 0]))
        )
        height, width = second.depth.shape
        inside = (expected > 0.05) & (flat >= 0).all(axis=1)
        inside &= (flat[:, 0] < width - 1) & (flat[:, 1] < height - 1)
        column, row = np.rint(flat[inside]).astype(np.intp).T
        measured = second.depth[row, column]
        gap = np.abs(measured - expected[inside])[measured > 0]
        differences.append(gap[gap < most])
    found = np.concatenate(differences) if differences else np.zeros(0)
    return float(np.median(found)) if len(found) else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class PointVisibility:
    """How a view sees points (N,). ``pixels`` (N, 2) are their rounded columns and rows, ``offset``
    (N,) how far they fall from that pixel's middle, 0..0.5 pixels.

    ``seen``: in the image, at the measured depth. ``floating``: in front of what was measured, so
    that the view would have seen them if they were there.
    """

    seen: NDArray[np.bool_]
    floating: NDArray[np.bool_]
    pixels: Pixels
    offset: Float


def look(points: Float, view: RegisteredView, rule: FusingRule) -> PointVisibility:
    """Compare world points (N, 3) with what a view measured."""
    flat, z = view.intrinsics.project(view.pose.to_camera(points))
    height, width = view.depth.shape
    inside = (z > 0.05) & (flat >= -0.5).all(axis=1)
    inside &= (flat[:, 0] < width - 0.5) & (flat[:, 1] < height - 0.5)
    pixels = np.zeros((len(points), 2), np.int32)
    pixels[inside] = np.rint(flat[inside])
    offset = np.zeros(len(points))
    offset[inside] = np.abs(flat[inside] - pixels[inside]).max(axis=1)
    measured = view.depth[pixels[:, 1], pixels[:, 0]]
    inside &= measured > 0
    behind = z - measured
    tolerance = rule.slack + rule.slope * np.abs(z)
    return PointVisibility(
        inside & (np.abs(behind) <= tolerance), inside & (behind < -tolerance), pixels, offset
    )


_FINE, _FINE_SLOPE, _BEND = 0.01, 0.005, 0.01


def look_finely(
    points: Float, view: RegisteredView, rule: FusingRule, unit: float = 1.0
) -> PointVisibility:
    """`look`, held tighter by 1 cm and half a percent of depth where a surface is smooth.

    There depth is known between pixels: inverse depth is linear over a plane's pixels, so the four
    around a point tell it exactly, where the nearest one alone is off by what the surface recedes
    within half a pixel. What then lies a little behind the rim of a flat thing is told from it.
    """
    sight = look(points, view, rule)
    height, width = view.depth.shape
    if min(height, width) < 2 or not sight.seen.any():
        return sight
    at = np.flatnonzero(sight.seen)
    flat, z = view.intrinsics.project(view.pose.to_camera(points[at]))
    corner = np.clip(np.floor(flat).astype(np.intp), 0, [width - 2, height - 2])
    right, down = np.clip(flat - corner, 0, 1).T
    column, row = corner.T
    around = np.stack(
        [view.depth[row + j, column + i] for j in (0, 1) for i in (0, 1)], dtype=np.float64
    )
    near = 1 / np.maximum(around, 1e-9)
    share = ((1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down)
    measured = 1 / (near * np.stack(share)).sum(axis=0)
    bend = np.abs(near[0] - near[1] - near[2] + near[3]) * measured**2
    smooth = (around > 0).all(axis=0) & (bend <= _BEND * unit)
    bound = rule.slack - _FINE * unit + (rule.slope - _FINE_SLOPE) * z
    seen = sight.seen.copy()
    seen[at] &= ~smooth | (np.abs(z - measured) <= bound)
    return replace(sight, seen=seen)


def outlines(sightings: Sequence[Sighting], shape: tuple[int, ...]) -> NDArray[np.int32]:
    """(h, w) number of the outline at each pixel, -1 elsewhere; better scores on top."""
    label = np.full(shape, -1, np.int32)
    for number in np.argsort([s.score for s in sightings]):
        pixels = sightings[number].pixels
        label[pixels[:, 1], pixels[:, 0]] = number
    return label

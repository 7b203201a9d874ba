"""Masks of many views as one mask in space: a vote among the views that see each point.

A point belongs to a thing when enough of the views that see it (in front of it nothing: the depth
test of `look`, held tighter) have it under their mask. So a thing that two views could see needs no
more than those two, and one hallucinated mask among twelve views adds nothing, where a union would
keep it.
Views are weighed: by their mask's own score, by how unusually large it is, and by how far the other
views agree with it. At a mask's edge a view is worth the more the nearer the point falls to the
middle of a pixel, and the smaller its pixels are beside those of the view that is closest. Where
the vote is close, the patch that a point lies on decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from surveyor.core.geometry import Float
from surveyor.tools.geometry.clouds import main_part
from surveyor.tools.geometry.surface import VOXEL, Surface, superpoints
from surveyor.tools.geometry.viewing import FusingRule, RegisteredView, look_finely

Mask = NDArray[np.bool_]
_LEAST = 6
_SLACK, _SLOPE = 0.03, 0.01
_EDGE = 0.05
_ODD = 2.0
_DOUBT = 1.6
"""So that one view alone is sure by a fifth, two by three fifths, three by four."""
_STRAY = 0.03
"""Parts smaller than this share of the largest are strays: what spilt over a mask's edge was voted
away before, and the foot of a table that one view shows between chairs is a twentieth of it."""
AROUND = 0.12
"""Metres around a mask in which the points that are not in it are kept with it."""


@dataclass(frozen=True, slots=True, eq=False)
class ViewMask:
    """A thing's mask (h, w) on the depth grid of view number ``view``, ``score`` in 0..1."""

    view: int
    mask: Mask
    score: float


@dataclass(frozen=True, slots=True)
class VotingRule:
    """``least`` views, or all that see it where those are fewer, and ``share`` of the weight of
    all views that see a point must have it under their mask. A view without a mask weighs
    ``silent``: it is as likely a mask that was missed as a thing that is not there. Views that
    weigh less than ``doubtful`` of the best are silent too. ``close``: a share this near to the
    bound is decided by the patch. ``agreed``: share of the mask that a view must bear out to be
    named as agreeing; ``seen``: share that it must see to count as one that could."""

    least: int = 2
    share: float = 0.5
    silent: float = 0.5
    doubtful: float = 0.2
    close: float = 0.15
    agreed: float = 0.5
    seen: float = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class FusedMask:
    """A mask in space: ``points`` (n, 3) in it, and ``around`` (m, 3) near it that are not.

    ``agreed`` are the numbers of the views that bear it out, ``visible`` counts those that could.
    ``share`` is the mean vote of its points, ``confidence`` 0..1 goes down with few views.
    """

    points: Float
    around: Float
    agreed: tuple[int, ...]
    visible: int
    share: float
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class _Ballot:
    """Of ``chosen`` points (n,): which views see them, and have them under their mask, (V, n).

    ``clear`` (V, n) is what a view's word on a point is worth, 0..1: less at its mask's edge.
    """

    chosen: NDArray[np.intp]
    sees: Mask
    inside: Mask
    clear: Float


def vote(
    surface: Surface,
    views: Sequence[RegisteredView],
    masks: Sequence[ViewMask],
    looking: FusingRule | None = None,
    rule: VotingRule | None = None,
) -> FusedMask:
    """One thing's mask in space from its masks in the views.

    Where no point has the votes (one view has it, eleven see nothing) everything under a mask is
    given, at the low confidence that the vote says: doubtful is not absent.
    """
    rule = rule or VotingRule()
    looking = _tighter(looking or FusingRule(), surface.voxel / VOXEL)
    merged = _merged(masks)
    ballot = _ballot(surface, views, merged, looking)
    if not len(ballot.chosen):
        return FusedMask(np.zeros((0, 3)), np.zeros((0, 3)), (), 0, 0.0, 0.0)
    far = _too_small(surface.points[ballot.chosen], views, merged, ballot.sees, looking)
    ballot.sees[far] = False
    weights = view_scores(merged, views, ballot.sees, ballot.inside, rule)
    share = _shares(ballot, weights, rule)
    hits = ballot.inside[sorted(weights)].sum(axis=0)
    surely = (ballot.sees & (ballot.clear == 1)).sum(axis=0)
    able = hits >= np.clip(surely, 1, rule.least)
    points = surface.points[ballot.chosen]
    kept = able & _decided(points, share, surface.voxel, rule)
    if kept.any():
        kept[kept] = main_part(points[kept], AROUND * surface.voxel / VOXEL, _STRAY)
    if kept.sum() < _LEAST:
        kept = ballot.inside.any(axis=0)
    return _fused(surface, ballot, kept, share, merged, rule)


def _tighter(rule: FusingRule, unit: float) -> FusingRule:
    """The depth test for edges: what lies just behind a thin thing is another thing."""
    return replace(rule, slack=rule.slack - _SLACK * unit, slope=_SLOPE)


def view_scores(
    masks: Sequence[ViewMask],
    views: Sequence[RegisteredView],
    sees: Mask,
    inside: Mask,
    rule: VotingRule,
) -> dict[int, float]:
    """Weight of every view whose mask counts: score, usual size and agreement with the others.

    ``sees`` and ``inside`` (V, n) are what each view sees and has under its mask. Doubtful views
    are left out, unless all are.
    """
    areas = np.array([_square(one, views[one.view]) for one in masks])
    middle = float(np.median(areas))
    spread = 1.4826 * float(np.median(np.abs(areas - middle))) + 0.25 * middle
    # Only larger ones are odd, where others dispute them: a smaller one may be half hidden, and
    # the one view that is near sees most.
    odd = np.maximum((areas - middle) / max(spread, 1e-12) - _ODD, 0)
    agreements = np.array([_agreement(one.view, sees, inside) for one in masks])
    scores = np.array([one.score for one in masks])
    weights = scores * agreements * np.exp(-(odd**2) / 2 * (1 - agreements))
    if weights.max(initial=0) <= 0:
        weights = scores
    bound = rule.doubtful * weights.max(initial=0)
    return {
        one.view: float(max(weight, 1e-6))
        for one, weight in zip(masks, weights, strict=True)
        if weight >= bound
    }


def _square(one: ViewMask, view: RegisteredView) -> float:
    """The area under a mask facing the camera, in the views' square unit."""
    z = view.depth[one.mask & (view.depth > 0)]
    depth = float(np.median(z)) if z.size else 0.0
    return float(one.mask.sum()) * depth**2 / (view.intrinsics.fx * view.intrinsics.fy)


def _agreement(view: int, sees: Mask, inside: Mask) -> float:
    """Mean share of the other views seeing a point of a view's mask that have it too; a point that
    no other view sees is disputed by none."""
    mine = inside[view]
    if not mine.any():
        return 0.0
    seen = sees[:, mine].sum(axis=0) - sees[view, mine]
    also = inside[:, mine].sum(axis=0) - 1
    return float(np.where(seen > 0, also / np.maximum(seen, 1), 1.0).mean())


def _merged(masks: Sequence[ViewMask]) -> list[ViewMask]:
    """One mask a view: parts of one thing in one view are one opinion."""
    by_view: dict[int, ViewMask] = {}
    for one in masks:
        known = by_view.get(one.view)
        if known is not None:
            one = ViewMask(one.view, one.mask | known.mask, max(one.score, known.score))
        by_view[one.view] = one
    return [by_view[number] for number in sorted(by_view)]


def _ballot(
    surface: Surface,
    views: Sequence[RegisteredView],
    masks: Sequence[ViewMask],
    looking: FusingRule,
) -> _Ballot:
    """Only points that some mask holds are put to the vote."""
    points, unit = surface.points, surface.voxel / VOXEL
    under = {}
    for one in masks:
        sight = look_finely(points, views[one.view], looking, unit)
        under[one.view] = sight.seen & one.mask[sight.pixels[:, 1], sight.pixels[:, 0]]
    held = np.zeros(len(points), np.bool_)
    for mine in under.values():
        held |= mine
    chosen = np.flatnonzero(held)
    sees = np.zeros((len(views), len(chosen)), np.bool_)
    inside, clear = np.zeros_like(sees), np.ones(sees.shape)
    rim, pixel = np.zeros_like(sees), np.full(sees.shape, np.inf)
    edges = {one.view: _edge(one.mask) for one in masks}
    for number, view in enumerate(views):
        sight = look_finely(points[chosen], view, looking, unit)
        sees[number] = sight.seen
        z = view.pose.to_camera(points[chosen])[:, 2]
        pixel[number, sight.seen] = z[sight.seen] / view.intrinsics.fx
        if number in under:
            inside[number] = under[number][chosen]
            at_edge = edges[number][sight.pixels[:, 1], sight.pixels[:, 0]]
            clear[number, at_edge] = np.maximum(1 - 2 * sight.offset[at_edge], _EDGE)
            rim[number] = at_edge & sight.seen
    finest = np.where(rim, pixel.min(axis=0, initial=np.inf) / pixel, 1.0)
    clear = np.maximum(clear * finest, 1e-3)
    return _Ballot(chosen, sees, inside, clear)


def _too_small(
    points: Float,
    views: Sequence[RegisteredView],
    masks: Sequence[ViewMask],
    sees: Mask,
    looking: FusingRule,
) -> list[int]:
    """Views without a mask that show so little of the thing that none can be asked of them: fewer
    pixels than an outline must have, by the usual area under the masks and by distance."""
    silent = set(range(len(views))) - {one.view for one in masks}
    area = float(np.median([_square(one, views[one.view]) for one in masks]))
    usual = float(np.median([sees[one.view].mean() for one in masks]))
    found = []
    for number in sorted(silent):
        view, mine = views[number], sees[number]
        if not mine.any():
            continue
        depth = float(np.median(view.pose.to_camera(points[mine])[:, 2]))
        whole = area * view.intrinsics.fx * view.intrinsics.fy / depth**2
        if whole * min(1.0, float(mine.mean()) / max(usual, 1e-9)) < looking.least_pixels:
            found.append(number)
    return found


def _edge(mask: Mask) -> Mask:
    """(h, w) pixels with neighbours on both sides of a mask's outline."""
    mixed: Mask = ndimage.maximum_filter(mask, 3) != ndimage.minimum_filter(mask, 3)
    return mixed


def _shares(ballot: _Ballot, weights: Mapping[int, float], rule: VotingRule) -> Float:
    """(n,) weight of the views that have a point under their mask, of all that see it."""
    scale = float(np.mean(list(weights.values()))) if weights else 1.0
    each = np.full(len(ballot.sees), rule.silent * scale)
    for number, weight in weights.items():
        each[number] = weight
    voiced = np.zeros(len(ballot.sees))
    voiced[list(weights)] = [weights[number] for number in weights]
    total = each @ (ballot.sees * ballot.clear)
    share: Float = (voiced @ (ballot.inside * ballot.clear)) / np.maximum(total, 1e-12)
    return share


def _decided(points: Float, share: Float, voxel: float, rule: VotingRule) -> Mask:
    """(n,) whether a point is in: by its own share, or where that is close by its patch's."""
    near = np.abs(share - rule.share) < rule.close
    kept: Mask = share >= rule.share
    if near.any() and len(points) > _LEAST:
        patch = superpoints(points, voxel)
        counts = np.bincount(patch)
        means = np.bincount(patch, weights=share) / counts
        # A patch of one point is that point again.
        ruled = near & (counts[patch] > 2)
        kept[ruled] = means[patch[ruled]] >= rule.share
    return kept


def _fused(
    surface: Surface,
    ballot: _Ballot,
    kept: Mask,
    share: Float,
    masks: Sequence[ViewMask],
    rule: VotingRule,
) -> FusedMask:
    points = surface.points[ballot.chosen[kept]]
    sees, inside = ballot.sees[:, kept], ballot.inside[:, kept]
    could = sees.mean(axis=1) >= rule.seen
    borne = inside.sum(axis=1) / np.maximum(sees.sum(axis=1), 1)
    scores = {one.view: one.score for one in masks}
    agreed = tuple(
        number for number in scores if inside[number].any() and borne[number] >= rule.agreed
    )
    visible = len({*np.flatnonzero(could).tolist(), *agreed})
    mean = float(share[kept].mean())
    score = float(np.mean([scores[number] for number in agreed])) if agreed else 0.0
    # No surer than the views that could see it agree; what no other view bears out is hardly known.
    sure = min(mean, len(agreed) / max(visible, 1)) * score * (1 - _DOUBT * 0.5 ** len(agreed))
    around = _around(surface, ballot.chosen[kept], points)
    return FusedMask(points, around, agreed, visible, mean, round(sure, 4))


def _around(surface: Surface, inside: NDArray[np.intp], points: Float) -> Float:
    """(m, 3) points near the mask that are not in it."""
    reach = AROUND * surface.voxel / VOXEL
    low, high = points.min(axis=0) - reach, points.max(axis=0) + reach
    box = ((surface.points >= low) & (surface.points <= high)).all(axis=1)
    box[inside] = False
    near: Float = surface.points[box]
    if not len(near):
        return near
    distance, _ = cKDTree(points).query(near, distance_upper_bound=reach)
    close: Float = near[np.isfinite(distance)]
    return close

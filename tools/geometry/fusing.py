"""Joining what several views saw into things: a vote among the views that could see.

Two outlines from different views show the same thing when the points of one, carried into the
other view and not hidden there, fall into the other's outline (the view consensus of mask
clustering methods such as MaskClustering, CVPR 2024). Outlines are merged greedily by summed
evidence, two outlines of one view never. A thing is supported by the views that outlined it and
judged against the views in which enough of it was visible, so that an object which only two views
could see needs no more than those two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from scenes.geometry import Float, Intrinsics, Pose
from tools.geometry.boxes import fit_upright_box
from tools.geometry.clouds import thin

Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One registered view: pose, intrinsics and depth (h, w) in the common frame's unit."""

    pose: Pose
    intrinsics: Intrinsics
    depth: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One outline in one view: world points (N, 3) and their (column, row) pixels (N, 2)."""

    view: int
    score: float
    points: Float
    pixels: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """Sightings (by position) of one thing and its points.

    ``support`` views outlined it, ``visible`` views could see it (always >= ``support``).
    """

    members: tuple[int, ...]
    points: Float
    support: int
    visible: int
    score: float


@dataclass(frozen=True, slots=True)
class FusingRule:
    """Bounds of the vote; lengths in metres (or the relative unit times ``unit``).

    ``agree``: share of visible points that must fall into the other outline. ``keep``: share of
    supporting views that must confirm a point. ``seen``: share of a thing's points that must be
    visible for a view to count as one that could see it. ``gap``: fragments that no view could
    compare are joined when closer than this. ``inside``: share of a fragment's points within
    ``gap`` of another's box that makes it a part of it. ``slack`` + ``slope`` x depth: depth
    tolerance.
    """

    agree: float = 0.5
    keep: float = 0.34
    seen: float = 0.3
    gap: float = 0.12
    inside: float = 0.8
    slack: float = 0.05
    slope: float = 0.03
    least_pixels: int = 30
    probe: int = 160


def fuse(
    sightings: Sequence[Sighting], views: Sequence[View], rule: FusingRule | None = None
) -> list[Thing]:
    """Things of one category, best supported first."""
    rule = rule or FusingRule()
    if not sightings:
        return []
    probes = [_probe(s.points, rule.probe) for s in sightings]
    evidence = _Evidence(sightings, views, probes, rule)
    clusters = _merge(evidence, rule)
    clusters = _join_fragments(clusters, evidence, probes, rule)
    clusters = _absorb(clusters, probes, rule)
    things = [_thing(cluster, sightings, views, probes, rule) for cluster in clusters]
    return sorted(things, key=lambda t: (-t.support, -t.score))


class _Evidence:
    """Pairwise counts: of the points of a that view(b) could see, how many lie in b's outline."""

    def __init__(
        self,
        sightings: Sequence[Sighting],
        views: Sequence[View],
        probes: Sequence[Float],
        rule: FusingRule,
    ) -> None:
        count = len(sightings)
        self.view = np.array([s.view for s in sightings])
        self.hits = np.zeros((count, count))
        self.could = np.zeros((count, count))
        owner = np.repeat(np.arange(count), [len(p) for p in probes])
        points = np.concatenate(probes)
        for number in sorted(set(self.view.tolist())):
            view, inside = views[number], np.flatnonzero(self.view == number)
            visible, pixels = _visible(points, view, rule)
            label = _outlines([sightings[int(i)] for i in inside], view.depth.shape)
            found = label[pixels[visible, 1], pixels[visible, 0]]
            mine = owner[visible]
            self.could[:, inside] = np.bincount(mine, minlength=count)[:, None]
            hit = found >= 0
            np.add.at(self.hits, (mine[hit], inside[found[hit]]), 1)
        self.enough = np.minimum(8.0, 0.25 * np.array([len(p) for p in probes]))
        weak = self.could < self.enough[:, None]
        self.hits[weak] = 0
        self.could[weak] = 0


def _probe(points: Float, limit: int) -> Float:
    """An even subset of the points, so that big and small outlines cost the same."""
    if len(points) <= limit:
        return points
    return points[np.linspace(0, len(points) - 1, limit).astype(np.intp)]


def _visible(
    points: Float, view: View, rule: FusingRule
) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """(N,) which points are in the view and not hidden, and their rounded pixels (N, 2)."""
    flat, z = view.intrinsics.project(view.pose.to_camera(points))
    height, width = view.depth.shape
    inside = (z > 0.05) & (flat >= -0.5).all(axis=1)
    inside &= (flat[:, 0] < width - 0.5) & (flat[:, 1] < height - 0.5)
    pixels = np.zeros((len(points), 2), np.int32)
    pixels[inside] = np.rint(flat[inside])
    measured = view.depth[pixels[:, 1], pixels[:, 0]]
    near = np.abs(measured - z) <= rule.slack + rule.slope * np.abs(z)
    visible: NDArray[np.bool_] = inside & (measured > 0) & near
    return visible, pixels


def _outlines(sightings: Sequence[Sighting], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """(h, w) number of the outline at each pixel, -1 elsewhere; better scores on top."""
    label = np.full(shape, -1, np.int64)
    for number in np.argsort([s.score for s in sightings]):
        pixels = sightings[number].pixels
        label[pixels[:, 1], pixels[:, 0]] = number
    return label


def _merge(evidence: _Evidence, rule: FusingRule) -> list[list[int]]:
    """Greedy average-linkage clustering; sightings of one view stay apart."""
    count = len(evidence.view)
    hits = evidence.hits + evidence.hits.T
    could = evidence.could + evidence.could.T
    apart = evidence.view[:, None] == evidence.view[None, :]
    clusters: dict[int, list[int]] = {i: [i] for i in range(count)}
    while True:
        ratio = np.where((could > 0) & ~apart, hits / np.maximum(could, 1), 0.0)
        a, b = divmod(int(ratio.argmax()), count)
        if ratio[a, b] < rule.agree:
            return list(clusters.values())
        clusters[a] += clusters.pop(b)
        for table in (hits, could):
            table[a] += table[b]
            table[:, a] += table[:, b]
            table[b] = table[:, b] = 0
        apart[a] |= apart[b]
        apart[:, a] |= apart[:, b]
        apart[b] = apart[:, b] = True


def _join_fragments(
    clusters: list[list[int]], evidence: _Evidence, probes: Sequence[Float], rule: FusingRule
) -> list[list[int]]:
    """Join neighbours that no view saw together, such as the two sides of one sofa."""
    clusters = sorted(clusters, key=len, reverse=True)
    kept: list[list[int]] = []
    for cluster in clusters:
        cloud = np.concatenate([probes[i] for i in cluster])
        views = set(evidence.view[cluster].tolist())
        for other in kept:
            compared = evidence.could[np.ix_(cluster, other)].sum()
            compared += evidence.could[np.ix_(other, cluster)].sum()
            if compared or views & set(evidence.view[other].tolist()):
                continue
            tree = cKDTree(np.concatenate([probes[i] for i in other]))
            if float(np.min(tree.query(cloud)[0])) <= rule.gap:
                other += cluster
                break
        else:
            kept.append(list(cluster))
    return kept


def _absorb(
    clusters: list[list[int]], probes: Sequence[Float], rule: FusingRule
) -> list[list[int]]:
    """Put fragments that lie inside another's box into it: things of one kind do not nest.

    Such as the strip of a window that shows beside its curtain.
    """
    kept: list[list[int]] = []
    for cluster in sorted(clusters, key=len, reverse=True):
        cloud = np.concatenate([probes[i] for i in cluster])
        for other in kept:
            box = fit_upright_box(np.concatenate([probes[i] for i in other]))
            if box.contains(cloud, rule.gap).mean() >= rule.inside:
                other += cluster
                break
        else:
            kept.append(list(cluster))
    return kept


def _thing(
    members: Sequence[int],
    sightings: Sequence[Sighting],
    views: Sequence[View],
    probes: Sequence[Float],
    rule: FusingRule,
) -> Thing:
    own = [sightings[i] for i in members]
    supporting = {s.view for s in own}
    probe = np.concatenate([probes[i] for i in members])
    points = np.concatenate([s.points[thin(s.points, 0.02)] for s in own])
    could = set(supporting)
    hits, chances = np.zeros(len(points)), np.zeros(len(points))
    for number, view in enumerate(views):
        if number in supporting:
            visible, pixels = _visible(points, view, rule)
            label = _outlines([s for s in own if s.view == number], view.depth.shape)
            chances += visible
            hits += visible & (label[pixels[:, 1], pixels[:, 0]] >= 0)
        elif _could_see(probe, view, rule):
            could.add(number)
    kept = points[hits >= rule.keep * chances]
    best = float(np.mean([s.score for s in own]))
    return Thing(tuple(members), kept, len(supporting), len(could), best)


def _could_see(probe: Float, view: View, rule: FusingRule) -> bool:
    """Whether enough of a thing is in sight, and large enough to be outlined."""
    visible, pixels = _visible(probe, view, rule)
    if visible.mean() < rule.seen:
        return False
    extent = np.ptp(pixels[visible], axis=0) + 1
    return bool(extent.prod() >= rule.least_pixels)

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
from scipy.spatial import cKDTree

from surveyor.core.geometry import Float
from surveyor.tools.geometry.boxes import fit_upright_box
from surveyor.tools.geometry.refining import confirmed_points
from surveyor.tools.geometry.viewing import FusingRule, RegisteredView, Sighting, look, outlines


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


def fuse(
    sightings: Sequence[Sighting], views: Sequence[RegisteredView], rule: FusingRule | None = None
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
        views: Sequence[RegisteredView],
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
            sight = look(points, view, rule)
            visible, pixels = sight.seen, sight.pixels
            label = outlines([sightings[int(i)] for i in inside], view.depth.shape)
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
    views: Sequence[RegisteredView],
    probes: Sequence[Float],
    rule: FusingRule,
) -> Thing:
    own = [sightings[i] for i in members]
    supporting = {s.view for s in own}
    probe = np.concatenate([probes[i] for i in members])
    could = supporting | {
        number
        for number, view in enumerate(views)
        if number not in supporting and _could_see(probe, view, rule)
    }
    points = confirmed_points(own, views, rule)
    score = float(np.mean([s.score for s in own]))
    return Thing(tuple(members), points, len(supporting), len(could), score)


def _could_see(probe: Float, view: RegisteredView, rule: FusingRule) -> bool:
    """Whether enough of a thing is in sight, and large enough to be outlined."""
    sight = look(probe, view, rule)
    if sight.seen.mean() < rule.seen:
        return False
    extent = np.ptp(sight.pixels[sight.seen], axis=0) + 1
    return bool(extent.prod() >= rule.least_pixels)

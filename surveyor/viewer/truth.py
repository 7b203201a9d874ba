"""The truth of a scene beside what was measured: shown only where the viewer was started for it.

Truth lies in a dataset's hidden side and in its world; a reconstruction has a world of its own. The
two are brought together by the cameras, which both know frame by frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from surveyor.core.geometry import Float, OrientedBox, Scale
from surveyor.scenes.datasets.truth import TRUTH, load_truth
from surveyor.scenes.records import SceneTruth
from surveyor.tools.geometry.kept import KeptGeometry

_GRID: Final = 40
_NEAR: Final = 0.05
"""Boxes that overlap less than this are not the same thing."""


def has_truth(dataset: Path) -> bool:
    """Whether this machine holds a dataset's hidden side."""
    return (dataset / TRUTH / "scenes").is_dir()


def truth_json(
    dataset: Path,
    scene_id: str,
    kept: KeptGeometry,
    measured: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """True boxes in the reconstruction's world, and which measured object each belongs to.

    ``measured`` are rows of `scene_json`. ``rows`` hold category, handle, overlap (0 to 1) and the
    distance of centres in metres; objects that nobody measured have no handle, and measured ones
    that are not there are named apart. `UserError` when the truth is damaged.
    """
    truth = load_truth(dataset, scene_id)
    found = into_space(truth, kept)
    if found is None:
        return {"objects": [], "rows": [], "why": "no camera of this space is known in truth"}
    R, factor, shift = found
    boxes = [_moved(thing.box, R, factor, shift) for thing in truth.objects]
    named = list(zip([thing.category for thing in truth.objects], boxes, strict=True))
    pairs = _pairs(named, measured)
    rows = []
    for k, (category, box) in enumerate(named):
        row: dict[str, Any] = {"category": category, "handle": "", "overlap": None, "off": None}
        if k in pairs:
            thing, overlap = pairs[k]
            off = float(np.linalg.norm(np.array(thing["center"]) - np.array(box.center))) / factor
            row |= {"handle": thing["handle"], "overlap": round(overlap, 3), "off": round(off, 3)}
        rows.append(row)
    right = {row["handle"] for row in rows}
    return {
        "objects": [
            {"category": c, "center": b.center, "size": b.size, "axes": b.axes} for c, b in named
        ],
        "rows": rows,
        "wrong": [thing["handle"] for thing in measured if thing["handle"] not in right],
    }


def into_space(truth: SceneTruth, kept: KeptGeometry) -> tuple[Float, float, Float] | None:
    """Rotation, factor and shift from the truth's world to a reconstruction's, by common cameras;
    ``None`` where they share none."""
    own, true = [], []
    for view in kept.views:
        index = int(view.frame.rpartition("_")[2])
        if index < len(truth.cameras):
            own.append(np.array(view.T_world_camera))
            true.append(np.array(truth.cameras[index].T_world_camera))
    if not own:
        return None
    ours, theirs = np.array(own), np.array(true)
    u, _, v = np.linalg.svd(np.einsum("nij,nkj->ik", ours[:, :3, :3], theirs[:, :3, :3]))
    R: Float = u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v
    a, b = ours[:, :3, 3], theirs[:, :3, 3]
    spread = float(np.linalg.norm(b - b.mean(axis=0)))
    relative = kept.scale is Scale.RELATIVE and spread > 1e-6
    factor = float(np.linalg.norm(a - a.mean(axis=0))) / spread if relative else 1.0
    shift: Float = a.mean(axis=0) - factor * R @ b.mean(axis=0)
    return R, factor, shift


def overlap(first: OrientedBox, second: OrientedBox) -> float:
    """Volume of both over volume of either, by a grid of points in the first; good to about 2 %."""
    steps = (np.arange(_GRID) + 0.5) / _GRID - 0.5
    local = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    points = np.array(first.center) + (local * np.array(first.size)) @ np.array(first.axes)
    inside = (np.abs(second.to_local(points)) <= np.array(second.size) / 2).all(axis=1)
    one, two = float(np.prod(first.size)), float(np.prod(second.size))
    both = float(inside.mean()) * one
    return both / (one + two - both) if both else 0.0


def _pairs(
    named: Sequence[tuple[str, OrientedBox]], measured: Sequence[Mapping[str, Any]]
) -> dict[int, tuple[Mapping[str, Any], float]]:
    """Measured objects by true one: of the same category, the largest overlap first."""
    rated = []
    for k, (category, box) in enumerate(named):
        for n, thing in enumerate(measured):
            if thing.get("category") == category and thing.get("size"):
                seen = OrientedBox(
                    center=thing["center"], size=thing["size"], **_axes(thing.get("axes"))
                )
                rated.append((overlap(seen, box), k, n))
    pairs: dict[int, tuple[Mapping[str, Any], float]] = {}
    used: set[int] = set()
    for shared, k, n in sorted(rated, reverse=True):
        if shared >= _NEAR and k not in pairs and n not in used:
            pairs[k] = (measured[n], shared)
            used.add(n)
    return pairs


def _axes(axes: Any) -> dict[str, Any]:
    return {"axes": axes} if axes else {}


def _moved(box: OrientedBox, R: Float, factor: float, shift: Float) -> OrientedBox:
    return OrientedBox(
        center=tuple(factor * R @ np.array(box.center) + shift),
        size=tuple(factor * np.array(box.size)),
        axes=tuple(tuple(axis) for axis in np.array(box.axes) @ R.T),
    )

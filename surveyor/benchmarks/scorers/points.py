"""RefSpatial-Bench and RoboSpatial-Home: points in masks and polygons, yes and no.

RefSpatial-Bench profiles: ``official`` (RoboRefer d97a995, fractions), ``authors-pixels`` (the same
code as it reads models that answer in pixels), ``easi`` (0c1a41e), ``lmms-eval`` (75571cf). The
authors choose a parser by the model's name and drop replies that raise from the mean; here a
profile says which, and such rows count 0 as failed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from surveyor.benchmarks.scorers.base import Metric, Row, Unscorable, text_of
from surveyor.benchmarks.scorers.pointing import (
    PointRegion,
    authors_regions,
    easi_points,
    easi_regions,
    mask_of,
    scaled_pairs,
    share_inside,
)

_READERS: Final[Mapping[str, Callable[[str, int, int], list[PointRegion]]]] = {
    "official": partial(authors_regions, absolute=False),
    "authors-pixels": partial(authors_regions, absolute=True),
    "easi": easi_regions,
    "lmms-eval": scaled_pairs,
}
_PAIR: Final = r"\s*(\d+\.?\d*)\s*,\s*(\d+\.?\d*)\s*"


def score_refspatial(row: Row, profile: str) -> Mapping[str, float]:
    """Share of the points in the mask: ``mask`` or ``mask_box``, ``width``, ``height``;
    ``prediction``."""
    mask = mask_of(row)
    height, width = mask.shape
    regions = _READERS[profile](text_of(row["prediction"], "prediction"), width, height)
    score = share_inside(regions, mask, clipped=profile == "easi")
    return {"score": score, "unread": float(not regions)}


def score_robospatial(row: Row, profile: str) -> Mapping[str, float]:
    """Yes or no, or a point in a polygon of fractions: ``ground_truth``, ``prediction``, and for
    EASI's points in pixels ``width`` and ``height``."""
    reply = text_of(row["prediction"], "prediction").strip()
    truth = row["ground_truth"]
    if isinstance(truth, str) and truth.strip().lower() in ("yes", "no"):
        said = reply.lower()
        read = said.startswith(("yes", "no"))
        return {"score": float(said.startswith(truth.strip().lower())), "unread": float(not read)}
    polygon = _polygon(truth)
    if profile == "easi":
        width, height = row.get("width"), row.get("height")
        sized = isinstance(width, int) and isinstance(height, int) and width > 0 < height
        found = easi_points(reply, width, height) if sized else easi_points(reply, 1, 1)  # type: ignore[arg-type]
        point = found[0] if found else None
    else:
        point = official_point(reply)
    if point is None:
        return {"score": 0.0, "unread": 1.0}
    return {"score": float(inside(point, polygon))}


def official_point(reply: str) -> tuple[float, float] | None:
    """RoboSpatial-Eval 19f04a5: the first ``(x, y)``, else the first ``[x, y]``, else the first
    point of the first list; the first two know no sign."""
    for form in (rf"\({_PAIR}\)", rf"\[{_PAIR}\]"):
        if (found := re.search(form, reply)) is not None:
            return float(found.group(1)), float(found.group(2))
    listed = re.search(r"(?s)\[(.*?)\]", reply)
    if listed is None:
        return None
    try:
        items = ast.literal_eval(f"[{listed.group(1).strip().removesuffix(',')}]")
        first = items if len(items) == 2 and not isinstance(items[0], tuple | list) else items[0]
        x, y = (float(value) for value in first)
    except (ValueError, SyntaxError, TypeError, IndexError, RecursionError, MemoryError):
        return None
    return x, y


def _polygon(truth: object) -> list[tuple[float, float]]:
    try:
        corners = ast.literal_eval(truth) if isinstance(truth, str) else truth
        polygon = [(float(x), float(y)) for x, y in corners]  # type: ignore[union-attr]
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise Unscorable("the ground truth is neither yes, no nor a polygon") from None
    if len(polygon) < 3:
        raise Unscorable("the ground truth's polygon has fewer than three corners")
    return polygon


def inside(point: tuple[float, float], polygon: Sequence[tuple[float, float]]) -> bool:
    """Even-odd rule."""
    x, y = point
    odd = False
    for (xi, yi), (xj, yj) in zip(polygon, [polygon[-1], *polygon[:-1]], strict=True):
        if (yi > y) != (yj > y) and x < (xj - xi) * (y - yi) / (yj - yi) + xi:
            odd = not odd
    return odd


METRICS: Final = (
    Metric(
        name="refspatial",
        version="1",
        profiles=tuple(_READERS),
        target_fields=(),
        prediction_field="prediction",
        score_fields=("score",),
        function=score_refspatial,
        group_of=lambda row: str(row.get("split") or row.get("category") or "all"),
    ),
    Metric(
        name="robospatial",
        version="1",
        profiles=("official", "easi"),
        target_fields=("ground_truth",),
        prediction_field="prediction",
        score_fields=("score",),
        function=score_robospatial,
        group_of=lambda row: str(row.get("category") or "all"),
    ),
)

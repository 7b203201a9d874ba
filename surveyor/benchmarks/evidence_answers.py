"""Answers that name evidence (``obj_5``, ``mask_2``), turned into boxes or points of a scan.

Everything comes from the episode's own log, never from the truth: what an object is, and whose
axes its coordinates have. Only objects in the dataset's own axes and in metres can be compared with
the dataset's boxes; of others it is said that they cannot be scored, and no axes are guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from pydantic import JsonValue, ValidationError

from surveyor.benchmarks.scan_points import Scan
from surveyor.benchmarks.scorecard import structured_reply
from surveyor.benchmarks.scorers.base import Metric
from surveyor.core.blobs import BlobStore
from surveyor.core.geometry import Float, OrientedBox, Scale, World
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.tools.geometry.kept_masks import points_within, read_mask
from surveyor.tools.schemas import ObjectRow, SpaceMaskRow

_HANDLE: Final = re.compile(r"(?<![\w.])[a-z]+_\d+(?!\w)")
_DENIAL: Final = re.compile(
    r"\W*(?:none|nothing|no (?:such |matching )?(?:objects?|match(?:es)?|masks?)"
    r"|there (?:is|are) (?:none|no(?:thing| such \w+| matching \w+| objects?)?))\W*",
    re.IGNORECASE,
)
_NOWHERE: Final[JsonValue] = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
"""A box without volume, which overlaps nothing: a handle that was never made."""


@dataclass(frozen=True, slots=True)
class EpisodeEvidence:
    """What an episode's handles stand for, as its log tells.

    ``groups`` are handles that stand for several objects; ``made_into`` are the objects that a
    cloud, mask or box became; ``others`` are all further handles. ``masks`` are the labelled points
    that the run keeps of objects whose mask in space was made.
    """

    objects: Mapping[str, ObjectRow]
    groups: Mapping[str, tuple[str, ...]]
    made_into: Mapping[str, tuple[str, ...]]
    others: frozenset[str]
    masks: Mapping[str, tuple[Float, Float]] = field(default_factory=dict)

    @classmethod
    def of(cls, outcomes: Iterable[ToolOutcome], kept: BlobStore | None = None) -> EpisodeEvidence:
        """Read the results of one attempt; ``kept`` are the blobs of its run."""
        masks: dict[str, tuple[Float, Float]] = {}
        objects: dict[str, ObjectRow] = {}
        groups: dict[str, tuple[str, ...]] = {}
        outline_of: dict[str, str] = {}
        minted: set[str] = set()
        for outcome in outcomes:
            if outcome.status is not ToolStatus.OK:
                continue
            minted.update(outcome.handles)
            rows = {row.handle: row for row in _object_rows(outcome.data)}
            objects.update(rows)
            outline_of.update(_outlines(outcome.data))
            masks.update(_space_masks(outcome.data, kept))
            for handle in outcome.handles:
                if rows and handle.startswith("objs_"):
                    groups[handle] = tuple(rows)
        made: dict[str, list[str]] = {}
        for row in objects.values():
            for cloud in row.made_of:
                for part in filter(None, (cloud, outline_of.get(cloud))):
                    made.setdefault(part, []).append(row.handle)
        made_into = {part: tuple(handles) for part, handles in made.items()}
        return cls(objects, groups, made_into, frozenset(minted), masks)


@dataclass(frozen=True, slots=True)
class PlacedAnswer:
    """An answer in the form that a metric reads.

    ``prediction`` is ``None`` with a ``problem`` where it cannot be scored; ``handles`` are what it
    named, ``boxes`` where these are.
    """

    prediction: object
    handles: tuple[str, ...] = ()
    boxes: tuple[JsonValue, ...] = ()
    problem: str = ""

    def recorded(self) -> dict[str, JsonValue]:
        """For the score's fields: how handles became coordinates. Empty where none were named."""
        if not self.handles:
            return {}
        return {
            "handles": [*self.handles],
            "boxes": [*self.boxes],
            "world": World.DATASET.value if not self.problem else "unknown",
        }


@dataclass(frozen=True, slots=True)
class _Named:
    """Handles of an answer, resolved: rows in order, and how many named nothing at all."""

    rows: tuple[ObjectRow, ...] = ()
    unknown: int = 0
    problem: str = ""
    masks: Mapping[str, tuple[Float, Float]] = field(default_factory=dict)


def placed(
    metric: Metric,
    answer: str | None,
    evidence: Callable[[], EpisodeEvidence],
    scan: Callable[[], Scan],
) -> PlacedAnswer:
    """The answer as ``metric`` reads it; only metrics of boxes and points need ``evidence``.

    Coordinates that the answer itself states stay as they are. ScanRefer takes the first object
    that is named, Multi3DRefer all of them, each once; saying that there is none is an empty list.
    """
    if answer is None or not metric.structured:
        return PlacedAnswer(answer)
    stated = structured_reply(answer)
    if isinstance(stated, list) and stated and all(isinstance(word, str) for word in stated):
        answer = ", ".join(stated)
    elif not isinstance(stated, str):
        return PlacedAnswer(stated)
    handles = tuple(dict.fromkeys(_HANDLE.findall(answer)))
    if not handles:
        if metric.prediction_field == "pred_answer":
            return PlacedAnswer(_worded(answer, []))
        if _DENIAL.fullmatch(answer):
            return _nothing(metric)
        return PlacedAnswer(None, problem="the answer names neither evidence nor coordinates")
    named = _resolve(handles, evidence())
    boxes = tuple(_bounds(row) for row in named.rows)
    if named.problem:
        return PlacedAnswer(None, handles, (), named.problem)
    match metric.prediction_field:
        case "pred_caption":
            words = _HANDLE.sub("", answer).strip(" ;,.:()[]\n")
            said = {"text": words, "box": boxes[0] if boxes else _NOWHERE}
            return PlacedAnswer(said, handles, boxes[:1])
        case "pred_aabb":
            return PlacedAnswer(boxes[0] if boxes else _NOWHERE, handles, boxes[:1])
        case "pred_indexes":
            return _as_points(named, handles, boxes, scan())
        case "pred_answer":
            shown = _as_points(named, handles, boxes, scan())
            if shown.problem:
                return shown
            return replace(shown, prediction=_worded(answer, shown.prediction))
    return PlacedAnswer([*boxes, *[_NOWHERE] * named.unknown], handles, boxes)


def _nothing(metric: Metric) -> PlacedAnswer:
    """A saying that there is none: an answer, except where there always is one."""
    if metric.prediction_field == "pred_aabb":
        return PlacedAnswer(None, problem="the answer says that there is none, where there is one")
    return PlacedAnswer([])


def _resolve(handles: Sequence[str], evidence: EpisodeEvidence) -> _Named:
    rows: dict[str, ObjectRow] = {}
    unknown = 0
    for handle in handles:
        members = evidence.groups.get(handle) or evidence.made_into.get(handle) or (handle,)
        found = [evidence.objects[name] for name in members if name in evidence.objects]
        if not found and handle in evidence.others:
            return _Named(problem=f"{handle} was never made into an object with a place")
        unknown += not found
        rows.update((row.handle, row) for row in found)
    for row in rows.values():
        if problem := _obstacle(row):
            return _Named(problem=problem)
    masks = {name: evidence.masks[name] for name in rows if name in evidence.masks}
    return _Named(tuple(rows.values()), unknown, masks=masks)


def _worded(answer: str, indexes: object) -> dict[str, object]:
    """An answer's words, apart from what it shows."""
    words = _HANDLE.sub("", answer).strip(" ;,.:()[]\n")
    return {"text": words, "indexes": indexes}


def _obstacle(row: ObjectRow) -> str:
    """Why an object's coordinates say nothing about the dataset's, or nothing."""
    if row.world is not World.DATASET:
        return (
            f"{row.handle} lies in axes of {row.space}'s own; nothing on record maps them to the "
            "dataset's, so it cannot be scored"
        )
    if row.scale is Scale.RELATIVE:
        return f"{row.handle} is not in metres, so it cannot be scored"
    return "" if row.axes is not None else f"the log does not say how {row.handle} is turned"


def _box(row: ObjectRow) -> OrientedBox:
    return OrientedBox(center=row.center, size=row.size, axes=row.axes or _UPRIGHT)


_UPRIGHT: Final = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def _bounds(row: ObjectRow) -> JsonValue:
    """``[[xmin, ymin, zmin], [xmax, ymax, zmax]]`` of the object's box, metres."""
    corners = _box(row).corners()
    low, high = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return [low, high]


def _as_points(
    named: _Named, handles: tuple[str, ...], boxes: tuple[JsonValue, ...], scan: Scan
) -> PlacedAnswer:
    """The scan's points in any of the objects' masks; where one has none in its box, which is grown
    by the scan's noise.

    A box also holds what lies on or in its object: pillows on a sofa, plates in a sink.
    """
    if scan.points is None:
        problem = "the dataset does not keep the scan's points, so objects cannot become masks"
        return PlacedAnswer(None, handles, boxes, problem)
    inside = np.zeros(len(scan.points), np.bool_)
    for row in named.rows:
        if row.handle in named.masks:
            inside |= points_within(scan.points, *named.masks[row.handle])
        else:
            inside |= _box(row).contains(scan.points, scan.noise)
    return PlacedAnswer([int(k) for k in np.flatnonzero(inside)], handles, boxes)


def _object_rows(data: JsonValue) -> Iterator[ObjectRow]:
    listed = data.get("objects") if isinstance(data, dict) else None
    for item in listed if isinstance(listed, list) else ():
        try:
            yield ObjectRow.model_validate(item)
        except ValidationError:  # another tool's idea of objects
            continue


def _space_masks(
    data: JsonValue, kept: BlobStore | None
) -> Iterator[tuple[str, tuple[Float, Float]]]:
    """Labelled points of the objects whose masks a result tells."""
    listed = data.get("masks") if isinstance(data, dict) and kept is not None else None
    for item in listed if isinstance(listed, list) else ():
        try:
            row = SpaceMaskRow.model_validate(item)
        except ValidationError:  # another tool's idea of masks
            continue
        if row.mask is not None and kept is not None and row.mask.sha256 in kept:
            yield row.handle, read_mask(kept.get(row.mask.sha256))


def _outlines(data: JsonValue) -> Iterator[tuple[str, str]]:
    """Cloud and outline handles of a lift's rows."""
    for item in data if isinstance(data, list) else ():
        if isinstance(item, dict):
            cloud, outline = item.get("handle"), item.get("outline")
            if isinstance(cloud, str) and isinstance(outline, str) and outline:
                yield cloud, outline

"""Grounding in scans: ScanRefer and Multi3DRefer (boxes), Reason3D (point masks)."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from surveyor.benchmarks.loaders.base import Loader
from surveyor.benchmarks.loaders.build import Contents, Item
from surveyor.benchmarks.loaders.scannet import PreparedScans, scan_footage
from surveyor.benchmarks.scorers.grounding import EVAL_TYPES
from surveyor.benchmarks.scorers.groups import ReferredObject, unique_or_multiple
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind
from surveyor.scenes.formats.grounding import Multi3DReferRow, Reason3DRow, ScanReferRow, read_rows
from surveyor.scenes.questions.implicit import SEGMENT
from surveyor.scenes.questions.referring import MULTI3DREFER, SCANREFER

LABELS: Final = "scannetv2-labels.combined.tsv"


def read_scanrefer(source: Path, split: str, media: Path | None = None) -> Contents:
    """``ScanRefer_filtered_<split>.json``; unique and multiple where ScanNet's labels are there."""
    path = source / f"ScanRefer_filtered_{split}.json"
    rows = read_rows(path, ScanReferRow)
    referred = [ReferredObject(row.scene_id, row.object_id, row.object_name) for row in rows]
    labels = source / LABELS
    groups = unique_or_multiple(referred, _classes(labels)) if labels.is_file() else {}
    scans, items = PreparedScans(source), []
    for row in rows:
        objects = scans[row.scene_id]
        items.append(
            Item(
                id=f"{row.scene_id}-{row.object_id}-{row.ann_id}",
                scene_id=row.scene_id,
                question_type="scanrefer",
                group=groups.get((row.scene_id, row.object_id)),
                question=SCANREFER.format(text=row.description),
                kind=AnswerKind.BOXES,
                answer=row.object_id,
                payload={"gt_aabb": objects.aabb(_whole(row.object_id, path))},
            )
        )
    files = (path, labels) if groups else (path,)
    return Contents("scanrefer", "scanrefer", split, items, files, scan_footage(media or source))


def read_multi3drefer(source: Path, split: str, media: Path | None = None) -> Contents:
    """``multi3drefer_<split>.json``. The kind of a row (zero, one, many) stays with its target."""
    path = source / f"multi3drefer_{split}.json"
    scans, items = PreparedScans(source), []
    for row in read_rows(path, Multi3DReferRow):
        if row.eval_type not in EVAL_TYPES:
            raise UserError(f"{path}: {row.eval_type!r} is no eval_type of Multi3DRefer")
        objects = scans[row.scene_id]
        boxes: list[JsonValue] = [objects.aabb(name) for name in row.object_ids]
        items.append(
            Item(
                id=f"{row.scene_id}-{row.ann_id}",
                scene_id=row.scene_id,
                question_type="multi3drefer",
                group=row.eval_type,
                question=MULTI3DREFER.format(text=row.description),
                kind=AnswerKind.BOXES,
                answer=", ".join(map(str, row.object_ids)) or "none",
                payload={"eval_type": row.eval_type, "gt_aabbs": boxes},
            )
        )
    return Contents(
        "multi3drefer", "multi3drefer", split, items, (path,), scan_footage(media or source)
    )


def read_reason3d(source: Path, split: str, media: Path | None = None) -> Contents:
    """``reason3d_<split>.json``; ids count the questions about one object in the file's order."""
    path = source / f"reason3d_{split}.json"
    seen: Counter[tuple[str, int]] = Counter()
    scans, items = PreparedScans(source, with_points=False), []
    for row in read_rows(path, Reason3DRow):
        objects = scans[row.scene_id]
        number = seen[row.scene_id, row.object_id]
        seen[row.scene_id, row.object_id] += 1
        items.append(
            Item(
                id=f"{row.scene_id}-{row.object_id}-{number}",
                scene_id=row.scene_id,
                question_type="reason3d",
                group=row.type,
                question=SEGMENT.format(query=row.question),
                kind=AnswerKind.MASK,
                answer=str(row.object_id),
                payload={
                    "n_points": objects.n_points,
                    "gt_indexes": objects.indexes(row.object_id),
                },
            )
        )
    footage = scan_footage(media or source)
    return Contents(
        "reason3d",
        "reason3d",
        split,
        items,
        (path,),
        footage,
        points=PreparedScans(source).vertices,
    )


def _whole(text: str, path: Path) -> int:
    if not text.isdecimal():
        raise UserError(f"{path}: object id {text!r} is not a whole number")
    return int(text)


def _classes(path: Path) -> Mapping[str, str]:
    """Raw ScanNet names to nyu40 names; `UserError` when it is not ScanNet's table."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    if not rows or not {"raw_category", "nyu40class"} <= rows[0].keys():
        raise UserError(f"{path} is not ScanNet's table of labels; download it again")
    return {row["raw_category"]: row["nyu40class"] for row in rows}


LOADERS: Final = (
    Loader("scanrefer", ("val", "train"), read_scanrefer),
    Loader("multi3drefer", ("val", "train"), read_multi3drefer),
    Loader("reason3d", ("val", "train"), read_reason3d),
)

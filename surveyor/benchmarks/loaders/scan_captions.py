"""Scan2Cap: describing an object so that it can be told apart, against ScanRefer's descriptions."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from surveyor.benchmarks.loaders.base import Loader
from surveyor.benchmarks.loaders.build import Contents, Item
from surveyor.benchmarks.loaders.scannet import PreparedScans, scan_footage
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind
from surveyor.scenes.formats.grounding import ScanReferRow, read_rows

QUESTION: Final = (
    "Describe the object whose middle is at ({x:.2f}, {y:.2f}, {z:.2f}) metres, so that it can be "
    "told from others like it. Answer with its handle, a semicolon and the description."
)


def read_scan2cap(source: Path, split: str, media: Path | None = None) -> Contents:
    """``ScanRefer_filtered_<split>.json``: one row an object, all its descriptions its references.

    The place is told, as published prompts tell an object's id; its extent is not.
    """
    path = source / f"ScanRefer_filtered_{split}.json"
    described: dict[tuple[str, str], list[str]] = {}
    for row in read_rows(path, ScanReferRow):
        described.setdefault((row.scene_id, row.object_id), []).append(row.description)
    scans, items = PreparedScans(source), []
    for (scene_id, object_id), texts in described.items():
        if not object_id.isdecimal():
            raise UserError(f"{path}: object id {object_id!r} is not a whole number")
        box = scans[scene_id].aabb(int(object_id))
        x, y, z = np.mean(np.array(box, np.float64), axis=0)
        items.append(
            Item(
                id=f"{scene_id}-{object_id}",
                scene_id=scene_id,
                question_type="scan2cap",
                question=QUESTION.format(x=x, y=y, z=z),
                kind=AnswerKind.TEXT,
                answer=texts[0],
                payload={"gt_aabb": box, "references": [*texts]},
            )
        )
    return Contents("scan2cap", "scan2cap", split, items, (path,), scan_footage(media or source))


LOADERS: Final = (Loader("scan2cap", ("val", "train"), read_scan2cap),)

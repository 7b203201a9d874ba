"""Question answering in scans, in free text: ScanQA and SQA3D."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from surveyor.benchmarks.loaders.base import Loader
from surveyor.benchmarks.loaders.build import Contents, Item
from surveyor.benchmarks.loaders.scannet import scan_footage
from surveyor.benchmarks.scorers.groups import sqa3d_group
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind
from surveyor.scenes.formats.grounding import ScanQARow, read_rows, read_sqa3d

METRIC: Final = "qa-em"


def read_scanqa(source: Path, split: str, media: Path | None = None) -> Contents:
    """``ScanQA_v1.0_<split>.json``; the test files hold no answers, so they are no split here."""
    path = source / f"ScanQA_v1.0_{split}.json"
    items = []
    for row in read_rows(path, ScanQARow):
        if not row.answers:
            raise UserError(f"{path} has no answer to {row.question_id!r}; choose split val")
        items.append(
            Item(
                id=row.question_id,
                scene_id=row.scene_id,
                question_type="scanqa",
                question=row.question,
                kind=AnswerKind.TEXT,
                answer=row.answers[0],
                payload={"references": list(row.answers)},
            )
        )
    return Contents("scanqa", METRIC, split, items, (path,), scan_footage(media or source))


def read_situated(source: Path, split: str, media: Path | None = None) -> Contents:
    """SQA3D's balanced files; the situation stands before the question, as in published prompts."""
    questions = source / f"v1_balanced_questions_{split}_scannetv2.json"
    annotations = source / f"v1_balanced_sqa_annotations_{split}_scannetv2.json"
    items = []
    for row, truth in read_sqa3d(questions, annotations):
        if row.scene_id != truth.scene_id or not truth.answers:
            raise UserError(f"{annotations} does not answer question {row.question_id}")
        accepted = [answer.answer for answer in truth.answers]
        items.append(
            Item(
                id=str(row.question_id),
                scene_id=row.scene_id,
                question_type=sqa3d_group(row.question),
                question=f"{row.situation} {row.question}",
                kind=AnswerKind.TEXT,
                answer=accepted[0],
                payload={"references": [*accepted]},
            )
        )
    return Contents(
        "sqa3d", METRIC, split, items, (questions, annotations), scan_footage(media or source)
    )


LOADERS: Final = (
    Loader("scanqa", ("val", "train"), read_scanqa),
    Loader("sqa3d", ("test", "val", "train"), read_situated),
)

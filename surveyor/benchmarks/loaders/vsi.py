"""VSI-Bench (arXiv:2412.14171): full, debiased and pruned."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Final

from surveyor.benchmarks.loaders.base import Loader
from surveyor.benchmarks.loaders.build import Contents, Item
from surveyor.benchmarks.loaders.media import Footage, footage_below
from surveyor.benchmarks.loaders.row_fields import letter_of, under_letters
from surveyor.benchmarks.loaders.row_files import PublishedRow, Texts, find_table, read_table
from surveyor.benchmarks.scorers.vsi import LETTER_TYPES, NUMBER_TYPES, UNITS
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind

_STEMS: Final = {"test": "test", "debiased": "test_debiased", "pruned": "test_pruned"}


class VsiRow(PublishedRow):
    """A row of ``test.jsonl`` or of the parquet files."""

    id: str
    dataset: str
    scene_name: str
    question_type: str
    question: str
    options: Texts = ()
    ground_truth: str


def read_vsi_bench(source: Path, split: str, media: Path | None = None) -> Contents:
    """Rows of one of the published files; frames at ``<dataset>/<scene_name>``."""
    path = find_table(source, _STEMS[split])
    rows = read_table(path, VsiRow)
    home: dict[str, str] = {}
    for row in rows:
        if home.setdefault(row.scene_name, row.dataset) != row.dataset:
            raise UserError(f"{path} gives scene {row.scene_name} to two data sets; check row ids")
    folder = media or path.parent

    def footage(scene_id: str) -> Footage:
        return footage_below([folder], [f"{home[scene_id]}/{scene_id}"], scene_id)

    items = [vsi_item(row, path) for row in rows]
    return Contents("vsi-bench", "vsi", "test", items, (path,), footage)


def vsi_item(row: VsiRow, path: Path) -> Item:
    """One row; `UserError` for a question type that VSI-Bench does not have, and for a truth that
    is neither the letter of an option nor a number: no answer could ever be right."""
    if row.question_type not in LETTER_TYPES | NUMBER_TYPES:
        raise UserError(f"{path} row {row.id}: {row.question_type!r} is no type of VSI-Bench")
    letters = row.question_type in LETTER_TYPES
    options = under_letters(row.options) if letters else row.options
    try:
        if letters and not options:
            raise ValueError("is a letter, and the row has no options; give them")
        answer = letter_of(row.ground_truth, options) if letters else _number(row.ground_truth)
    except ValueError as error:
        raise UserError(f"{path} row {row.id}: ground_truth: {error}") from None
    return Item(
        id=row.id,
        scene_id=row.scene_name,
        question_type=row.question_type,
        question=row.question,
        kind=AnswerKind.CHOICE if letters else AnswerKind.NUMBER,
        answer=answer,
        options=options,
        unit=UNITS.get(row.question_type),
    )


def _number(truth: str) -> str:
    """A published number as it is; `ValueError` for a text that no answer could ever equal."""
    try:
        sound = isfinite(float(truth))
    except ValueError:
        sound = False
    if not sound:
        raise ValueError(f"must be a number, not {truth!r:.60}")
    return truth


LOADERS: Final = (Loader("vsi-bench", tuple(_STEMS), read_vsi_bench),)

"""Records to learn from (`surveyor.scenes.formats.roomplan` writes them), drawn by weight."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from surveyor.core.anchor_actions import read_action
from surveyor.core.errors import ModelMistake, UserError
from surveyor.core.geometry_tokens import ViewGeometry
from surveyor.core.wording import first_problem
from surveyor.training.geometry.spoken import spoken
from surveyor.training.sft import drawn

RECORDS = "records.jsonl"


class Record(BaseModel):
    """One row; ``geometry`` has one entry a view, or is null."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    images: tuple[str, ...]
    geometry: tuple[ViewGeometry | None, ...] | None = None
    task: str
    question: str
    answer: str
    scene_id: str
    question_id: str
    split: str = "train"


@dataclass(frozen=True, slots=True)
class GeometryExample:
    """A row with where its pictures lie, and what a model is to say."""

    record: Record
    folder: Path

    @property
    def said(self) -> str:
        """The answer as a model says it: an action in the form that decoding enforces."""
        record = self.record
        if record.task != "anchor":
            return record.answer
        return spoken(read_action(record.answer, record.scene_id))


def read_records(folder: Path) -> list[GeometryExample]:
    """The rows of an exported folder; `UserError` names the line that is none, or whose geometry or
    pictures are not those of its views."""
    file = folder / RECORDS
    if not file.exists():
        raise UserError(
            f"{folder} holds no {RECORDS}; make it with `surveyor rooms export --layout roomplan`"
        )
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            example = GeometryExample(Record.model_validate_json(line), folder)
            example.said  # noqa: B018 - an answer that is no action is found here
        except ValidationError as error:
            problem = first_problem(error, Record)
            raise UserError(f"{file} line {number}: {problem}") from None
        except ModelMistake as error:
            raise UserError(f"{file} line {number}: {error}") from None
        record = example.record
        if record.geometry is not None and len(record.geometry) != len(record.images):
            raise UserError(f"{file} line {number}: geometry and images differ in number")
        if any(name.partition("/")[0] != record.scene_id for name in record.images):
            raise UserError(f"{file} line {number}: a picture is of another scene")
        found.append(example)
    if not found:
        raise UserError(f"{file} is empty; export a dataset that asks something")
    return found


class Mixed:
    """Rows of several folders by weight: which come at a step is a function of the seed."""

    def __init__(
        self, sources: Sequence[tuple[Path, float]], seed: int, length: int, splits: Sequence[str]
    ) -> None:
        tables = [read_records(folder) for folder, _ in sources]
        for table in tables:
            if wrong := next((e for e in table if e.record.split not in splits), None):
                raise UserError(
                    f"{wrong.record.question_id} is of split {wrong.record.split!r}, and only "
                    f"{', '.join(splits)} may be trained on; make rooms with --split train"
                )
        weights = [weight for _, weight in sources]
        if min(weights, default=0) <= 0:
            raise UserError("a source needs a weight above 0, as in --data rows:0.7")
        order = drawn([len(table) for table in tables], weights, seed, length)
        self._rows = [tables[table][row] for table, row in order]

    def step(self, number: int, batch: int) -> list[GeometryExample]:
        """The rows of step ``number`` (from 0)."""
        return self._rows[number * batch : (number + 1) * batch]

    @property
    def texts(self) -> list[str]:
        """Everything that is asked and said."""
        return [json.dumps([e.record.question, e.said]) for e in self._rows]


def kept_views(number: int, dropout: float, dice: random.Random) -> list[int]:
    """Positions of the views that are shown: each is left out with probability ``dropout``, but
    never all of them."""
    kept = [k for k in range(number) if dice.random() >= dropout]
    return kept or [dice.randrange(number)]

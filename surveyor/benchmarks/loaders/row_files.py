"""Rows of a benchmark's own files: JSON lines, a JSON array, or parquet where pyarrow is there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from surveyor.core.errors import UserError

Fields: TypeAlias = Mapping[str, object]
Model = TypeVar("Model", bound=BaseModel)
SUFFIXES = (".jsonl", ".json", ".parquet")


class PublishedRow(BaseModel):
    """A row under the data set's own field names; fields that we do not use are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


def find_table(source: Path, *stems: str) -> Path:
    """The first file of these stems in a folder; ``source`` itself when it is a file.

    Raises `UserError` that names what was looked for.
    """
    if source.is_file():
        return source
    for stem in stems:
        for suffix in SUFFIXES:
            if (path := source / f"{stem}{suffix}").is_file():
                return path
    wanted = " or ".join(f"{stem}.jsonl (.json, .parquet)" for stem in stems)
    raise UserError(f"{source} does not hold {wanted}; download the data set's files there")


def read_table(path: Path, model: type[Model]) -> list[Model]:
    """Every row of a file; `UserError` that names the first that is not of this data set."""
    rows = []
    for number, fields in enumerate(_fields(path), start=1):
        try:
            rows.append(model.model_validate(fields))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "row"
            raise UserError(f"{path} row {number}: {where}: {first['msg'].lower()}") from None
    if not rows:
        raise UserError(f"{path} holds no rows; download it again")
    return rows


def _fields(path: Path) -> Sequence[object]:
    if path.suffix == ".parquet":
        return _parquet(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as text ({error})") from None
    try:
        if path.suffix == ".json":
            found = json.loads(text)
            if not isinstance(found, list):
                raise UserError(f"{path} is not a JSON array of rows")
            return found
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON ({error}); download it again") from None


def _parquet(path: Path) -> Sequence[Fields]:
    if find_spec("pyarrow") is None:
        raise UserError(f"{path} is a parquet file; run `pip install pyarrow` to read it")
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    try:
        rows: Sequence[Fields] = parquet.read_table(path).to_pylist()
    except arrow.ArrowInvalid as error:
        raise UserError(f"{path} is no parquet file; download it again") from error
    return rows

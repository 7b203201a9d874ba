"""Rows of a benchmark's own files: JSON lines, a JSON array, TSV, CSV, or parquet with pyarrow."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from surveyor.benchmarks.loaders.row_fields import texts_of
from surveyor.core.errors import UserError
from surveyor.core.wording import first_problem

Fields: TypeAlias = Mapping[str, object]
Model = TypeVar("Model", bound=BaseModel)
_LONGEST_INTEGER = 1000
_LONGEST_CELL = 1 << 30
_DELIMITERS = {".tsv": "\t", ".csv": ","}
SUFFIXES = (".jsonl", ".json", ".parquet", ".tsv", ".csv")


class PublishedRow(BaseModel):
    """A row under the data set's own field names; fields that we do not use are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


Texts = Annotated[tuple[str, ...], BeforeValidator(texts_of)]
"""A field of options, in any of the forms of `texts_of`."""


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
    """Every row of a file; `UserError` that names the line, or the row, of the first that is not of
    this data set.

    Text is UTF-8, UTF-16 or UTF-32, with or without a byte order mark, and lines end either way.
    NaN and infinities stand for a missing value, as in tables that were written by pandas.
    """
    rows = []
    for where, fields in _fields(path):
        if not isinstance(fields, Mapping):
            raise UserError(f"{path} {where} is not a JSON object with the fields of a row")
        try:
            rows.append(model.model_validate(_without_nan(fields)))
        except ValidationError as error:
            raise UserError(f"{path} {where}: {first_problem(error, model)}") from None
    if not rows:
        raise UserError(f"{path} holds no rows; download it again")
    return rows


def _fields(path: Path) -> Iterator[tuple[str, object]]:
    """Each row, and where it stands."""
    if path.suffix.lower() == ".parquet":
        yield from ((f"row {n}", row) for n, row in enumerate(_parquet(path), start=1))
    elif path.suffix.lower() == ".json":
        found = _decoded(_text(path), f"{path}")
        if not isinstance(found, list):
            raise UserError(f"{path} is not a JSON array of rows")
        yield from ((f"row {number}", row) for number, row in enumerate(found, start=1))
    elif path.suffix.lower() in _DELIMITERS:
        yield from _delimited(path)
    else:
        for number, text in enumerate(_text(path).split("\n"), start=1):
            # Files that were joined have the mark of the second in the middle.
            if (line := text.removeprefix("\ufeff")).strip():
                yield f"line {number}", _decoded(line, f"{path} line {number}")


def _delimited(path: Path) -> Iterator[tuple[str, object]]:
    """Rows of a table with a line of names; an empty cell stands for a missing value."""
    csv.field_size_limit(_LONGEST_CELL)
    text = _text(path)
    delimiter = _DELIMITERS[path.suffix.lower()]
    names = text.partition("\n")[0]
    if delimiter not in names:  # what some spreadsheets write, and tables under a wrong name
        delimiter = max(";\t,", key=names.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for number, row in enumerate(reader, start=1):
            if None in row:
                raise UserError(f"{path} row {number} has more cells than there are names")
            yield f"row {number}", {name: value or None for name, value in row.items()}
    except csv.Error as error:
        raise UserError(f"{path} is no table ({error}); download it again") from None


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return data.decode(json.detect_encoding(data)).removeprefix("\ufeff")
    except OSError as error:
        raise UserError(f"{path} cannot be read as text ({error.strerror})") from None
    except UnicodeDecodeError:
        packed = data[:2] in (b"\x1f\x8b", b"PK", b"BZ") or data[:4] == b"(\xb5/\xfd"
        advice = "is packed: unpack it" if packed else "is not UTF-8: save it as UTF-8"
        raise UserError(f"{path} cannot be read as text; it {advice}") from None


def _decoded(text: str, where: str) -> object:
    try:
        found: object = json.loads(text, parse_constant=lambda _: None, parse_int=_integer)
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise UserError(f"{where} holds half a character (a lone surrogate); mend it") from None
    except RecursionError:
        raise UserError(f"{where} is nested too deeply for a row") from None
    except ValueError as error:
        raise UserError(f"{where} is not valid JSON ({error}); download it again") from None
    return found


def _integer(digits: str) -> int | str:
    """A whole number; one that no computer counts to stays as it is written."""
    return int(digits) if len(digits) < _LONGEST_INTEGER else digits


def _without_nan(fields: Fields) -> Fields:
    """A row whose numbers are all finite; parquet files hold NaN where nothing is known."""
    return {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in fields.items()
    }


def _parquet(path: Path) -> Sequence[Fields]:
    if find_spec("pyarrow") is None:
        raise UserError(f"{path} is a parquet file; run `pip install pyarrow` to read it")
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    try:
        rows: Sequence[Fields] = parquet.read_table(path).to_pylist()
    except arrow.ArrowInvalid as error:
        raise UserError(f"{path} is no parquet file; download it again") from error
    return rows

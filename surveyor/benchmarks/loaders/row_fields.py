"""Readers of one field of a published row, for any benchmark; a row in, what it holds out."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from surveyor.benchmarks.scorers.easi_rules import LETTERS
from surveyor.core.errors import UserError

Row: TypeAlias = Mapping[str, object]
Text: TypeAlias = Callable[[Row], str]
_IN_LINE: Final = re.compile(r"(?:^|(?<=\s))([A-J])[.:]\s+(.*?)(?=\s+[A-J][.:]\s|\s*\Z)", re.DOTALL)


def field_of(name: str) -> Text:
    """A field as text; `UserError` when a row lacks it."""

    def read(row: Row) -> str:
        value = row.get(name)
        if value is None or isinstance(value, list | dict | bytes):
            raise UserError(f"the field {name} is missing or no text")
        return str(value)

    return read


def first_of(*names: str) -> Text:
    """The first of these fields that a row has."""
    return lambda row: field_of(next((n for n in names if row.get(n)), names[-1]))(row)


def joined(*names: str) -> Text:
    """These fields with blanks between them."""
    return lambda row: " ".join(str(row[name]) for name in names if row.get(name))


def constant(text: str) -> Text:
    """The same for every row."""
    return lambda _row: text


def letter_at(name: str) -> Text:
    """The letter of a position from 0; a letter stays."""

    def read(row: Row) -> str:
        value = str(row.get(name))
        if value.isdecimal() and int(value) < len(LETTERS):
            return LETTERS[int(value)]
        return field_of(name)(row)

    return read


def nothing(row: Row) -> Mapping[str, object]:
    """No fields besides the row's own."""
    del row
    return {}


def as_it_is(row: Row, split: str) -> Row:
    """A row that says all itself."""
    del split
    return row


def no_options(row: Row) -> Sequence[str]:
    """For questions whose options are no list."""
    del row
    return ()


def no_pictures(row: Row) -> Sequence[object]:
    """For rows of a video."""
    del row
    return ()


def strings(name: str) -> Callable[[Row], Sequence[str]]:
    """A list of texts, or a list written as text; nothing for null."""

    def read(row: Row) -> Sequence[str]:
        value = row.get(name)
        if isinstance(value, str) and value.strip().startswith("["):
            try:
                value = literal_eval(value.strip())
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                raise UserError(f"the field {name} is no list") from None
        if value is None:
            return ()
        if not isinstance(value, list | tuple):
            raise UserError(f"the field {name} is no list")
        return tuple(map(str, value))

    return read


def lettered(name: str, form: str) -> Callable[[Row], Sequence[str]]:
    """A list of texts, each under its letter."""
    return lambda row: [
        form.format(a, b) for a, b in zip(LETTERS, strings(name)(row), strict=False)
    ]


def lines_of(name: str) -> Callable[[Row], Sequence[str]]:
    """The lines of a block of text that has the letters already."""
    return lambda row: [line for line in str(row.get(name) or "").split("\n") if line.strip()]


def columns(letters: str, form: str) -> Callable[[Row], Sequence[str]]:
    """One column for each letter; empty ones are no options."""

    def read(row: Row) -> Sequence[str]:
        found = [(letter, row.get(letter)) for letter in letters]
        return [
            form.format(letter, text) for letter, text in found if text not in (None, "", "nan")
        ]

    return read


def options_in_line(name: str) -> Callable[[Row], Sequence[str]]:
    """``A. left B. right`` at the end of a question."""
    return lambda row: [
        f"{letter}. {text.strip()}" for letter, text in _IN_LINE.findall(str(row.get(name) or ""))
    ]


def listed(name: str) -> Callable[[Row], Sequence[object]]:
    """A field of one image or of several; a list may be written as text."""

    def read(row: Row) -> Sequence[object]:
        value = row.get(name)
        if isinstance(value, str) and value.startswith("["):
            return strings(name)(row)
        if isinstance(value, list | tuple):
            return value
        return () if value is None else (value,)

    return read


def several(*names: str) -> Callable[[Row], Sequence[object]]:
    """A field for each image."""
    return lambda row: [row[name] for name in names if row.get(name) is not None]


def scannet_scene(name: str) -> Text:
    """The scan's own name where all images of a row are of one."""

    def read(row: Row) -> str:
        paths = [path for path in listed(name)(row) if isinstance(path, str)]
        scenes = {m.group() for p in paths if (m := re.search(r"scene\d{4}_\d{2}", p))}
        return scenes.pop() if len(scenes) == 1 else ""

    return read


def without_ending(name: str) -> Text:
    """A path without its file's ending."""
    return lambda row: re.sub(r"\.\w+\Z", "", field_of(name)(row))

"""Readers of one field of a published row, for any benchmark; a row in, what it holds out."""

from __future__ import annotations

import json
import re
from ast import literal_eval
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from surveyor.benchmarks.scorers.easi_rules import LETTERS
from surveyor.core.errors import UserError

Row: TypeAlias = Mapping[str, object]
Text: TypeAlias = Callable[[Row], str]
_FORMS: Final = "must be a list of texts, or an object of letters and texts"
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
    """A list of texts in any of the forms of `texts_of`."""

    def read(row: Row) -> Sequence[str]:
        try:
            return texts_of(row.get(name))
        except ValueError as error:
            raise UserError(f"the field {name} {error}") from None

    return read


def texts_of(value: object) -> tuple[str, ...]:
    """The texts of a field, in each way that published tables write a list of options.

    A list; an object of letters ("A": "left"); either of them as JSON or as Python writes it;
    lines that begin with letters. Nothing for null, an empty text and "None". Raises `ValueError`
    for all else, also for a list with holes.
    """
    if isinstance(value, str):
        value = _unwritten(value.strip())
    if value is None:
        return ()
    if isinstance(value, Mapping):
        keys = [str(key).strip().upper() for key in value]
        # A struct of a parquet file has a place for every letter that any row uses.
        value = [text for text in value.values() if text is not None]
        if keys[: len(value)] != list(LETTERS[: len(value)]):
            raise ValueError(f"{_FORMS}, not an object of {', '.join(keys)[:60] or 'nothing'}")
    if not isinstance(value, list | tuple):
        raise ValueError(f"{_FORMS}, not {value!r:.60}")
    if any(text is None or isinstance(text, list | dict | bytes) for text in value):
        raise ValueError(f"{_FORMS}; one of its entries is no text")
    return tuple(map(str, value))


def under_letters(options: Sequence[str]) -> tuple[str, ...]:
    """Options as they are printed: those that stand under no letters get theirs."""
    headed = [
        re.match(rf"\W*{letter}\b", option)
        for letter, option in zip(LETTERS, options, strict=False)
    ]
    if all(headed):
        return tuple(options)
    return tuple(f"{a}. {text}" for a, text in zip(LETTERS, options, strict=False))


def letter_of(truth: str, options: Sequence[str]) -> str:
    """The letter that a published answer stands for: ``B``, ``(b)``, ``B. right``, or the text of
    one option; `ValueError` where it names none of the options."""
    offered = LETTERS[: len(options)] if options else LETTERS
    texts = [_bare(option) for option in options]
    said = _bare(truth)
    if texts.count(said) == 1 and len(said) > 1:
        return offered[texts.index(said)]
    found = re.fullmatch(r"\(?([A-Za-z])\)?[.:]?(?:\s+(.*))?", truth.strip(), re.DOTALL)
    letter = found.group(1).upper() if found else ""
    if not letter or letter not in offered:
        raise ValueError(f"must be the letter of one of {len(offered)} options, not {truth!r:.60}")
    if found is not None and found.group(2) and _bare(found.group(2)) not in texts:
        raise ValueError(f"must be the letter of an option, not {truth!r:.60}")
    return letter


def _bare(text: str) -> str:
    """A text without the letter that heads it, its case and its full stop."""
    return re.sub(r"^\W*[A-Ja-j][.:)]+\s+", "", text.strip()).strip().rstrip(".").casefold()


def _unwritten(text: str) -> object:
    """What a text of a list or an object holds; else its lines, where each begins with a letter."""
    if text.lower() in ("", "none", "null", "nan"):
        return None
    if text[:1] in ("[", "{"):
        for read in (json.loads, literal_eval):
            try:
                return read(text)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and all(
        re.match(rf"\(?{letter}[.:)]", line) for letter, line in zip(LETTERS, lines, strict=False)
    ):
        return lines
    found = _IN_LINE.findall(text)
    return [f"{letter}. {one.strip()}" for letter, one in found] if len(found) > 1 else text


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

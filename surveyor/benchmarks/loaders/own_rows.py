"""Rows of one's own questions, in the fields that docs/benchmarks.md names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from surveyor.benchmarks.loaders import row_fields as of
from surveyor.benchmarks.scorers.vsi import as_float
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind

Row: TypeAlias = Mapping[str, object]
FIELDS: Final = frozenset(
    {"id", "question", "answer", "options", "unit", "type", "scene", "images", "image", "video"}
)
_FORMS: Final = {
    AnswerKind.CHOICE: "choice",
    AnswerKind.NUMBER: "number",
    AnswerKind.TEXT: "text",
}

_UNITS: Final = {
    "": "",
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), "m"),
    **dict.fromkeys(("cm", "centimetres", "centimeters"), "cm"),
    **dict.fromkeys(("m2", "m²", "square metres", "square meters"), "m2"),
}


def options(row: Row) -> Sequence[str]:
    """The options under letters; none where the answer is free."""
    unknown = sorted(set(row) - FIELDS)
    if unknown:
        raise UserError(
            f"the field {unknown[0]!r} is none of {', '.join(sorted(FIELDS))}; see "
            "docs/benchmarks.md"
        )
    return of.under_letters(of.strings("options")(row))


def answer(row: Row) -> str:
    """The answer; of a choice its letter."""
    told = row.get("answer")
    if told is None or not str(told).strip():
        raise UserError(
            "the row has no answer, so nothing can be scored; to ask without one: surveyor ask"
        )
    text = of.field_of("answer")(row).strip()
    offered = options(row)
    if not offered:
        return text
    try:
        return of.letter_of(text, offered)
    except ValueError as error:
        raise UserError(f"the answer {error}") from None


def kind(row: Row) -> AnswerKind:
    """By what is there: options, a number, or text."""
    if options(row):
        return AnswerKind.CHOICE
    return AnswerKind.TEXT if as_float(row.get("answer")) is None else AnswerKind.NUMBER


def question_type(row: Row) -> str:
    """What the row calls its type, or the form of its answer."""
    return str(row.get("type") or _FORMS[kind(row)])


def unit(row: Row) -> str:
    """The unit that is asked for, as scorers write it; "" for a count."""
    said = str(row.get("unit") or "").strip().lower()
    if said not in _UNITS:
        raise UserError(f"the unit is m, cm, m2 or left out for a count, not {said!r:.40}")
    return _UNITS[said]


def made(row: Row) -> Mapping[str, object]:
    """What the scorer needs to know of the form."""
    return {"form": _FORMS[kind(row)], "unit": unit(row)}


def pictures(row: Row) -> Sequence[object]:
    """The row's photos."""
    return (*of.listed("images")(row), *of.listed("image")(row))


def video(row: Row) -> str:
    """The row's video without its ending."""
    return re.sub(r"\.\w+\Z", "", str(row.get("video") or ""))


def scene(row: Row) -> str:
    """The place, where rows tell which of them share one."""
    return str(row.get("scene") or "")

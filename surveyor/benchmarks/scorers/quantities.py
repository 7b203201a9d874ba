"""Quantities in running text: numbers in digits with their units, in the order of the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_UNITS: Final = (
    ("m2", 1.0, r"m2|m\^2|m\^\{2\}|sq\.? ?m(?:et(?:er|re)s?)?|sqm|square met(?:er|re)s?"),
    ("m2", 0.09290304, r"sq\.? ?(?:ft|f[eo]et)|ft2|ft\^2|square f(?:ee|oo)t"),
    ("m", 0.01, r"cm|centimet(?:er|re)s?"),
    ("m", 0.001, r"mm|millimet(?:er|re)s?"),
    ("m", 1000.0, r"km|kilomet(?:er|re)s?"),
    ("m", 0.9144, r"yd|yards?"),
    ("m", 0.3048, r"ft|feet|foot"),
    ("m", 0.0254, r"inch(?:es)?|in(?=\W*$)|in(?=[.,;)])"),
    ("m", 1.0, r"m|met(?:er|re)s?|m[èe]tres?|metr(?:os?|i)|米|メートル|미터|м"),
)
"""Dimension, size in metres or square metres, spelling. "in" is read after feet alone."""
_NUMERAL: Final = r"\d+ +\d+/\d+|\d+/\d+(?![\d/.])|\d+(?:\.\d+)?(?:e[+-]?\d+)?(?!\d)|\.\d+"
_UNIT: Final = "|".join(f"(?P<u{index}>{unit[2]})" for index, unit in enumerate(_UNITS))
_QUANTITY: Final = re.compile(
    rf"(?:(?<![\w.)\]])(?P<sign>[-+])|(?<![a-z0-9_.]))(?P<number>{_NUMERAL})"
    rf"(?:[ -]?[(\[]?(?:{_UNIT})(?![a-z0-9]))?"
)
_ASKED: Final = {"m": ("m", 1.0), "cm": ("m", 0.01), "m2": ("m2", 1.0)}
_FEET_INCHES: Final = re.compile(
    r"(\d+(?:\.\d+)?) ?(?:ft|feet|foot) (?:and )?(\d+(?:\.\d+)?) ?in\b"
)
_MARKED_FEET: Final = re.compile(r"(\d+)' ?(\d{1,2}(?:\.\d+)?)(?![\d'])(?:\"|''| ?in\b)?")
_MARKED_INCHES: Final = re.compile(r"(?<=\d)\"(?!\w)")
METRE_AND: Final = re.compile(r"\b(\d+) ?(?:m|met(?:er|re)s?) ?(\d\d)(?![\d.]| ?(?:c?m\b|cent|mm))")
"""Metres with centimetres after them, as they are spoken: 1m20."""
_POWER: Final = re.compile(r"(\d+(?:\.\d+)?) ?(?:x|\*) ?10\^?[{(]?([+-]?\d{1,2})[)}]?(?!\d)")
_THOUSANDS: Final = re.compile(r"(?<![\d.,])(\d{1,3})(?:([,' ])\d{3})(?:\2\d{3})*(?![\d,])")
_DECIMAL_COMMA: Final = re.compile(r"(?<![\d.,])(\d+),(\d{1,2}|0\d+|\d{4,})(?![\d,])")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number at ``start`` to ``end`` of a text. ``value`` is in the unit that was asked for where
    its own is of that kind, else as written; ``exact`` says that it was written in that unit,
    ``scale`` is the size of its unit (0 without one)."""

    value: float
    start: int
    end: int
    exact: bool = False
    scale: float = 0.0


def one_numeral_form(text: str) -> str:
    """The text with thousands unseparated (1,200; 1'200; 1 200; 1_000) and decimal points."""
    text = _MARKED_FEET.sub(r"\1 ft \2 in", text)
    text = _MARKED_INCHES.sub(" inch", text)
    text = _POWER.sub(r"\1e\2", text)
    text = METRE_AND.sub(r"\1.\2 m", text)
    text = re.sub(r"(?<=\d)_(?=\d{3})", "", text)
    text = _THOUSANDS.sub(lambda m: re.sub(r"[,' ]", "", m.group()), text)
    text = _DECIMAL_COMMA.sub(r"\1.\2", text)
    return _FEET_INCHES.sub(lambda m: f"{float(m[1]) + float(m[2]) / 12:.6f} ft", text)


def quantities(text: str, asked: str | None) -> list[Quantity]:
    """Every quantity of a lower-case text in one numeral form, parts of one length joined."""
    found = [one for match in _QUANTITY.finditer(text) if (one := _quantity(match, asked))]
    joined: list[Quantity] = []
    for one in found:
        last = joined[-1] if joined else None
        if last is not None and 0 < one.scale < last.scale and _follows(text, last, one):
            whole = last.value + one.value
            joined[-1] = Quantity(whole, last.start, one.end, last.exact, one.scale)
        else:
            joined.append(one)
    return joined


def _follows(text: str, first: Quantity, second: Quantity) -> bool:
    """Is it "2 m 30 cm" rather than "2 m (200 cm)"?"""
    return text[first.end : second.start].strip() in ("", "and") and second.value < first.value


def _quantity(match: re.Match[str], asked: str | None) -> Quantity | None:
    value = _value(match["number"])
    if value is None:
        return None
    value = -value if match["sign"] == "-" else value
    unit = next((u for i, u in enumerate(_UNITS) if match[f"u{i}"]), None)
    scale = unit[1] if unit is not None else 0.0
    wanted = _ASKED.get(asked or "")
    if unit is None or wanted is None or unit[0] != wanted[0]:
        return Quantity(value, match.start(), match.end(), scale=scale)
    exact = unit[1] == wanted[1]
    value = value if exact else value * unit[1] / wanted[1]
    return Quantity(value, match.start(), match.end(), exact, scale)


def _value(numeral: str) -> float | None:
    whole, _, fraction = numeral.rpartition(" ")
    above, slash, below = fraction.partition("/")
    if not slash:
        return float(numeral)
    if float(below) == 0:
        return None
    return float(whole or 0) + float(above) / float(below)


def distinct(found: Sequence[Quantity]) -> list[Quantity]:
    """The quantities without restatements ("2 m (200 cm)"), of which the one as asked stays."""
    kept: list[Quantity] = []
    for one in sorted(found, key=lambda quantity: not quantity.exact):
        if not any(_same(one, other) for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda quantity: quantity.start)


def _same(one: Quantity, other: Quantity) -> bool:
    """Equal, or nearly so in different units, where one is rounded."""
    converted = one.scale and other.scale and one.scale != other.scale
    return one.value == other.value or bool(
        converted and abs(one.value - other.value) <= 0.05 * abs(other.value)
    )

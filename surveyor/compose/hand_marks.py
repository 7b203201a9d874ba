"""Marks and known sizes as a person writes them.

Marks are written ``a=1:412,220 2:380,231``: the end ``a`` lies at these pixels (from the left, from
the top) of photos 1 and 2 of the place. A known size is written ``door height = 2.00 m, c to d``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from surveyor.core.errors import UserError

_UNITS: Final = {
    "mm": 0.001, "cm": 0.01, "m": 1.0, "metre": 1.0, "metres": 1.0, "meter": 1.0, "meters": 1.0,
    "in": 0.0254, "inch": 0.0254, "inches": 0.0254, "ft": 0.3048, "foot": 0.3048, "feet": 0.3048,
}  # fmt: skip
_MARK = re.compile(r"\s*(\d+)\s*:\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*")
_KNOWN = re.compile(
    r"\s*(?P<name>[^=]*?)\s*=\s*(?P<value>[\d.]+)\s*(?P<unit>[a-z]+)"
    r"(?:\s*(?:±|\+-|\+/-)\s*(?P<error>[\d.]+)\s*(?P<error_unit>[a-z]+))?"
    r"\s*,?\s*(?:from\s+|between\s+)?(?P<first>\S+)\s+(?:to|and)\s+(?P<second>\S+)\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """One end: pixels by photo position (from 0)."""

    name: str
    pixels: Mapping[int, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Known:
    """A length of ``metres`` between two marked ends, known to ``error`` (one deviation)."""

    name: str
    metres: float
    error: float
    ends: tuple[str, str]


def read_mark(text: str) -> Mark:
    """``a=1:412,220 2:380,231``; `UserError` says what is wrong with any other text."""
    name, equals, rest = text.partition("=")
    marks = rest.split()
    found = [_MARK.fullmatch(mark) for mark in marks]
    if not equals or not name.strip() or not marks or not all(found):
        raise UserError(
            f"--point {text!r} is no mark; write the end, and its pixel in two or more photos: "
            '"a=1:412,220 2:380,231"'
        )
    photos = [int(m[1]) for m in found if m]
    if twice := next((k for k in photos if photos.count(k) > 1), None):
        raise UserError(f"end {name.strip()!r} is marked twice in photo {twice}; keep one mark")
    pixels = {int(m[1]) - 1: (float(m[2]), float(m[3])) for m in found if m}
    if len(pixels) < 2:
        raise UserError(f"end {name.strip()!r} is marked in one photo only; mark it in two or more")
    return Mark(name.strip(), pixels)


def read_known(text: str) -> Known:
    """``door height = 2.00 m, c to d``; `UserError` says what is wrong with any other text."""
    found = _KNOWN.fullmatch(text)
    if found is None or found["unit"].lower() not in _UNITS:
        raise UserError(
            f"--known {text!r} is no known size; write it with its unit and its two marked ends: "
            '"door height = 2.00 m, c to d"'
        )
    unit = _UNITS[found["unit"].lower()]
    metres = float(found["value"]) * unit
    if metres <= 0:
        raise UserError(f"--known {text!r}: a size is more than nothing")
    error = max(0.01, 0.01 * metres)
    if found["error"]:
        error = float(found["error"]) * _UNITS.get(str(found["error_unit"]).lower(), unit)
    return Known(found["name"] or "known size", metres, error, (found["first"], found["second"]))

"""From a value to the form in which the benchmark wants its answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from surveyor.agent.program.language import Program, concept, grounds
from surveyor.agent.program.measuring import Value
from surveyor.core.tasks import AnswerKind

_OPTION = re.compile(r"^\s*\(?([A-Z])[.):]\s*(.*)$", re.DOTALL)

# Last resorts, marked as guesses in the log and in every report: what such rooms usually hold.
_USUAL_COUNT, _USUAL_METRES, _USUAL_FLOOR = 2, 1.8, 18.0
_USUAL_EDGE = {
    "bed": 205, "bookshelf": 180, "chair": 82, "desk": 140, "door": 200, "lamp": 60,
    "monitor": 57, "nightstand": 65, "refrigerator": 168, "sofa": 200, "table": 140,
    "trash bin": 40, "tv": 95, "window": 135,
}  # fmt: skip
_OTHER_EDGE = 90
UNKNOWN = "unknown"
"""What is said in words where nothing was measured: never "unanswerable", which is a finding."""


def form(program: Program, value: Value, options: Sequence[str]) -> str | None:
    """The answer text: a letter where there are options, a number elsewhere.

    ``None`` when no option says what was measured.
    """
    if options and program.op == "turns" and isinstance(value, tuple):
        return _most_agreeing(value, options)
    if options:
        return _letter(value, options, ordered=program.op == "order_by_first_sight")
    if grounds(program):
        handles = value if isinstance(value, tuple) else ()
        return value if isinstance(value, str) else ", ".join(handles) or "none"
    match program.op:
        case "mask" | "counted_mask" if isinstance(value, tuple):
            return ", ".join(value) or "none"
        case "count":
            return str(round(_number(value)))
        case "longest_edge":
            return str(round(100 * _number(value)))
        case "distance" | "floor_area" | "area":
            return f"{_number(value):.1f}"
        case "nearest" if isinstance(value, tuple) and value:
            return value[0]
    return value if isinstance(value, str) else None


def guess(
    program: Program | None, options: Sequence[str], kind: AnswerKind = AnswerKind.TEXT
) -> str:
    """An answer that rests on nothing seen; never empty, because silence is no answer."""
    letters = [found.group(1) for option in options if (found := _OPTION.match(option))]
    if letters:
        return letters[0]
    match program:
        case Program(op="count"):
            return str(_USUAL_COUNT)
        case Program(op="longest_edge"):
            return str(_USUAL_EDGE.get(concept(program), _OTHER_EDGE))
        case Program(op="distance"):
            return str(_USUAL_METRES)
        case Program(op="floor_area"):
            return str(_USUAL_FLOOR)
    unknown = program is None or not grounds(program) or program.op == "union"
    return UNKNOWN if unknown and kind is AnswerKind.TEXT else "none"


def _letter(value: Value, options: Sequence[str], *, ordered: bool) -> str | None:
    parsed = [
        (found.group(1), _plain(found.group(2)))
        for option in options
        if (found := _OPTION.match(option))
    ]
    if ordered and isinstance(value, tuple):
        return _closest_order(tuple(_plain(name) for name in value), parsed)
    if isinstance(value, float | int):
        return _closest_number(float(value), parsed)
    ranked = value if isinstance(value, tuple) else (value,)
    for name in ranked:
        for letter, text in parsed:
            if text == _plain(name):
                return letter
    return None


def _most_agreeing(turns: Sequence[str], options: Sequence[str]) -> str | None:
    """The option that has most of the turns in their places."""

    def agreeing(text: str) -> int:
        listed = [_plain(part) for part in text.split(",")]
        return sum(a == _plain(b) for a, b in zip(listed, turns, strict=False))

    parsed = [found for option in options if (found := _OPTION.match(option))]
    best = max(parsed, key=lambda found: agreeing(found.group(2)), default=None)
    return best.group(1) if best is not None else None


def _closest_order(order: Sequence[str], options: Sequence[tuple[str, str]]) -> str | None:
    """The option with the fewest pairs the other way round (Kendall's distance)."""
    rank = {name: position for position, name in enumerate(order)}

    def swapped(text: str) -> int:
        names = [rank.get(_plain(part), len(rank)) for part in text.split(",")]
        return sum(a > b for i, a in enumerate(names) for b in names[i + 1 :])

    return min(options, key=lambda option: swapped(option[1]))[0] if options else None


def _closest_number(value: float, options: Sequence[tuple[str, str]]) -> str | None:
    numbers = [
        (abs(float(found.group()) - value), letter)
        for letter, text in options
        if (found := re.search(r"-?\d+(?:\.\d+)?", text))
    ]
    return min(numbers)[1] if numbers else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("–", "-").split()).rstrip(".")


def _number(value: Value) -> float:
    return float(value) if isinstance(value, float | int) else 0.0


def describe(program: Program, value: Value) -> str:
    """The value with its unit, for people."""
    if isinstance(value, tuple):
        joiner = " < " if program.op == "nearest" else ", "
        return joiner.join(value)
    unit = {"distance": " m", "longest_edge": " m", "floor_area": " m2", "area": " m2"}
    return f"{value}{unit.get(program.op, '')}"

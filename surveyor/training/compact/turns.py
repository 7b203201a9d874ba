"""The model's own turns in the slot language: writing calls and answers, and reading them back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from surveyor.agent.program.tool import PROGRAM
from surveyor.training.compact.needs import need_text
from surveyor.training.compact.programs import handles_in, program_text, program_tokens
from surveyor.training.compact.table import Table
from surveyor.training.compact.vocabulary import END, UNKNOWN, WHOLE, argument_lists, keywords

_NAMED = frozenset({"phrases", "categories", "candidates", "category", "text"})
"""Arguments that take names; elsewhere a name before a handle is there to be looked up by."""

_THINGS = frozenset({"anchor", "stand", "face", "query", "object", "first", "second"})
"""Arguments that take a handle or a name; a name that a handle follows is there for look-up."""

_WAYS = {"number": "W.number", "views": "W.views", "share": "W.share"}
_GUESSES = frozenset({"1.8", "18.0"})


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """One turn: calls with their arguments and what they are needed for, or an answer."""

    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    answer: str | None = None
    need: str | None = None


def call_tokens(name: str, arguments: Mapping[str, Any], table: Table) -> list[str]:
    """One call, without the turn's end."""
    said = ["<call>", name]
    for key, value in arguments.items():
        said.append(f"@{key}")
        way = _WAYS.get(key, "")
        if way in table.way and table.way[way] == value and not isinstance(value, bool):
            said.append(way)
        elif name == PROGRAM and isinstance(value, str):
            said += program_tokens(value, table)
        elif key == "join" and value == table.join:
            said.append("W.join")
        elif key == "frames" and isinstance(value, list):
            said += _frame_list(value, table, name in ("restore", "detect"))
        else:
            said += _values(value if isinstance(value, list) else [value], key, table)
    return said


def follow(name: str, arguments: Mapping[str, Any], table: Table) -> None:
    """Keep what a call does to the lists of frames."""
    search, frames = table.search, arguments.get("frames")
    if not isinstance(frames, list) or name not in ("restore", "detect"):
        return
    frames = [frame for frame in frames if isinstance(frame, str)]
    if frames and all(frame in search.left for frame in frames):
        search.left = [frame for frame in search.left if frame not in frames]
        search.batch += 1
    if name == "detect":
        search.searched += [frame for frame in frames if frame not in search.searched]


def answer_tokens(text: str, table: Table) -> list[str]:
    """The answer as a copy: of an option, of a measured number, or of a word."""
    text = text.strip()
    if (handles := handles_in(text, table)) is not None:
        return handles
    if text in table.options:
        option = table.options[text]
        for position, measured in enumerate(table.numbers):
            if measured.casefold() == option.casefold():
                return [f"N{position + 1}"]
        return [table.name(option)]
    if text.isdecimal() and text in table.numbers:  # what was counted; lengths have a point
        return [f"N{table.numbers.index(text) + 1}"]
    try:
        value = float(text)
    except ValueError:
        return table.say(text)
    scale, mark, slack = (1, "<r1>", 0.0551) if "." in text else (100, "<cm>", 1.0)
    numbers = [(k, float(n)) for k, n in enumerate(table.numbers) if _is_number(n)]
    gaps = [(abs(n * scale - value), -k) for k, n in numbers]
    gap, position = min(gaps, default=(slack + 1, 0))
    if gap <= slack:
        return [f"N{1 - position}", mark]
    if text in _GUESSES:
        return [f"<{text}>"]
    return [text if text.isdecimal() and int(text) <= WHOLE else UNKNOWN]


def read(tokens: Sequence[str], table: Table) -> SpokenTurn:
    """What a model said; `ValueError` names what can't be read."""
    own = list(tokens[:-1] if tokens and tokens[-1] == END else tokens)
    if not own:
        raise ValueError("an empty turn")
    if own[0] == "<ans>":
        return SpokenTurn(answer=_answer(own[1:], table))
    starts = [k for k, token in enumerate(own) if token == "<call>"]
    if not starts or (starts[0] and own[0] != "<need>"):
        raise ValueError(f"a turn that begins with {own[0]}")
    need = need_text(own[: starts[0]], table) if starts[0] else None
    bounds = [*starts, len(own)]
    spans = [own[a + 1 : b] for a, b in pairwise(bounds)]
    return SpokenTurn(tuple(_call(span, table) for span in spans), need=need)


def _frame_list(handles: list[Any], table: Table, searching: bool) -> list[str]:
    """Lists that the table keeps are named; whatever else is in the argument is written out.

    A search goes by batches, and whoever else takes what is left takes all of it: said in one way
    each, though the last batch is all that is left.
    """
    said: list[str] = []
    at = 0
    while at < len(handles):
        taken, tokens = _longest(handles[at:], table, searching)
        said += tokens
        at += taken
    return said


def _longest(rest: list[Any], table: Table, searching: bool) -> tuple[int, list[str]]:
    search = table.search
    whole = (search.left, ["<left>"])
    order = (table.batch(), table.scaled(), whole) if searching else (table.scaled(), whole)
    named = [one for one in order if one is not None]
    named += [(search.hits, ["<hits>"]), (search.searched, ["<searched>"])]
    for handles, tokens in named:
        if handles and rest[: len(handles)] == handles and _singles(handles):
            return len(handles), tokens
    return 1, _values(rest[:1], "frames", table)


def _singles(handles: Sequence[str]) -> bool:
    """Whether these are frames one by one: a group is one handle and needs no name."""
    return all(handle.startswith("frame_") for handle in handles)


def _values(values: Sequence[Any], key: str, table: Table) -> list[str]:
    said: list[str] = []
    before = None
    for value in values:
        kind = table.kinds.get(value) if isinstance(value, str) else None
        if kind is not None and kind != before:
            said.append(kind)
        before = kind
        said += _value(value, key, table)
    return said


def _value(value: Any, key: str, table: Table) -> list[str]:
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, int):
        return [str(value) if 0 <= value <= WHOLE else UNKNOWN]
    if isinstance(value, float):
        return [f".{round(value * 100):03d}" if 0 <= value <= 1 else UNKNOWN]
    if not isinstance(value, str):
        return [UNKNOWN]
    if (handle := table.handle(value)) is not None:
        return [handle]
    if key not in _NAMED and f"={value}" in _choices():
        return [f"={value}"]
    return [table.name(value)] if key in _NAMED | _THINGS else table.say(value)


@cache
def _choices() -> frozenset[str]:
    return frozenset(keywords())


@cache
def _lists() -> dict[str, dict[str, bool]]:
    return {**argument_lists(), PROGRAM: {"text": False}}


def _call(span: Sequence[str], table: Table) -> tuple[str, dict[str, Any]]:
    if not span or span[0] not in _lists():
        raise ValueError(f"a call of {span[0] if span else 'nothing'}")
    name, arguments = span[0], _lists()[span[0]]
    keys = [k for k, token in enumerate(span) if token.startswith("@")]
    if len(span) > 1 and (not keys or keys[0] != 1):
        raise ValueError(f"an argument of {name} without its name")
    found: dict[str, Any] = {}
    for start, end in zip(keys, [*keys[1:], len(span)], strict=True):
        key = span[start][1:]
        if key not in arguments:
            raise ValueError(f"{name} with an argument {key}")
        inner = span[start + 1 : end]
        if name == PROGRAM:
            values: list[Any] = [program_text(inner, table.names)]
        else:
            values = _read_values(inner, key, table)
        if not arguments[key] and len(values) != 1:
            raise ValueError(f"{name} with {len(values)} values for {key}")
        found[key] = values if arguments[key] else values[0]
    return name, found


def _read_values(tokens: Sequence[str], key: str, table: Table) -> list[Any]:
    values: list[Any] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token == "<even>":
            left = tokens[at + 1 : at + 2] == ["<left>"]
            if left and not table.search.left:  # nothing more, as with the whole list
                at += 4
                continue
            wanted = table.batch() if left else table.scaled()
            if wanted is None or list(tokens[at : at + len(wanted[1])]) != wanted[1]:
                raise ValueError("a list of frames that there is not")
            values += wanted[0]
            at += len(wanted[1])
            continue
        following = tokens[at + 1] if at + 1 < len(tokens) else ""
        if key in _THINGS and token[0] == "E" and table.handle(following) is None:
            values.append(_slot(table.names, token))
        else:
            values += _read_value(token, key, table)
        at += 1
    return values


def _read_value(token: str, key: str, table: Table) -> list[Any]:
    search = table.search
    lists = {"<left>": search.left, "<hits>": search.hits, "<searched>": search.searched}
    if token in lists:
        return list(lists[token])
    if token == "W.join" and table.join:
        return [table.join]
    if token in table.way:
        value = table.way[token]
        return [value if token == "W.share" else int(value)]
    if re.fullmatch(r"f\d+", token):
        place = int(token[1:])
        if key == "within":  # a frame of reference is a captured one
            return [f"frame_{place}"]
        return [table.newest.get(place, f"frame_{place}")]
    if re.fullmatch(r"E\d+", token):
        return [_slot(table.names, token)] if key in _NAMED else []
    if token in ("true", "false"):
        return [token == "true"]
    if token.isdecimal():
        return [int(token)]
    if re.fullmatch(r"\.\d{3}", token):
        return [int(token[1:]) / 100]
    if token.startswith("="):
        return [token[1:]]
    if token == UNKNOWN or token.startswith(("<", "~", "W.")):
        raise ValueError(f"{token} as a value of {key}")
    return [token]


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def _slot(slots: Sequence[str], token: str) -> str:
    position = int(token[1:]) - 1
    if position >= len(slots):
        raise ValueError(f"{token}, of which nothing was said")
    return slots[position]


def _answer(tokens: Sequence[str], table: Table) -> str:
    if len(tokens) == 1 and re.fullmatch(r"[EN]\d+", tokens[0]):
        said = _slot(table.numbers if tokens[0][0] == "N" else table.names, tokens[0])
        letters = (k for k, v in table.options.items() if v.casefold() == said.casefold())
        return next(letters, said)
    if len(tokens) == 2 and tokens[1] in ("<r1>", "<cm>") and re.fullmatch(r"N\d+", tokens[0]):
        if not _is_number(_slot(table.numbers, tokens[0])):
            raise ValueError(f"{tokens[0]} as a number, which it is not")
        value = float(_slot(table.numbers, tokens[0]))
        return f"{value:.1f}" if tokens[1] == "<r1>" else str(round(100 * value))
    if tokens and all(re.fullmatch(r"obj_\d+", token) for token in tokens):
        return ", ".join(tokens)
    words = [_slot(table.names, t) if re.fullmatch(r"E\d+", t) else t.strip("<>") for t in tokens]
    if not words or UNKNOWN in tokens:
        raise ValueError("an answer that can't be read")
    return " ".join(words)

"""Tool results in the slot language: what later turns can rest on, and nothing else.

A name stands before the handle that it belongs to, so that finding the handle of a name is
copying what follows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from surveyor.training.compact.programs import value_tokens
from surveyor.training.compact.table import Table
from surveyor.training.compact.vocabulary import NAMES, UNKNOWN, WHOLE

_HEAD = re.compile(r"([a-z]+_\d+): ")
_BOX = re.compile(r"box_\d+ (.+?) \([-\d., ]+\) [\d.]+(?:; |$)")
_OBJECT = re.compile(
    r"(obj_\d+) (.+?)(?: in (frame_\d+))?: [-\d.]+ x .*?"
    r"(?:, (\d+) of (\d+) views, confidence ([\d.]+))?( \[weak\])?"
)
_FROM = re.compile(r"(frame_\d+) from (frame_\d+)")
_REGISTERED = re.compile(r"(\d+) of (\d+) frames registered")
_MISSING = re.compile(r"not registered: ([^;\n]+)")
_METRES = re.compile(r"(?:^|, )(.+?) -?\d+\.\d+ m")
_ORDERED = re.compile(r"(?:^|, )(.+?) at [\d.]+ s")

Arguments = Mapping[str, Any]


def result_tokens(name: str, arguments: Arguments, text: str, table: Table) -> list[str]:
    """One result; a refusal is told as such, whatever it says."""
    head = _HEAD.match(text)
    if head is None:
        return ["<err>", name or UNKNOWN]
    handle, rest = head[1], text[head.end() :]
    return _TELLERS.get(name, _other)(handle, rest, arguments, table)


def _frames(handle: str, rest: str, arguments: Arguments, table: Table) -> list[str]:
    chosen = re.findall(r"(frame_\d+) at", rest)
    table.groups[handle] = chosen
    table.search.left = list(chosen)
    return [_group(handle, table), *map(table.frame, chosen)]


def _restore(handle: str, rest: str, arguments: Arguments, table: Table) -> list[str]:
    renamed = {}
    for new, old in _FROM.findall(rest):
        table.derived(new, old)
        renamed[old] = new
    given = table.expand(_list(arguments.get("frames")))
    table.groups[handle] = [renamed.get(frame, frame) for frame in given]
    return [_group(handle, table), _whole(rest)]


def _detect(handle: str, rest: str, arguments: Arguments, table: Table) -> list[str]:
    said = [_group(handle, table)]
    for line in rest.split("\n")[1:]:
        frame, _, row = line.partition(": ")
        categories = _BOX.findall(row)
        if categories:
            said.append(table.handle(frame) or UNKNOWN)
            shown = list(dict.fromkeys(map(table.name, categories)))
            said += shown
            table.search.seen.update(shown)
            if frame not in table.search.hits:
                table.search.hits.append(frame)
    if "W.first" in table.way:  # a search that stops goes by whether each was seen often enough
        asked = dict.fromkeys(map(table.name, _list(arguments.get("phrases"))))
        enough = [table.search.seen[name] >= table.way["W.seen"] for name in asked]
        for name, seen in zip(asked, enough, strict=True):
            said += [name, _number(str(table.search.seen[name])), "true" if seen else "false"]
        # Nothing is looked for any more once all was seen often enough, or no frame is left.
        said.append("true" if all(enough) or not table.search.left else "false")
    return said


def _counted(handle: str, rest: str, arguments: Arguments, table: Table) -> list[str]:
    return [_group(handle, table), _whole(rest)]


def _reconstruct(handle: str, rest: str, arguments: Arguments, table: Table) -> list[str]:
    found = _REGISTERED.search(rest)
    lost = _listed(_MISSING.search(rest))
    given = table.expand(_list(arguments.get("frames")))
    captured = [f"frame_{table.places[f]}" if f in table.places else f for f in given]
    table.search.registered = [frame for frame in captured if frame not in lost]
    said = [_group(handle, table)]
    said += [_number(found[1]), "of", _number(found[2])] if found else [UNKNOWN]
    said.append("relative" if "scale relative" in rest else "metric")
    return said + (["<lost>", *(table.handle(f) or UNKNOWN for f in lost)] if lost else [])


def _lift(handle: str, rest: str, arguments: Arguments, table: Table) -> list[str]:
    lost = _listed(_MISSING.search(rest))
    return [_group(handle, table), _whole(rest), *(["<lost>", str(len(lost))] if lost else [])]


def _objects(handle: str, rest: str, arguments: Arguments, table: Table) -> list[str]:
    """Rows of a view by name in order of mention, so that what is asked about stands in the order
    in which it was asked; those of one name as they came."""
    said = [_group(handle, table)]
    rows: list[tuple[int, list[str]]] = []
    shown: dict[str | None, set[str]] = {}
    view = None
    for line in rest.split("\n")[1:]:
        row = _OBJECT.fullmatch(line)
        if row is None:
            said += [room for room in [table.handle(line.partition(":")[0])] if room]
            continue
        obj, category, frame, seen, of, confidence, weak = row.groups()
        if frame and frame != view:
            said += [*_in_order(rows), table.handle(frame) or UNKNOWN]
            rows, view = [], frame
        table.kinds[obj] = name = table.name(category)
        told = [name, table.handle(obj) or UNKNOWN]
        if seen:
            told += [] if frame else [_number(seen), _number(of)]
            told.append(f".{round(float(confidence) * 100):03d}")
        rows.append((int(name[1:]) if name != UNKNOWN else NAMES, told + ["weak"] * bool(weak)))
        shown.setdefault(view, set()).add(name)
    return [*said, *_in_order(rows), *_ready(table.need, list(shown.values()))]


def _ready(need: Sequence[str], views: Sequence[Set[str]]) -> list[str]:
    """What was needed, said again before it is measured, and whether one view (or the one frame of
    reference) shows what that takes."""
    names = [token for token in need if re.fullmatch(r"E\d+", token)]
    if not names:
        return []
    first, others = names[0], names[1:]
    some = any if "nearest" in need else all
    able = any(first in view and (not others or some(o in view for o in others)) for view in views)
    return [*need, "true" if able else "false"]


def _in_order(rows: list[tuple[int, list[str]]]) -> list[str]:
    return [token for _, told in sorted(rows, key=lambda row: row[0]) for token in told]


def _made(handle: str, rest: str, arguments: Arguments, table: Table) -> list[str]:
    return [_group(handle, table)]


def _measured(handle: str, rest: str, arguments: Arguments, table: Table) -> list[str]:
    found = re.search(r"-?\d+\.\d+", rest)
    return ["meas", *(table.number(found[0]) if found else [UNKNOWN])]


def _count(handle: str, rest: str, arguments: Arguments, table: Table) -> list[str]:
    number = re.search(r"\d+", rest)
    return ["meas", *(table.whole(number[0]) if number else [UNKNOWN])]


def _program(handle: str, rest: str, arguments: Arguments, table: Table) -> list[str]:
    return value_tokens(rest, table)


def _direction(handle: str, rest: str, arguments: Arguments, table: Table) -> list[str]:
    sector = rest.partition(":")[0]
    option = table.saying(sector)
    return ["meas", *(option or table.say(sector))]


def _nearest(handle: str, rest: str, arguments: Arguments, table: Table) -> list[str]:
    said = ["meas"]
    for place, category in enumerate(_METRES.findall(rest.partition("nearest first: ")[2])):
        said += (None if place else table.saying(category)) or [table.name(category)]
    return said


def _order(handle: str, rest: str, arguments: Arguments, table: Table) -> list[str]:
    seen = _ORDERED.findall(rest.partition("in order: ")[2])
    option = table.saying(", ".join(seen))
    return ["meas", *(option or (table.name(category) for category in seen))]


def _other(handle: str, rest: str, arguments: Arguments, table: Table) -> list[str]:
    """A result of a tool that the teacher does not use: its first line, in words."""
    return [_group(handle, table), *table.say(rest.split("\n")[0])][:64]


_TELLERS: dict[str, Callable[[str, str, Arguments, Table], list[str]]] = {
    "frames": _frames,
    "restore": _restore,
    "detect": _detect,
    "segment": _counted,
    "depth": _made,
    "align": _made,
    "reconstruct": _reconstruct,
    "lift": _lift,
    "fuse": _objects,
    "scene": _objects,
    "distance": _measured,
    "size": _measured,
    "floor_area": _measured,
    "count": _count,
    "program": _program,
    "direction": _direction,
    "nearest": _nearest,
    "appearance_order": _order,
}


def _group(handle: str, table: Table) -> str:
    return table.handle(handle) or "meas"


def _whole(text: str) -> str:
    found = re.search(r"\d+", text)
    return _number(found[0]) if found else UNKNOWN


def _number(text: str) -> str:
    return text if int(text) <= WHOLE else UNKNOWN


def _listed(found: re.Match[str] | None) -> list[str]:
    return found[1].split(", ") if found else []


def _list(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []

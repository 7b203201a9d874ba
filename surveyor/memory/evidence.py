"""From an answer back to the pixels that it rests on, by an episode's events alone.

Nodes are handles. Every result says which handles it rests on (`ToolOutcome.sources`); its rows say
more exactly which (``outline``, ``made_of``, ``frame``, ``original``, ``prompt``), and where they
do, they are followed instead. A handle that stands for several leads to each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue

from surveyor.memory.episodes import Episode
from surveyor.memory.events import ToolOutcome, ToolStatus

_HANDLE: Final = re.compile(r"(?<![\w.])[a-z]+_\d+(?!\w)")
_LINKS: Final = ("prompt", "outline", "made_of", "original", "frame")
"""Row keys that name what a row was made from, the most exact first."""
_EXACT: Final = frozenset({"prompt", "outline", "made_of", "original"})
KINDS: Final = ("answer", "meas", "obj", "cloud", "mask", "box", "recon", "depth", "room", "frame")
"""The order in which a chain is shown."""

Row = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Node:
    """One handle: its row as logged, the call that made it, and what it was made from."""

    handle: str
    kind: str
    made_from: tuple[str, ...] = ()
    row: Row = field(default_factory=dict)
    call_id: str = ""
    tool: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """What an answer rests on. ``stated`` is false where the planner named nothing and the handles
    in its words were taken instead."""

    roots: tuple[str, ...]
    nodes: Mapping[str, Node]
    stated: bool

    def of(self, kind: str) -> tuple[Node, ...]:
        """The nodes of one kind, in the order of the log."""
        return tuple(node for node in self.nodes.values() if node.kind == kind)

    @property
    def reaches_frames(self) -> bool:
        """Whether any pixels were reached."""
        return any(node.kind == "frame" for node in self.nodes.values())

    @property
    def reaches_outlines(self) -> bool:
        """Whether boxes or masks were reached."""
        return any(node.kind in ("box", "mask") for node in self.nodes.values())


def chain(episode: Episode) -> Chain:
    """The chain of an episode's answer; empty where there is none or it rests on nothing."""
    graph = nodes(episode)
    given = episode.given
    if given is None:
        return Chain((), {}, False)
    roots = tuple(handle for handle in given.sources if handle in graph)
    stated = bool(given.sources)
    if not stated:
        roots = tuple(dict.fromkeys(h for h in _HANDLE.findall(given.text) if h in graph))
    return Chain(roots, reached(graph, roots), stated)


def reached(graph: Mapping[str, Node], roots: Iterable[str]) -> dict[str, Node]:
    """Every node that ``roots`` rest on, themselves included, in the order of the log."""
    found: dict[str, Node] = {}
    waiting = list(roots)
    while waiting:
        handle = waiting.pop(0)
        if handle in found or handle not in graph:
            continue
        found[handle] = graph[handle]
        waiting.extend(graph[handle].made_from)
    return {handle: graph[handle] for handle in graph if handle in found}


def nodes(episode: Episode) -> dict[str, Node]:
    """Every handle of an episode's last attempt."""
    graph = {
        f"frame_{k}": Node(f"frame_{k}", "frame", row={"sha256": sha256})
        for k, sha256 in enumerate(episode.started.frames)
    }
    for outcome in episode.outcomes:
        if outcome.status is ToolStatus.OK:
            _add(graph, outcome)
    return graph


def _add(graph: dict[str, Node], outcome: ToolOutcome) -> None:
    rows = {str(row["handle"]): row for row in rows_of(outcome.data)}
    for handle in outcome.handles:
        row = rows.get(handle, {})
        linked = tuple(dict.fromkeys(_links(row)))
        exact = any(row.get(key) for key in _EXACT)
        sources = outcome.sources
        if handle == outcome.handles[-1] and handle not in rows and len(outcome.handles) > 1:
            linked, exact = outcome.handles[:-1], True  # a group: what was made beside it
        elif not row and not outcome.sources:
            linked = tuple(text for text in _texts(outcome.data) if text in graph)
        made_from = linked if exact or (linked and "box" in row) else (*linked, *sources)
        kind = handle.rpartition("_")[0]
        known = tuple(dict.fromkeys(name for name in made_from if name != handle))
        graph[handle] = Node(handle, kind, known, row, outcome.call_id, outcome.name)


def rows_of(data: JsonValue) -> Iterator[Row]:
    """The rows with handles in a result's data, wherever they stand."""
    if isinstance(data, list):
        for item in data:
            yield from rows_of(item)
    elif isinstance(data, dict):
        if isinstance(data.get("handle"), str):
            yield data
        for value in data.values():
            if isinstance(value, (list, dict)):
                yield from rows_of(value)


def _links(row: Row) -> Iterator[str]:
    for key in _LINKS:
        value = row.get(key)
        if isinstance(value, str) and value:
            yield value
        elif isinstance(value, list):
            yield from (name for name in value if isinstance(name, str))
        if value and key in _EXACT:
            return


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def box_of(row: Row) -> tuple[float, float, float, float] | None:
    """The pixel box of a row (left, top, right, bottom), if it has one."""
    edges = row.get("box")
    if not isinstance(edges, list):
        return None
    numbers = [float(edge) for edge in edges if isinstance(edge, (int, float))]
    return (numbers[0], numbers[1], numbers[2], numbers[3]) if len(numbers) == 4 else None

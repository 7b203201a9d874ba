"""The program inside the wall: runs cells, one after another, and asks the host for tools.

It knows nothing of the rest of the package and imports only the standard library and numpy. It
speaks JSON, one object a line: what it reads comes from the host, what it writes the host takes for
hostile. Its own promises (few files open, so much memory) only make failures clean; the wall is
what holds.

::

    < {"op": "start", "tools": [{"name": "count", "arguments": ["objects"], "help": "…"}], …}
    > {"op": "ready", "holes": []}
    < {"op": "run", "code": "count(['obj_1'])"}
    > {"op": "call", "cell": 1, "name": "count", "arguments": {"objects": […]}}
    < {"status": "ok", "text": "…", "data": {…}, "handles": [], "number": 1}
    > {"op": "done", "cell": 1, "output": "", "value": "…", "error": "", "answer": null, …}
"""

from __future__ import annotations

import ast
import bisect
import cmath
import collections
import datetime
import fractions
import functools
import itertools
import json
import linecache
import math
import os
import random
import re
import resource
import socket
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.random

_GIVEN = {
    "np": np, "math": math, "itertools": itertools, "collections": collections, "re": re,
    "functools": functools, "statistics": statistics, "random": random, "json": json,
}  # fmt: skip
_LAZY = (bisect, cmath, datetime, fractions, linecache)
"""Loaded before the first cell, so that a cell may import them."""
_HEAD, _TAIL, _VALUE, _ANSWER = 1000, 3000, 2000, 100_000


class ToolMistake(Exception):
    """A tool could not carry out a call; the text says what to change."""


class _Answered(BaseException):
    """Leaves a cell that has answered."""


class CellRow(dict[str, Any]):
    """A row of a result: its fields are attributes and keys."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            known = ", ".join(self) or "none"
            raise AttributeError(f"there is no {name!r} here; the fields: {known}") from None


class Result:
    """What a tool said: ``text``, ``handles`` that it made, and the fields of its data; iterating
    gives its rows, or its objects."""

    def __init__(self, reply: Mapping[str, Any]) -> None:
        self.text: str = reply["text"]
        self.handles: list[str] = list(reply["handles"])
        self.number: int = reply["number"]
        self.data: Any = records(reply["data"])

    def __getattr__(self, name: str) -> Any:
        if not isinstance(self.data, CellRow):
            raise AttributeError(f"there is no {name!r}: this result is rows; iterate over it")
        return getattr(self.data, name)

    def __getitem__(self, key: Any) -> Any:
        return self._rows()[key] if isinstance(key, int | slice) else self.data[key]

    def __iter__(self) -> Any:
        return iter(self._rows())

    def __len__(self) -> int:
        return len(self._rows())

    def __bool__(self) -> bool:
        return True

    def _rows(self) -> list[Any]:
        if isinstance(self.data, CellRow):
            return next((one for one in self.data.values() if isinstance(one, list)), [])
        return self.data if isinstance(self.data, list) else []

    def __repr__(self) -> str:
        return self.text


class _Output:
    """Printed text: its beginning and its end."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self._head, self._tail, self._length = "", "", 0

    def write(self, text: str) -> int:
        self._length += len(text)
        left = text
        if len(self._head) < _HEAD:
            room = _HEAD - len(self._head)
            self._head, left = self._head + text[:room], text[room:]
        self._tail = (self._tail + left)[-_TAIL:] if left else self._tail
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""

    def isatty(self) -> bool:
        return False

    def take(self) -> str:
        dropped = self._length - len(self._head) - len(self._tail)
        middle = f"\n[{dropped} characters left out]\n" if dropped > 0 else ""
        text = self._head + middle + self._tail
        self._head, self._tail, self._length = "", "", 0
        return text


class _Host:
    """The pipe to whoever runs us."""

    def __init__(self) -> None:
        self._reading = os.fdopen(os.dup(0), "rb")
        self._writing = os.dup(1)

    def send(self, message: Mapping[str, Any]) -> None:
        data = json.dumps(message, allow_nan=False).encode() + b"\n"
        while data:
            data = data[os.write(self._writing, data) :]

    def receive(self) -> dict[str, Any]:
        line = self._reading.readline()
        if not line:
            os._exit(0)
        message: dict[str, Any] = json.loads(line)
        return message


def plain(value: Any) -> Any:
    """A value as JSON has it; rows and results stand for their handles."""
    if isinstance(value, str):
        return _sound(value)
    if isinstance(value, Result):
        one = value.data.get("handle") if isinstance(value.data, CellRow) else None
        return one if isinstance(one, str) else value.handles
    if isinstance(value, dict):
        if isinstance(value.get("handle"), str):
            return value["handle"]
        return {_sound(str(key)): plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple | set | frozenset | range):
        return [plain(one) for one in (sorted(value) if isinstance(value, set) else value)]
    return value


def records(value: Any) -> Any:
    """JSON with its objects as `CellRow`."""
    if isinstance(value, dict):
        return CellRow({key: records(one) for key, one in value.items()})
    return [records(one) for one in value] if isinstance(value, list) else value


class Kernel:
    """The names of an episode, and the cells that are run in them."""

    def __init__(self, host: _Host) -> None:
        self._host = host
        self._output = _Output()
        self._names: dict[str, Any] = {"__name__": "cells", "ToolMistake": ToolMistake, **_GIVEN}
        self._answer: dict[str, Any] | None = None
        self._shown: list[int] = []
        self._cells = 0

    def start(self, message: Mapping[str, Any]) -> None:
        """Make the tools' functions."""
        for tool in message["tools"]:
            self._names[tool["name"]] = self._function(tool)
        self._names |= {"FRAMES": message["frames"], "answer": self.answer, "show": self.show}
        random.seed(0)
        np.random.seed(0)
        sys.stdin = None

    def answer(self, text: Any, because: Sequence[Any] = ()) -> NoReturn:
        """End the episode."""
        handles = [because] if isinstance(because, str | dict) else because
        said = plain(text)
        said = said if isinstance(said, str) else json.dumps(said)
        if len(said) > _ANSWER:
            raise ToolMistake(f"an answer has at most {_ANSWER} characters")
        self._answer = {"text": said, "because": [str(plain(one)) for one in handles]}
        raise _Answered

    def show(self, *results: Result) -> None:
        """Look at the pictures of results after this cell."""
        self._shown += [one.number for one in results]

    def _function(self, tool: Mapping[str, Any]) -> Callable[..., Result]:
        names = tool["arguments"]

        def call(*values: Any, **named: Any) -> Result:
            if len(values) > len(names):
                raise ToolMistake(f"{tool['name']} takes: {', '.join(names) or 'nothing'}")
            given = dict(zip(names, values, strict=False))
            return self._call(tool["name"], plain_arguments(given | named))

        call.__name__ = call.__qualname__ = tool["name"]
        call.__doc__ = tool["help"]
        return call

    def _call(self, name: str, arguments: dict[str, Any]) -> Result:
        self._host.send({"op": "call", "cell": self._cells, "name": name, "arguments": arguments})
        reply = self._host.receive()
        if reply["status"] != "ok":
            raise ToolMistake(reply["text"])
        return Result(reply)

    def run(self, code: str) -> dict[str, Any]:
        """Run one cell; what it printed, its last value, and how it ended."""
        self._answer, self._shown, before = None, [], set(self._names)
        self._cells += 1
        sys.stdout = sys.stderr = self._output  # a cell before may have put its own there
        file = f"cell {self._cells}"
        value, error, line = "", "", 0
        try:
            value = self._execute(code, file)
        except _Answered:
            pass
        except BaseException as wrong:  # noqa: BLE001 - the kernel outlives what a cell raises
            error, line = _told(wrong), _line(wrong, file)
        new = (n for n in self._names if n not in before and not n.startswith("_"))
        made = [_sound(name) for name in new]
        return {
            "op": "done", "cell": self._cells, "output": _sound(self._output.take()),
            "value": _sound(value[:_VALUE]), "error": _sound(error), "line": line,
            "answer": self._answer, "shown": self._shown, "made": made[:40],
        }  # fmt: skip

    def _execute(self, code: str, file: str) -> str:
        tree = ast.parse(code, file)
        last = tree.body[-1] if tree.body else None
        if isinstance(last, ast.Expr):
            tree.body.pop()
        exec(compile(tree, file, "exec"), self._names)
        if not isinstance(last, ast.Expr):
            return ""
        value = eval(compile(ast.Expression(last.value), file, "eval"), self._names)
        return "" if value is None else repr(value)


def plain_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as JSON; `ToolMistake` for a value that JSON has no form for."""
    made = {name: plain(value) for name, value in given.items()}
    try:
        json.dumps(made, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ToolMistake(f"an argument cannot be sent to a tool: {error}") from None
    return made


def _sound(text: str) -> str:
    """Text that is sound UTF-8, whatever a cell made."""
    return text.encode("utf-8", "replace").decode()


def _told(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"[:800]
    except BaseException:  # noqa: BLE001 - a cell's own exceptions run a cell's own code
        return type(error).__name__


def _line(error: BaseException, file: str) -> int:
    """The line of the cell that went wrong; 0 where that is not known."""
    if isinstance(error, SyntaxError):
        return error.lineno or 0
    found, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def bound(message: Mapping[str, Any]) -> None:
    """Hold this process to its bounds, for good."""
    for what, most in (
        (resource.RLIMIT_AS, message["memory"]),
        (resource.RLIMIT_CPU, message["cpu"]),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        resource.setrlimit(what, (most, most))


def holes() -> list[str]:
    """What a cell could do that it must not: tried before the first cell."""
    tries: dict[str, Callable[[], Any]] = {
        "open a socket": socket.socket,
        "start a process": os.fork,
        "write a file": lambda: Path("/tmp/hole").touch(),
        "read the host's files": lambda: os.scandir("/etc"),
        "see other processes": lambda: os.scandir("/proc"),
        "read the environment": lambda: os.environ["HOME"],
    }
    open_holes = []
    for name, attempt in tries.items():
        try:
            attempt()
        except (OSError, KeyError):
            continue
        open_holes.append(name)
    return open_holes


def main() -> None:
    """Serve the host until it closes the pipe."""
    host = _Host()
    kernel = Kernel(host)
    first = host.receive()
    bound(first)
    kernel.start(first)
    host.send({"op": "ready", "holes": holes()})
    while True:
        host.send(kernel.run(host.receive()["code"]))


if __name__ == "__main__":
    main()

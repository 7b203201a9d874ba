"""A rehearsal server in a process of its own, so that its CPU time is not the caller's."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from tests.support.mock_endpoint import RehearsalServer, Script


@contextmanager
def served(factory: Callable[..., Script], *arguments: Any) -> Iterator[str]:
    """Base URL of a server that plays ``factory(*arguments)``; both must be importable."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, factory, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()
        ours.close()


def _serve(pipe: Connection, factory: Callable[..., Script], arguments: tuple[Any, ...]) -> None:
    asyncio.run(RehearsalServer(factory(*arguments), keep=False).serve(pipe.send))

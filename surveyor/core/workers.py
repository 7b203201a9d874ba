"""Processes of ours: how they are started, and that they do not outlive their parent."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from typing import TypeVar

from surveyor.core.errors import InfrastructureError

_LOG = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")


def python_module(module: str, *arguments: str, python: str | None = None) -> list[str]:
    """The command that runs a module of this package in a new interpreter.

    ``-P``: the folder in which the user stands must not lend its modules to our processes.
    """
    return [python or sys.executable, "-P", "-m", module, *arguments]


def end_with_parent() -> None:
    """Call in a worker of `multiprocessing` (a pool's ``initializer``): it ends as soon as its
    parent has, also by ``kill -9``; left alone it would finish what was queued, and write it."""
    parent = parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def in_processes(
    work: Callable[[T], R], items: Sequence[T], workers: int
) -> Generator[R, None, None]:
    """``work`` on every item in ``workers`` processes, results in order.

    Close it (`contextlib.closing`) where what uses the results may be interrupted between two.

    Ctrl-C is the parent's: what is being worked on is finished, the rest is dropped; a second one
    drops that too. Raises what ``work`` raises, and `InfrastructureError` when a process was
    killed.
    """
    if not items:
        return
    pool = ProcessPoolExecutor(min(workers, len(items)), get_context("spawn"), _begin)
    try:
        yield from pool.map(work, items)
    except (KeyboardInterrupt, GeneratorExit):
        _LOG.warning("stopping: what is begun is finished first; Ctrl-C again drops it")
        raise
    except BrokenProcessPool:
        raise InfrastructureError(
            "a process of ours was killed, perhaps for its memory; run the same command again"
        ) from None
    finally:
        try:
            pool.shutdown(cancel_futures=True)
        except KeyboardInterrupt:
            for worker in active_children():
                worker.kill()
            raise


def _begin() -> None:
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)

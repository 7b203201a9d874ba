"""Processes of ours: how they are started, and that they do not outlive their parent."""

from __future__ import annotations

import os
import sys
import threading
from multiprocessing import parent_process


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

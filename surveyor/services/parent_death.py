"""A pipe that tells a child that its parent has gone, however the parent ended.

The parent keeps the write end and never writes; the kernel closes it when the parent dies, even
by ``kill -9``, and the child reads end-of-file. Works wherever there are pipes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable


class ParentDeathPipe:
    """The parent's end; give ``child_end`` to children with ``pass_fds``."""

    def __init__(self) -> None:
        self.child_end, self._parent_end = os.pipe()

    def cut(self) -> None:
        """Let the children go."""
        for descriptor in (self.child_end, self._parent_end):
            os.close(descriptor)


def watch(descriptor: int, on_end: Callable[[], None]) -> None:
    """In the child: call ``on_end`` from a thread once the parent is gone."""

    def wait() -> None:
        while os.read(descriptor, 1):
            pass
        on_end()

    threading.Thread(target=wait, name="parent_death_pipe", daemon=True).start()

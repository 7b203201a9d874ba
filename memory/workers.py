"""Worker processes that do not outlive the one that started them."""

from __future__ import annotations

import os
import threading
from multiprocessing import parent_process


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

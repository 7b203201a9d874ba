"""Keeps the shared blob folder within its quota: the blobs that were written longest ago go first.

A client that still needs one PUTs it again when it is told ``blob_not_found``, or asks again.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

YOUNG = 600.0  # seconds during which a blob is spared: its answer may not have been fetched yet
_KEEP = 0.9  # of the quota, so that not every blob starts a clean-up


def trim(root: Path, quota: int, *, now: float | None = None) -> int:
    """Delete the oldest files under ``root`` until they fit; bytes that were freed.

    Young ones go last and only as far as the quota demands, not to make room for more. What was
    written in the future was written before the clock was set back: that is old.
    """
    now = time.time() if now is None else now
    files = sorted(
        (written if written < now + YOUNG else 0.0, size, path)
        for written, size, path in _files(root)
    )
    total = sum(size for _, size, _ in files)
    if total <= quota:
        return 0
    newest = now - YOUNG
    freed = 0
    for written, size, path in files:
        if total - freed <= (quota if written > newest else _KEEP * quota):
            break
        with contextlib.suppress(OSError):
            path.unlink()
            freed += size
    return freed


def _files(root: Path) -> list[tuple[float, int, Path]]:
    """(time of writing, bytes, path) of everything that is there now."""
    found = []
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            with contextlib.suppress(OSError):
                told = path.stat()
                found.append((told.st_mtime, told.st_size, path))
    return found

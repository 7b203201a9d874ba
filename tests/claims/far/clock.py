"""A wall clock that can be set while programs run: their monotonic clocks go on, as after NTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LIBRARY = "faketime/libfaketimeMT.so.1"
HOUR = 3600


def library() -> Path | None:
    """Debian's libfaketime; ``None`` when it is not installed."""
    return next(Path("/usr/lib").glob(f"*/{_LIBRARY}"), None)


class Clock:
    """What processes that were started under `wall_clock` take for the time of day."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.set(0)

    def set(self, seconds: int) -> None:
        """They are ``seconds`` ahead (behind, when negative) of the truth, within a second."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.replace(self._path)


@contextmanager
def wall_clock(path: Path) -> Iterator[Clock | None]:
    """Processes started within follow the clock that is kept at ``path``; ``None`` without
    libfaketime. Files keep their true times, so that a clock set back finds some in the future."""
    preload = library()
    if preload is None:
        yield None
        return
    clock = Clock(path)
    added = {
        "LD_PRELOAD": str(preload),
        "FAKETIME_TIMESTAMP_FILE": str(path),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        yield clock
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

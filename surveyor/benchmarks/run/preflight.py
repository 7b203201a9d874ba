"""Whether a run can be written where it is to go, asked before anything is made."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from surveyor.core.errors import UserError
from surveyor.core.paths import refuse_url

LEAST_ROOM = 32 * 2**20
"""Bytes that must be free: logs are small, but experts of one scene write some megabytes."""


def check_place(folder: Path, advice: str = "choose another place with --out") -> None:
    """Raises `UserError` when ``folder`` is a URL, a file, read-only or full, or below such."""
    refuse_url(folder)
    for place in {folder, folder.parent}:
        _check(_nearest(place), advice)


def _nearest(place: Path) -> Path:
    """The place itself, or the first above it that exists, be it a folder or a file."""
    absolute = place.absolute()
    return next(one for one in (absolute, *absolute.parents) if os.path.lexists(one))


def _check(place: Path, advice: str) -> None:
    if not place.is_dir():
        raise UserError(f"{place} is a file and no folder; {advice}")
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".surveyor-") as probe:
            probe.write(bytes(4096))
            probe.flush()
        free = shutil.disk_usage(place).free
    except OSError as error:
        raise UserError(f"cannot write to {place}: {error.strerror}; {advice}") from None
    if free < LEAST_ROOM:
        raise UserError(
            f"only {free / 2**20:.1f} MiB are free at {place}; make room (a run wants "
            f"{LEAST_ROOM // 2**20}) or {advice}"
        )

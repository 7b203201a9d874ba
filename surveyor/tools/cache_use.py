"""What the cache of expert answers holds, and how it is emptied."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from surveyor.core.errors import InfrastructureError

ANSWERS = "answers.sqlite"
BLOBS = "blobs"
EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class CacheUse:
    """``answers``: number and bytes of the answers of each expert, by name; ``blobs`` and
    ``blob_bytes``: the arrays and images that they refer to. ``evidence`` and ``evidence_bytes``:
    what was lifted and fused from them."""

    answers: dict[str, tuple[int, int]]
    blobs: int
    blob_bytes: int
    evidence: int = 0
    evidence_bytes: int = 0


def cache_use(folder: Path) -> CacheUse:
    """What lies in a cache folder, which need not exist.

    Raises `InfrastructureError` when the file of answers cannot be read.
    """
    query = "SELECT expert, COUNT(*), SUM(LENGTH(body)) FROM answers GROUP BY expert"
    answers = {name: (count, size) for name, count, size in _rows(folder / ANSWERS, query)}
    blobs, evidence = (_sizes(folder / name) for name in (BLOBS, EVIDENCE))
    return CacheUse(answers, len(blobs), sum(blobs), len(evidence), sum(evidence))


def clear_cache(folder: Path) -> None:
    """Forget every answer and its blobs. A run that is going on asks its experts again.

    Whatever else lies in the folder stays. Raises `InfrastructureError` when something cannot be
    removed.
    """
    file = folder / ANSWERS
    try:
        # Rows are deleted, not the file: other processes may have it open.
        _rows(file, "DELETE FROM answers")
        _rows(file, "VACUUM")
    except InfrastructureError:
        for path in folder.glob(f"{ANSWERS}*"):
            path.unlink(missing_ok=True)
    try:
        for path in folder.glob(f"{ANSWERS}.damaged*"):
            path.unlink(missing_ok=True)
        for name in (BLOBS, EVIDENCE):
            with suppress(FileNotFoundError):
                shutil.rmtree(folder / name)
    except OSError as error:
        raise InfrastructureError(f"cannot empty the cache {folder}: {error}") from error


def _sizes(folder: Path) -> list[int]:
    return [path.stat().st_size for path in folder.rglob("*") if path.is_file()]


def _rows(file: Path, statement: str) -> list[tuple[str, int, int]]:
    if not file.exists():
        return []
    try:
        with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as connection:
            return connection.execute(statement).fetchall()
    except sqlite3.Error as error:
        raise InfrastructureError(f"cannot read the result cache {file}: {error}") from error

"""Answers of experts, kept by what was asked of whom.

The key covers the expert, its version, the hash of its weights, the contract version and the
canonical request, whose images are given by hash; so equal keys mean equal answers, and a second
question, a second model or a second run pays nothing. Rows are bytes of JSON in one SQLite file
(WAL, safe for several processes); the blobs they name lie in the blob store.
"""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import orjson
from pydantic import BaseModel, JsonValue

from surveyor.core.blobs import sha256_of
from surveyor.core.errors import InfrastructureError
from surveyor.services.contract import Info

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    expert TEXT NOT NULL,
    version TEXT NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID
"""


def cache_key(info: Info, request: BaseModel) -> str:
    """Hash of everything that an answer depends on.

    Images sent inline are replaced by the hash of their data, so both forms of one request are
    told apart only by what they show.
    """
    asked = {
        "contract": info.contract,
        "expert": info.expert,
        "producer": info.producer.model_dump(include={"name", "version", "weights", "backend"}),
        "model": [info.model, info.revision, info.preset],
        "request": _by_hash(request.model_dump(mode="json", exclude_none=True)),
    }
    return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _by_hash(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        if set(value) == {"data", "media_type"} and isinstance(value["data"], str):
            return {"inline": sha256_of(value["data"].encode())}
        return {name: _by_hash(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_by_hash(item) for item in value]
    return value


class ResultCache:
    """A persistent map from key to answer bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # One connection, used from the event loop's thread alone; autocommit keeps every
            # write its own short transaction.
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise InfrastructureError(f"cannot open the result cache {path}: {error}") from error

    def get(self, key: str) -> bytes | None:
        """The stored body, or ``None``."""
        try:
            row = self._db.execute("SELECT body FROM answers WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            raise InfrastructureError(f"cannot read {self.path}: {error}") from error
        return None if row is None else bytes(row[0])

    def put(self, key: str, expert: str, version: str, body: bytes) -> None:
        """Remember ``body``; a key that exists keeps its first answer."""
        try:
            self._db.execute(
                "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?)", (key, expert, version, body)
            )
        except sqlite3.Error as error:
            raise InfrastructureError(f"cannot write {self.path}: {error}") from error

    def forget(self, key: str) -> None:
        """Drop one row, for instance because its blobs are gone."""
        self._db.execute("DELETE FROM answers WHERE key = ?", (key,))

    def __len__(self) -> int:
        (count,) = self._db.execute("SELECT COUNT(*) FROM answers").fetchone()
        return int(count)

    def close(self) -> None:
        """Close the file; later calls fail."""
        self._db.close()

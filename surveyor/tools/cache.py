"""Answers of experts, kept by what was asked of whom.

The key covers the expert, its version, the hash of its weights, the contract version and the
canonical request, whose images are given by hash; so equal keys mean equal answers, and a second
question, a second model or a second run pays nothing. Rows are bytes of JSON in one SQLite file
(WAL, safe for several processes); the blobs they name lie in the blob store.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import BaseModel, JsonValue

from surveyor.core.blobs import sha256_of
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.services.contract import Info

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    expert TEXT NOT NULL,
    version TEXT NOT NULL,
    body BLOB NOT NULL,
    digest BLOB
) WITHOUT ROWID
"""
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LOG = logging.getLogger("surveyor.cache")

Found = TypeVar("Found")


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
    """A persistent map from key to answer bytes, which may forget but never lies or stops a run.

    A row whose bytes are not those that were put is none. A file that SQLite cannot read any more
    is renamed to ``<name>.damaged``, told of once in the log, and begun again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db, self._inode = self._open()
        except sqlite3.Error as error:
            if not _is_damage(error):
                raise self._trouble("open", error) from error
            self._set_aside(error)

    def get(self, key: str) -> bytes | None:
        """The stored body, or ``None``."""
        query = "SELECT body, digest FROM answers WHERE key = ?"
        row = self._tried("read", lambda: self._db.execute(query, (key,)).fetchone())
        if row is None:
            return None
        body, digest = row
        if not isinstance(body, bytes) or digest not in (None, _digest(body)):  # None: older row
            self.forget(key)
            return None
        return body

    def put(self, key: str, expert: str, version: str, body: bytes) -> None:
        """Remember ``body``; a key that exists keeps its first answer."""
        insert = (
            "INSERT OR IGNORE INTO answers (key, expert, version, body, digest) "
            "VALUES (?, ?, ?, ?, ?)"
        )
        row = (key, expert, version, body, _digest(body))
        self._tried("write", lambda: self._db.execute(insert, row), again=True)

    def forget(self, key: str) -> None:
        """Drop one row, for instance because its blobs are gone."""
        delete = "DELETE FROM answers WHERE key = ?"
        self._tried("write", lambda: self._db.execute(delete, (key,)))

    def __len__(self) -> int:
        row = self._tried(
            "read", lambda: self._db.execute("SELECT COUNT(*) FROM answers").fetchone()
        )
        return 0 if row is None else int(row[0])

    def close(self) -> None:
        """Close the file; later calls fail."""
        self._db.close()

    def _open(self) -> tuple[sqlite3.Connection, int]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"cannot make {self.path.parent}: {error.strerror}; choose another place with "
                "SURVEYOR_CACHE"
            ) from None
        # One connection, used from the event loop's thread alone; autocommit keeps every write
        # its own short transaction.
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(_SCHEMA)
            columns = {row[1] for row in connection.execute("PRAGMA table_info(answers)")}
            if "digest" not in columns:
                with suppress(sqlite3.OperationalError):  # another process has just added it
                    connection.execute("ALTER TABLE answers ADD COLUMN digest BLOB")
            return connection, self.path.stat().st_ino
        except BaseException:
            connection.close()
            raise

    def _tried(self, what: str, step: Callable[[], Found], *, again: bool = False) -> Found | None:
        """What a step gives; where it met damage ``None``, or what it gives ``again`` after."""
        try:
            return step()
        except sqlite3.Error as error:
            if not _is_damage(error):
                raise self._trouble(what, error) from error
            self._set_aside(error)
        return self._tried(what, step) if again else None

    def _set_aside(self, error: sqlite3.Error) -> None:
        """Begin again with an empty file, unless another process already has."""
        try:
            if hasattr(self, "_db"):
                self._db.close()
            if not hasattr(self, "_db") or self._inode == self.path.stat().st_ino:
                aside = self.path.with_name(self.path.name + ".damaged")
                for end in ("", "-wal", "-shm"):
                    with suppress(FileNotFoundError):
                        self.path.with_name(self.path.name + end).replace(f"{aside}{end}")
                _LOG.warning(
                    "%s was damaged (%s); it is now %s, and answers are collected anew",
                    *(self.path, error, aside.name),
                )
            self._db, self._inode = self._open()
        except (OSError, sqlite3.Error) as trouble:
            raise self._trouble("replace", trouble) from trouble

    def _trouble(self, what: str, error: Exception) -> InfrastructureError:
        return InfrastructureError(f"cannot {what} the result cache {self.path}: {error}")


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def _is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is at fault, not the disk, a lock or the statement."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in _DAMAGE or code == sqlite3.SQLITE_IOERR_SHORT_READ

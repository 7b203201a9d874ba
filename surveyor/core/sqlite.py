"""SQLite as several processes can share it: WAL, short immediate transactions, no silent rebirth.

A database file is created under a temporary name and linked into place complete, so a file that
exists always carries its schema. A file that does not (truncated, overwritten, another
application's) is refused by name: SQLite itself would take an empty file for a new database and
lose a library without a word.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from surveyor.core.errors import InfrastructureError, UserError

BUSY_SECONDS = 60.0
"""How long a writer waits for another one before it gives up."""

_MOST_LINES = 1_000_000


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database file must be: ``application`` is SQLite's application id, ``version`` its
    user version, ``script`` the statements that make an empty one."""

    name: str
    application: int
    version: int
    script: str


class _Cursor(sqlite3.Cursor):
    """A cursor that names the file when a page of it turns out to be damaged."""

    connection: _Connection

    def execute(self, *given: Any) -> Self:
        try:
            return super().execute(*given)
        except sqlite3.DatabaseError as error:
            raise self.connection.named(error) from None

    def executemany(self, *given: Any) -> Self:
        try:
            return super().executemany(*given)
        except sqlite3.DatabaseError as error:
            raise self.connection.named(error) from None

    def fetchone(self) -> Any:
        try:
            return super().fetchone()
        except sqlite3.DatabaseError as error:
            raise self.connection.named(error) from None

    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        except sqlite3.DatabaseError as error:
            raise self.connection.named(error) from None

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except sqlite3.DatabaseError as error:
            raise self.connection.named(error) from None


class _Connection(sqlite3.Connection):
    """A connection that knows what it is connected to."""

    path: Path
    schema: Schema

    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)

    def execute(self, *given: Any) -> Any:
        return self.cursor().execute(*given)

    def executemany(self, *given: Any) -> Any:
        return self.cursor().executemany(*given)

    def named(self, error: sqlite3.DatabaseError) -> Exception:
        """The error to raise: subclasses are other troubles (locks, constraints) and stay."""
        if type(error) is not sqlite3.DatabaseError:
            return error
        return _refusal(self.path, self.schema, str(error))


class Database:
    """A store over one connection; close it, or use it as a context manager."""

    _db: sqlite3.Connection

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def connect(path: Path, schema: Schema, *, read_only: bool = False) -> sqlite3.Connection:
    """Open ``path``, creating it complete when it does not exist.

    A read-only connection opens the file as immutable: it takes no lock, makes no ``-wal`` file
    and changes no byte. Raises `UserError` when the file is missing (read only), damaged, or of
    another kind or version.
    """
    if not path.exists():
        if read_only:
            raise UserError(f"there is no {schema.name} at {path}")
        _create(path, schema)
    size = path.stat().st_size  # before SQLite looks, which may grow it from the log
    try:
        connection = _open(path, schema, read_only=read_only)
        _check(connection, path, schema, size)
    except sqlite3.DatabaseError as error:
        raise _refusal(path, schema, str(error)) from None
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One immediate write transaction: all of it or nothing, readers never blocked.

    Raises `InfrastructureError` when the disk is full or another writer held the file for longer
    than `BUSY_SECONDS`.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        _roll_back(connection)
        raise InfrastructureError(f"the database could not be written: {error}") from error
    except BaseException:
        _roll_back(connection)
        raise


def quoted_terms(words: Iterator[str] | list[str] | tuple[str, ...]) -> str:
    """An FTS5 query matching any of ``words``, each quoted so that none is read as syntax."""
    return " OR ".join('"' + word.replace('"', '""') + '"' for word in words if word)


def _open(path: Path, schema: Schema, *, read_only: bool) -> sqlite3.Connection:
    mode = "mode=ro&immutable=1" if read_only else "mode=rw"
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?{mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        factory=_Connection,
    )
    connection.path, connection.schema = path, schema
    if not read_only:
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
    return connection


def _create(path: Path, schema: Schema) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    except OSError as error:
        raise UserError(
            f"{path} cannot be made ({error.strerror}); choose another place for it"
        ) from None
    os.close(handle)
    temporary = Path(name)
    try:
        with closing(sqlite3.connect(temporary, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(schema.script)
            connection.execute(f"PRAGMA application_id={schema.application}")
            connection.execute(f"PRAGMA user_version={schema.version}")
        # A link instead of a rename: of two processes creating the file, the first one wins.
        path.hardlink_to(temporary)
    except FileExistsError:
        pass
    except (OSError, sqlite3.OperationalError) as error:
        raise InfrastructureError(f"cannot create {path}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _check(connection: sqlite3.Connection, path: Path, schema: Schema, size: int) -> None:
    """Refuse what isn't ours or isn't whole. ``size`` is that of the file before it was opened."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != schema.application:
        raise _refusal(path, schema, "its header is not ours")
    if version > schema.version:
        raise UserError(f"{path} was written by a newer Surveyor (version {version}); upgrade")
    if version < schema.version:
        raise UserError(f"{path} has version {version}, this Surveyor needs {schema.version}")
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    page = connection.execute("PRAGMA page_size").fetchone()[0]
    if size < pages * page and not _rest_elsewhere(connection, path, pages * page):
        raise _refusal(path, schema, "it was truncated")
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _rest_elsewhere(connection: sqlite3.Connection, path: Path, whole: int) -> bool:
    """Whether the pages that the file lacked stand in its write-ahead log, as they do while others
    write and after a writer was killed, or were moved from there into the file since it was
    measured; only then a look at every page is worth its time."""
    log = path.with_name(path.name + "-wal")
    logged = log.exists() and log.stat().st_size > 0
    if not logged and path.stat().st_size < whole:
        return False
    told = (line for (line,) in connection.execute(f"PRAGMA quick_check({_MOST_LINES})"))
    # In tables without rowid SQLite 3.40 mistakes columns and finds NULLs that are not there.
    return all(line == "ok" or line.startswith("NULL value in ") for line in told)


def _refusal(path: Path, schema: Schema, why: str) -> UserError:
    return UserError(f"{path} is not a readable {schema.name} ({why}); restore it from a copy")


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")

"""A database is whole wherever its pages stand, and refused when some are gone."""

from __future__ import annotations

import os
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest

from surveyor.core.errors import UserError
from surveyor.core.sqlite import Schema, connect, transaction
from surveyor.skills.builtin import add_builtin
from surveyor.skills.store import SkillStore

SCHEMA = Schema("notebook", application=7, version=1, script="CREATE TABLE notes (text TEXT)")


def write(path: Path, rows: int = 400) -> None:
    with closing(connect(path, SCHEMA)) as db, transaction(db):
        db.executemany("INSERT INTO notes VALUES (?)", [("x" * 200,)] * rows)


def write_often(path: Path, times: int) -> None:
    for _ in range(times):
        write(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "notes.sqlite"
    write(place)
    return place


def test_opening_while_others_write_and_close_never_refuses(path: Path) -> None:
    """A last close moves pages from the log into the file, between any two looks at it."""
    writer = get_context("spawn").Process(target=write_often, args=(path, 60))
    writer.start()
    seen = 0
    while writer.is_alive():
        with closing(connect(path, SCHEMA)) as db:
            now = db.execute("SELECT count(*) FROM notes").fetchone()[0]
        assert now >= seen
        seen = now
    writer.join()
    assert writer.exitcode == 0
    with closing(connect(path, SCHEMA)) as db:
        assert db.execute("SELECT count(*) FROM notes").fetchone()[0] == 61 * 400


def test_a_library_that_another_has_open_can_be_opened(tmp_path: Path) -> None:
    """Its tables stand in the log of the first; what holds no NULL isn't taken for damaged."""
    first = SkillStore(tmp_path / "skills.sqlite")
    add_builtin(first)
    second = SkillStore(tmp_path / "skills.sqlite")
    assert len(second.ids()) == len(first.ids()) > 0
    second.close()
    first.close()


def test_a_file_that_lost_pages_is_refused(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(UserError, match="notebook"):
        connect(path, SCHEMA)

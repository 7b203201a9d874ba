"""The statements that change a skill library, used inside `SkillStore.writing`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from surveyor.core.errors import UserError
from surveyor.skills.documents import SkillDocument
from surveyor.skills.entries import Entry, write_entry
from surveyor.skills.provenance import Provenance, SceneMark, Status
from surveyor.skills.stemming import stems_of
from surveyor.skills.workflow import Join


def insert_version(db: sqlite3.Connection, document: SkillDocument, provenance: Provenance) -> bool:
    """Store a version; False when it is there already (equal text is the same version)."""
    entry = Entry(
        id=0,
        name=document.name,
        version=document.version,
        status=Status.CANDIDATE,
        scope=document.scope,
        tools=document.tools,
        tokens=document.tokens,
        workflow=document.workflow.key if document.workflow else "",
        looks=document.workflow is None or document.workflow.join is not Join.TABLE,
    )
    cursor = db.execute(
        "INSERT OR IGNORE INTO versions(version, name, text, provenance, entry, index_text)"
        " VALUES(?,?,?,?,?,?)",
        (
            document.version,
            document.name,
            document.text,
            provenance.model_dump_json(),
            write_entry(entry),
            document.index_text,
        ),
    )
    if cursor.rowcount != 1:
        return False
    row = cursor.lastrowid
    types = document.scope.question_types
    db.executemany("INSERT INTO scopes(id, question_type) VALUES(?,?)", [(row, t) for t in types])
    db.execute(
        "INSERT INTO current(id, name, status, lift) VALUES(?,?,?,0)",
        (row, document.name, Status.CANDIDATE),
    )
    return True


def append_ledger(
    db: sqlite3.Connection,
    version: str,
    action: str,
    status: Status | None,
    *,
    lift: float | None = None,
    round_: int = 0,
    detail: Mapping[str, JsonValue],
) -> None:
    """Append a line and carry a change of status into the derived tables."""
    found = db.execute(
        "SELECT id, name, index_text FROM versions WHERE version=?", (version,)
    ).fetchone()
    if found is None:
        raise UserError(f"there is no skill version {version} to write about in the ledger")
    row, name, index_text = found
    db.execute(
        "INSERT INTO ledger(round, name, version, action, status, lift, detail)"
        " VALUES(?,?,?,?,?,?,?)",
        (round_, name, version, action, status, lift, json.dumps(detail, sort_keys=True)),
    )
    if lift is not None:
        db.execute("UPDATE current SET lift=? WHERE id=?", (lift, row))
    if status is None:
        return
    db.execute("DELETE FROM skill_words WHERE rowid=?", (row,))
    db.execute("UPDATE current SET status=? WHERE id=?", (status, row))
    if status is Status.ACTIVE:
        _supersede(db, row, name, round_)
        stems = " ".join(stems_of(index_text))
        db.execute("INSERT INTO skill_words(rowid, stems) VALUES(?,?)", (row, stems))


def append_round(db: sqlite3.Connection, run: str, round_: int, record: str) -> None:
    """Note that a round of an evolution is complete."""
    db.execute("INSERT INTO rounds(run, round, record) VALUES(?,?,?)", (run, round_, record))


def insert_scenes(db: sqlite3.Connection, marks: Iterable[SceneMark]) -> None:
    """Note that these scenes gave evidence."""
    for scene in marks:
        rows = [(scene.scene_id, frame) for frame in scene.frames or ("",)]
        db.executemany("INSERT OR IGNORE INTO scene_frames VALUES(?,?)", rows)


def _supersede(db: sqlite3.Connection, row: int, name: str, round_: int) -> None:
    """Retire the version of the same name that was active until now."""
    older = db.execute(
        "SELECT version FROM versions JOIN current USING(id)"
        " WHERE current.name=? AND status='active' AND id<>?",
        (name, row),
    ).fetchall()
    for (version,) in older:
        append_ledger(db, version, "superseded", Status.RETIRED, round_=round_, detail={})

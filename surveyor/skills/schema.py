"""The skill library's tables.

``versions`` and ``ledger`` are the truth and only ever grow; triggers refuse anything else.
``current``, ``skill_words`` and ``vectors`` are derived from them and kept in the same
transactions. ``scene_frames`` remembers which scenes gave evidence and what they look like,
``rounds`` which rounds of evolution are complete.
"""

from __future__ import annotations

from surveyor.core.sqlite import Schema

SCHEMA = Schema(
    name="skill library",
    application=0x53564C31,
    version=1,
    script="""
    CREATE TABLE versions(
        id INTEGER PRIMARY KEY, version TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
        text TEXT NOT NULL, provenance TEXT NOT NULL, entry TEXT NOT NULL,
        index_text TEXT NOT NULL);
    CREATE INDEX versions_by_name ON versions(name);
    CREATE TABLE ledger(
        seq INTEGER PRIMARY KEY, round INTEGER NOT NULL, name TEXT NOT NULL,
        version TEXT NOT NULL REFERENCES versions(version), action TEXT NOT NULL,
        status TEXT, lift REAL, detail TEXT NOT NULL);
    CREATE INDEX ledger_by_version ON ledger(version);
    CREATE TABLE current(
        id INTEGER PRIMARY KEY REFERENCES versions(id), name TEXT NOT NULL,
        status TEXT NOT NULL, lift REAL NOT NULL);
    CREATE INDEX current_by_status ON current(status);
    CREATE INDEX current_by_name ON current(name);
    CREATE TABLE scopes(
        id INTEGER NOT NULL REFERENCES versions(id), question_type TEXT NOT NULL,
        PRIMARY KEY(question_type, id)) WITHOUT ROWID;
    CREATE TABLE vectors(
        id INTEGER NOT NULL REFERENCES versions(id), embedder TEXT NOT NULL,
        vector BLOB NOT NULL, PRIMARY KEY(embedder, id)) WITHOUT ROWID;
    CREATE VIRTUAL TABLE skill_words USING fts5(stems);
    CREATE VIRTUAL TABLE skill_vocabulary USING fts5vocab(skill_words, 'row');
    CREATE TABLE scene_frames(
        scene_id TEXT NOT NULL, frame TEXT NOT NULL, PRIMARY KEY(scene_id, frame)) WITHOUT ROWID;
    CREATE INDEX scene_frames_by_frame ON scene_frames(frame);
    CREATE TABLE rounds(
        serial INTEGER PRIMARY KEY, run TEXT NOT NULL, round INTEGER NOT NULL,
        record TEXT NOT NULL, UNIQUE(run, round));
    CREATE TRIGGER versions_never_change BEFORE UPDATE ON versions
        BEGIN SELECT RAISE(ABORT, 'skill versions are immutable'); END;
    CREATE TRIGGER versions_never_go BEFORE DELETE ON versions
        BEGIN SELECT RAISE(ABORT, 'skill versions are never deleted'); END;
    CREATE TRIGGER ledger_never_changes BEFORE UPDATE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
    CREATE TRIGGER ledger_never_shrinks BEFORE DELETE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
    """,
)

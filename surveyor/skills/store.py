"""The skill library on disk: immutable versions and an append-only ledger in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from surveyor.core.errors import UserError
from surveyor.core.sqlite import Database, connect, transaction
from surveyor.core.wording import closest
from surveyor.skills.documents import SkillDocument, parse, version_of
from surveyor.skills.entries import Entry, LedgerRow, StoredSkill, read_entry
from surveyor.skills.provenance import Origin, Provenance, SceneMark, Status
from surveyor.skills.schema import SCHEMA
from surveyor.skills.statements import append_ledger, insert_scenes, insert_version
from surveyor.skills.stemming import match_expression, search_terms

Vectors = NDArray[np.float32]


class SkillStore(Database):
    """Versions, ledger, words and vectors; many processes may share one file.

    >>> with SkillStore(Path("out/skills.sqlite")) as library:
    ...     library.skills()
    ()
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self._db = connect(path, SCHEMA, read_only=read_only)
        self._entries: dict[int, Entry] = {}
        self._rows: dict[str, int] = {}
        self._total: int | None = None
        self._types: dict[str, bool] = {}
        self._proven: dict[tuple[str, int], tuple[int, ...]] = {}

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One write transaction over several calls of `surveyor.skills.statements`."""
        if self.read_only:
            raise UserError(f"{self.path} is read-only; snapshots are never changed")
        with transaction(self._db) as db:
            yield db
        self._entries.clear()
        self._rows.clear()
        self._total = None
        self._types.clear()
        self._proven.clear()

    def add_many(
        self,
        documents: Iterable[tuple[SkillDocument, Provenance]],
        *,
        status: Status,
        action: str,
        round_: int = 0,
        detail: Mapping[str, JsonValue] | None = None,
    ) -> None:
        """Store versions and say so in the ledger; a version that is there already is left."""
        with self.writing() as db:
            for document, provenance in documents:
                if insert_version(db, document, provenance):
                    append_ledger(
                        db, document.version, action, status, round_=round_, detail=detail or {}
                    )

    def record(
        self,
        version: str,
        action: str,
        status: Status | None = None,
        *,
        lift: float | None = None,
        round_: int = 0,
        detail: Mapping[str, JsonValue] | None = None,
    ) -> None:
        """Append one line to the ledger, changing the version's status when one is given."""
        with self.writing() as db:
            append_ledger(
                db, version, action, status, lift=lift, round_=round_, detail=detail or {}
            )

    def remember_scenes(self, marks: Iterable[SceneMark]) -> None:
        """Note that these scenes gave evidence to this library."""
        with self.writing() as db:
            insert_scenes(db, marks)

    def put_vectors(self, embedder: str, ids: Sequence[int], vectors: Vectors) -> None:
        """Keep embeddings of versions."""
        rows = [(i, embedder, v.tobytes()) for i, v in zip(ids, vectors, strict=True)]
        with self.writing() as db:
            db.executemany("INSERT OR REPLACE INTO vectors VALUES(?,?,?)", rows)

    def status(self, version: str) -> Status | None:
        """A version's status, ``None`` when it is unknown."""
        row = self._db.execute(
            "SELECT status FROM current JOIN versions USING(id) WHERE version=?", (version,)
        ).fetchone()
        return Status(row[0]) if row else None

    def get(self, version: str) -> StoredSkill:
        """One version; raises `UserError` when it is unknown or its text was damaged."""
        row = self._db.execute(
            "SELECT id, text, provenance, status, lift FROM versions JOIN current USING(id)"
            " WHERE version=?",
            (version,),
        ).fetchone()
        if row is None:
            raise UserError(f"there is no skill version {version} in {self.path}")
        if version_of(row[1]) != version:
            raise UserError(f"skill version {version} in {self.path} is damaged: its hash differs")
        provenance = Provenance.model_validate_json(row[2])
        foreign = provenance.origin in (Origin.IMPORTED, Origin.TEXTUAL)
        document = parse(row[1], f"{version}/SKILL.md", foreign=foreign)
        return StoredSkill(row[0], document, provenance, Status(row[3]), row[4])

    def find(self, name: str) -> StoredSkill:
        """The active version of this name, else its newest; a ``name@version`` is exact."""
        if "@" in name:
            return self.get(name.rpartition("@")[2])
        row = self._db.execute(
            "SELECT version FROM versions JOIN current USING(id) WHERE current.name=?"
            " ORDER BY status='active' DESC, id DESC LIMIT 1",
            (name,),
        ).fetchone()
        if row is None:
            known = [skill.document.name for skill in self.skills(None)]
            hint = closest(name, known) or "; `surveyor skills list` shows them"
            raise UserError(f"there is no skill named {name}{hint}")
        return self.get(row[0])

    def skills(self, status: Status | None = Status.ACTIVE) -> tuple[StoredSkill, ...]:
        """All versions of a status (of any, when ``None``), by name and age."""
        rows = self._db.execute(
            "SELECT version FROM versions JOIN current USING(id)"
            " WHERE ? IS NULL OR status=? ORDER BY current.name, id",
            (status, status),
        ).fetchall()
        return tuple(self.get(version) for (version,) in rows)

    def ids(self, status: Status = Status.ACTIVE) -> list[int]:
        """Row ids of all versions of a status, ascending."""
        rows = self._db.execute("SELECT id FROM current WHERE status=? ORDER BY id", (status,))
        return [row[0] for row in rows]

    def entries(self, ids: Sequence[int]) -> tuple[Entry, ...]:
        """What re-ranking needs, in the order of ``ids``; kept in memory once read."""
        missing = [i for i in ids if i not in self._entries]
        if missing:
            marks = ",".join("?" * len(missing))
            self._read_entries(f"id IN ({marks})", missing)
        return tuple([self._entries[i] for i in ids])

    def preload(self) -> None:
        """Read the entries of all active versions at once, instead of dozens at every search."""
        self._read_entries("status='active'", ())

    def _read_entries(self, where: str, given: Sequence[int]) -> None:
        query = "SELECT id, entry, status, lift FROM versions JOIN current USING(id) WHERE "
        for row in self._db.execute(query + where, given).fetchall():
            self._entries[row[0]] = read_entry(*row)

    def knows_type(self, question_type: str) -> bool:
        """Whether any active skill names this question type."""
        if question_type not in self._types:
            query = (
                "SELECT 1 FROM scopes JOIN current USING(id)"
                " WHERE question_type=? AND status='active' LIMIT 1"
            )
            found = self._db.execute(query, (question_type,)).fetchone()
            self._types[question_type] = found is not None
        return self._types[question_type]

    def proven(self, question_type: str, limit: int) -> tuple[int, ...]:
        """Row ids of the active versions for this question type that the gate has proven most of,
        best first."""
        asked = question_type, limit
        if asked not in self._proven:
            rows = self._db.execute(
                "SELECT id FROM scopes JOIN current USING(id)"
                " WHERE question_type=? AND status='active' AND lift>0 ORDER BY lift DESC, id"
                " LIMIT ?",
                asked,
            )
            self._proven[asked] = tuple(row[0] for row in rows)
        return self._proven[asked]

    def ids_for_type(self, question_type: str) -> list[int]:
        """Row ids of active versions that name this question type, or none at all; ascending."""
        rows = self._db.execute(
            "SELECT id FROM current WHERE status='active' AND (id IN"
            " (SELECT id FROM scopes WHERE question_type=?) OR id NOT IN (SELECT id FROM scopes))"
            " ORDER BY id",
            (question_type,),
        )
        return [row[0] for row in rows]

    def index_texts(self, ids: Sequence[int]) -> list[str]:
        """The texts to embed, in the order of ``ids``."""
        query = "SELECT index_text FROM versions WHERE id=?"
        return [self._db.execute(query, (i,)).fetchone()[0] for i in ids]

    def vectors(self, embedder: str) -> tuple[NDArray[np.int64], Vectors]:
        """Row ids and embeddings of the active versions that have one, by id."""
        rows = self._db.execute(
            "SELECT id, vector FROM vectors JOIN current USING(id)"
            " WHERE embedder=? AND status='active' ORDER BY id",
            (embedder,),
        ).fetchall()
        if not rows:
            return np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
        stacked = np.frombuffer(b"".join(r[1] for r in rows), np.float32)
        return np.array([r[0] for r in rows], np.int64), stacked.reshape(len(rows), -1)

    def words(self, question: str, limit: int) -> list[int]:
        """Ids of active versions whose text shares words with the question, best first (BM25)."""
        terms = search_terms(question)
        for term in terms:
            if term not in self._rows:
                found = self._db.execute(
                    "SELECT doc FROM skill_vocabulary WHERE term=?", (term,)
                ).fetchone()
                self._rows[term] = found[0] if found else 0
        if self._total is None:
            self._total = self._db.execute("SELECT count(*) FROM skill_words").fetchone()[0]
        expression = match_expression(terms, self._rows, self._total)
        if not expression:
            return []
        query = (
            "SELECT rowid FROM skill_words WHERE skill_words MATCH ?"
            " ORDER BY bm25(skill_words) LIMIT ?"
        )
        return [row[0] for row in self._db.execute(query, (expression, limit)).fetchall()]

    def ledger(self, name: str | None = None) -> tuple[LedgerRow, ...]:
        """The ledger in order, of one skill or of all."""
        rows = self._db.execute(
            "SELECT seq, round, name, version, action, status, lift, detail FROM ledger"
            " WHERE ? IS NULL OR name=? ORDER BY seq",
            (name, name),
        )
        return tuple(
            LedgerRow(
                seq=seq,
                round=round_,
                name=skill,
                version=version,
                action=action,
                status=Status(status) if status else None,
                lift=lift,
                detail=json.loads(detail),
            )
            for seq, round_, skill, version, action, status, lift, detail in rows
        )

    def scenes(self) -> tuple[SceneMark, ...]:
        """Every scene that gave evidence to this library, by id."""
        found: dict[str, list[str]] = {}
        for scene, frame in self._db.execute(
            "SELECT scene_id, frame FROM scene_frames ORDER BY scene_id, frame"
        ):
            found.setdefault(scene, []).extend([frame] if frame else [])
        return tuple(SceneMark(scene_id=s, frames=tuple(f)) for s, f in found.items())

    def rounds(self, run: str) -> tuple[str, ...]:
        """Records of an evolution's complete rounds, in order."""
        rows = self._db.execute("SELECT record FROM rounds WHERE run=? ORDER BY round", (run,))
        return tuple(row[0] for row in rows)

    def evolutions(self) -> tuple[str, ...]:
        """Ids of the evolutions that this library has been through, the oldest first."""
        rows = self._db.execute("SELECT run FROM rounds GROUP BY run ORDER BY min(serial)")
        return tuple(row[0] for row in rows)

    def rounds_so_far(self) -> int:
        """How many rounds this library has been through, in all its evolutions."""
        row = self._db.execute("SELECT coalesce(max(serial), 0) FROM rounds").fetchone()
        return int(row[0])

    def generation(self) -> int:
        """Grows with every change of status; part of an index's fingerprint."""
        row = self._db.execute("SELECT coalesce(max(seq), 0) FROM ledger").fetchone()
        return int(row[0])

"""The scene memory store: one SQLite file, one short transaction per episode.

The cost of filing an episode does not depend on how many there are: an append to a table, to its
full-text index, and nothing else. Vectors lie in the same rows; a reader keeps them in memory and
fetches only the rows that are new.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from surveyor.core.sqlite import Database, Schema, connect, quoted_terms, transaction
from surveyor.memory.scenes.records import EvidenceObject, FiledEpisode, Recall

SCHEMA = Schema(
    name="scene memory",
    application=0x53564D31,
    version=1,
    script="""
    CREATE TABLE episodes(
        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, scene_id TEXT NOT NULL,
        question_type TEXT NOT NULL, score REAL, vector BLOB NOT NULL, record TEXT NOT NULL);
    CREATE INDEX episodes_by_scene ON episodes(scene_id);
    CREATE INDEX episodes_by_type ON episodes(question_type);
    CREATE VIRTUAL TABLE episode_words USING fts5(question, card, content='');
    CREATE TABLE objects(
        id INTEGER PRIMARY KEY, scene_id TEXT NOT NULL, world TEXT NOT NULL, key TEXT NOT NULL,
        version INTEGER NOT NULL, record TEXT NOT NULL, UNIQUE(scene_id, world, key, version));
    """,
)

_WORD = re.compile(r"[a-z0-9]+")


class SceneMemory(Database):
    """Episodes and evidence by scene, shared by any number of processes.

    Filing returns once the row is committed; a killed process loses nothing that was returned.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._db = connect(path, SCHEMA, read_only=read_only)
        self._ids: NDArray[np.int64] = np.zeros(0, np.int64)
        self._vectors: NDArray[np.float32] = np.zeros((0, 0), np.float32)

    def __len__(self) -> int:
        row: tuple[int] = self._db.execute("SELECT count(*) FROM episodes").fetchone()
        return row[0]

    def file(self, episode: FiledEpisode, objects: Sequence[EvidenceObject] = ()) -> bool:
        """Store an episode with the objects it found; False when its key was already filed."""
        with transaction(self._db) as db:
            if not _insert_episode(db, episode):
                return False
            for item in objects:
                _insert_object(db, item.model_copy(update={"episode": episode.key}))
        return True

    def recall(
        self,
        scene_id: str,
        categories: Iterable[str] = (),
        *,
        confidence: float = 0.0,
        exclude: str = "",
    ) -> Recall:
        """Objects of this scene's best world, each category as it was measured last.

        A category's objects come from one episode, because a thing that two episodes placed a
        little apart would count twice. The best world is the one that knows most of the asked
        ``categories`` (all categories when none is asked), then the one with the most objects, then
        the newest. ``exclude`` is the key of the asking episode: nobody remembers what it has not
        yet seen.
        """
        wanted = frozenset(categories)
        worlds: dict[str, dict[str, EvidenceObject]] = {}
        for item in self._measured_last(scene_id, exclude):
            if item.confidence >= confidence:
                worlds.setdefault(item.world, {})[item.key] = item
        if not worlds:
            return Recall(scene_id=scene_id)
        order = list(worlds)
        best = max(
            order,
            key=lambda world: (
                len({o.category for o in worlds[world].values()} & wanted),
                len(worlds[world]),
                order.index(world),
            ),
        )
        kept = tuple(o for o in worlds[best].values() if not wanted or o.category in wanted)
        makers = tuple(sorted({o.episode for o in kept}))
        return Recall(scene_id=scene_id, world=best, objects=kept, episodes=makers)

    def _measured_last(self, scene_id: str, exclude: str) -> Iterable[EvidenceObject]:
        """Of each world and category the objects of the newest episode that measured it."""
        newest: dict[tuple[str, str], list[EvidenceObject]] = {}
        query = "SELECT record FROM objects WHERE scene_id=? ORDER BY id"
        for (record,) in self._db.execute(query, (scene_id,)):
            item = EvidenceObject.model_validate_json(record)
            if exclude and item.episode == exclude:
                continue
            known = newest.setdefault((item.world, item.category), [])
            if known and known[0].episode != item.episode:
                known.clear()
            known.append(item)
        return [item for items in newest.values() for item in items]

    def episodes(self, scene_id: str, *, limit: int = 100) -> tuple[FiledEpisode, ...]:
        """Episodes of one scene, newest first."""
        query = "SELECT record FROM episodes WHERE scene_id=? ORDER BY id DESC LIMIT ?"
        return self._records(self._db.execute(query, (scene_id, limit)))

    def search(self, text: str, *, limit: int = 10) -> tuple[FiledEpisode, ...]:
        """Episodes whose question or card words match best (BM25)."""
        terms = quoted_terms(tuple(_WORD.findall(text.lower())))
        if not terms:
            return ()
        query = (
            "SELECT record FROM episodes WHERE id IN (SELECT rowid FROM episode_words"
            " WHERE episode_words MATCH ? ORDER BY rank LIMIT ?)"
        )
        return self._records(self._db.execute(query, (terms, limit)))

    def nearest(self, vector: Sequence[float], *, limit: int = 10) -> tuple[FiledEpisode, ...]:
        """Episodes on the most similar scene cards, by Euclidean distance of card features."""
        self._refresh(len(vector))
        if not self._ids.size:
            return ()
        gap = ((self._vectors - np.asarray(vector, np.float32)) ** 2).sum(axis=1)
        near = np.argsort(gap, kind="stable")[:limit]
        found = {
            int(i): FiledEpisode.model_validate_json(record)
            for i, record in self._db.execute(
                f"SELECT id, record FROM episodes WHERE id IN ({','.join('?' * near.size)})",
                [int(i) for i in self._ids[near]],
            )
        }
        return tuple(found[int(i)] for i in self._ids[near])

    def _refresh(self, width: int) -> None:
        last = int(self._ids[-1]) if self._ids.size else 0
        query = "SELECT id, vector FROM episodes WHERE id>? AND length(vector)=? ORDER BY id"
        rows = self._db.execute(query, (last, 4 * width)).fetchall()
        if self._vectors.shape[1] != width:
            self._ids, self._vectors = np.zeros(0, np.int64), np.zeros((0, width), np.float32)
        if rows:
            fresh = np.frombuffer(b"".join(r[1] for r in rows), np.float32).reshape(-1, width)
            self._ids = np.concatenate([self._ids, np.array([r[0] for r in rows], np.int64)])
            self._vectors = np.concatenate([self._vectors, fresh])

    @staticmethod
    def _records(rows: Iterable[tuple[str]]) -> tuple[FiledEpisode, ...]:
        return tuple(FiledEpisode.model_validate_json(record) for (record,) in rows)


def _insert_episode(db: sqlite3.Connection, episode: FiledEpisode) -> bool:
    vector = np.asarray(episode.vector, np.float32).tobytes()
    cursor = db.execute(
        "INSERT OR IGNORE INTO episodes(key, scene_id, question_type, score, vector, record)"
        " VALUES(?,?,?,?,?,?)",
        (
            episode.key,
            episode.scene_id,
            episode.question_type,
            episode.score,
            vector,
            episode.model_dump_json(),
        ),
    )
    if cursor.rowcount != 1:
        return False
    db.execute(
        "INSERT INTO episode_words(rowid, question, card) VALUES(?,?,?)",
        (cursor.lastrowid, episode.question, episode.card_text),
    )
    return True


def _insert_object(db: sqlite3.Connection, item: EvidenceObject) -> None:
    known = db.execute(
        "SELECT max(version) FROM objects WHERE scene_id=? AND world=? AND key=?",
        (item.scene_id, item.world, item.key),
    ).fetchone()[0]
    stored = item.model_copy(update={"version": 1 if known is None else known + 1})
    db.execute(
        "INSERT INTO objects(scene_id, world, key, version, record) VALUES(?,?,?,?,?)",
        (stored.scene_id, stored.world, stored.key, stored.version, stored.model_dump_json()),
    )

"""A disposable index of one run's episodes, folded from its log files: what the lists read.

It lies in the cache and may be deleted at any time. The schedule gives every row at once and the
results their scores; the logs are folded after that, newest first. One transaction commits rows
together with the size and inode they were folded from, so a kill at any moment loses nothing: the
next reader goes on. A damaged or older index is thrown away and built again.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from surveyor.core.blobs import sha256_of
from surveyor.core.errors import UserError
from surveyor.core.names import safe_name
from surveyor.memory.events import EpisodeStatus
from surveyor.memory.runs import RunFolder

VERSION: Final = 4
_BATCH: Final = 400
_MOST: Final = 200
_ANSWER: Final = 300
_TABLES: Final = """
CREATE TABLE episodes (
  pos INTEGER PRIMARY KEY, file TEXT UNIQUE, task TEXT, epoch INTEGER, scene TEXT, type TEXT,
  question TEXT DEFAULT '', sought TEXT DEFAULT '',
  status TEXT DEFAULT '', outcome TEXT DEFAULT 'waiting', value REAL,
  answer TEXT DEFAULT '', correct TEXT DEFAULT '', guess INTEGER DEFAULT 0,
  calls INTEGER DEFAULT 0, expert_calls INTEGER DEFAULT 0, cost REAL DEFAULT 0,
  elapsed REAL DEFAULT 0, tools TEXT DEFAULT '', reason TEXT DEFAULT '',
  inode INTEGER DEFAULT 0, size INTEGER DEFAULT -1, scored TEXT DEFAULT '');
CREATE INDEX by_type ON episodes(type); CREATE INDEX by_outcome ON episodes(outcome);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT);
"""
SORTS: Final = {
    "": "pos",
    "worst": "value IS NULL, value, pos",
    "best": "value IS NULL, value DESC, pos",
    "calls": "calls DESC, pos",
    "slowest": "elapsed DESC, pos",
    "cost": "cost DESC, pos",
}
_COLUMNS: Final = (
    "task, epoch, scene, type, question, status, outcome, value, answer, correct, guess, calls, "
    "expert_calls, cost, elapsed, tools, reason"
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows of a list; empty fields leave nothing out. ``q`` is sought in question, answer
    and task."""

    type: str = ""
    outcome: str = ""
    scene: str = ""
    tool: str = ""
    q: str = ""
    sort: str = ""

    def where(self) -> tuple[str, list[object]]:
        """The SQL condition and its values."""
        parts, values = ["1"], list[object]()
        for column in ("type", "outcome", "scene"):
            if wanted := getattr(self, column):
                parts.append(f"{column} = ?")
                values.append(wanted)
        if self.tool:
            parts.append("instr(tools, ?) > 0")
            values.append(f" {self.tool} ")
        if self.q:
            parts.append("instr(sought, ?) > 0")
            values.append(self.q.lower()[:200])
        return " AND ".join(parts), values


class RunIndex:
    """The index of one run; `refresh` brings it up to date, reads never wait for that."""

    def __init__(self, folder: RunFolder, cache: Path) -> None:
        self.folder = folder
        name = sha256_of(str(folder.path.resolve()).encode())[:16]
        self.path = cache / "viewer" / f"{safe_name(folder.path.name)}-{name}.sqlite"
        self._writing = threading.Lock()
        self._open()

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        wanted = f"{VERSION} {self.folder.record.schedule_hash}"
        try:
            if self.path.exists() and self._fact("made_of") == wanted:
                return
        except sqlite3.DatabaseError:
            pass
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        rows = [
            (f"{safe_name(t.id)}.{epoch}.jsonl", t.id, epoch, t.scene_id, t.question_type)
            for t, epoch in self.folder.scheduled()
        ]
        with self._connected() as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(_TABLES)
            db.executemany(
                "INSERT INTO episodes (file, task, epoch, scene, type) VALUES (?,?,?,?,?)", rows
            )
            db.execute("INSERT INTO facts VALUES ('made_of', ?), ('revision', '1')", (wanted,))

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=20)) as db, db:
            db.execute("PRAGMA synchronous=NORMAL")
            yield db

    def _fact(self, name: str) -> str:
        with self._connected() as db:
            row = db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def refresh(self) -> bool:
        """Fold what is new in results and logs; whether anything was. One at a time."""
        with self._writing:
            changed = self._scores()
            for batch in self._stale():
                self._fold(batch)
                changed = True
        return changed

    def _scores(self) -> bool:
        path = self.folder.path / "results.jsonl"
        try:
            told = path.stat()
        except OSError:
            return False
        sign = f"{told.st_ino} {told.st_mtime_ns} {told.st_size}"
        if self._fact("results") == sign:
            return False
        rows = []
        for line in path.read_bytes().splitlines():
            try:
                score = orjson.loads(line)
                fields = score.get("fields") or {}
                rows.append(
                    (
                        score["value"],
                        str(score.get("prediction") or "")[:_ANSWER],
                        str(fields.get("correct", ""))[:_ANSWER],
                        int(fields.get("guess") is True),
                        str(fields.get("failure") or "")[:_ANSWER],
                        score["task_id"],
                        score.get("epoch", 0),
                    )
                )
            except (orjson.JSONDecodeError, KeyError, TypeError):
                continue
        with self._connected() as db:
            db.executemany(
                "UPDATE episodes SET value=?, answer=?, correct=?, guess=?, reason=?, scored='1' "
                "WHERE task=? AND epoch=?",
                rows,
            )
            db.execute(_JUDGED)
            db.execute("INSERT OR REPLACE INTO facts VALUES ('results', ?)", (sign,))
            _next_revision(db)
        return True

    def _stale(self) -> Iterator[list[tuple[str, Path, int, int]]]:
        """Logs whose size or inode is not the one they were folded from, some at a time."""
        with self._connected() as db:
            known = {
                r[0]: (r[1], r[2]) for r in db.execute("SELECT file, inode, size FROM episodes")
            }
        waiting = []
        try:
            with os.scandir(self.folder.path / "episodes") as entries:
                for entry in entries:
                    if entry.name in known:
                        told = entry.stat()
                        if known[entry.name] != (told.st_ino, told.st_size):
                            waiting.append(
                                (told.st_mtime, entry.name, Path(entry.path), told.st_ino)
                            )
        except OSError:
            return
        waiting.sort(reverse=True)
        for start in range(0, len(waiting), _BATCH):
            yield [
                (name, path, inode, 0) for _, name, path, inode in waiting[start : start + _BATCH]
            ]

    def _fold(self, batch: list[tuple[str, Path, int, int]]) -> None:
        rows = []
        for name, path, inode, _ in batch:
            try:
                data = path.read_bytes()
            except OSError:
                continue
            row = folded(data)
            sought = f"{row['question']} {row['answer']} {name}".lower()
            rows.append({**row, "sought": sought, "file": name, "inode": inode, "size": len(data)})
        with self._connected() as db:
            db.executemany(
                "UPDATE episodes SET question=:question, sought=:sought, status=:status, "
                "calls=:calls, "
                "expert_calls=:expert_calls, cost=:cost, elapsed=:elapsed, tools=:tools, "
                "reason=CASE WHEN scored='' THEN :reason ELSE reason END, "
                "answer=CASE WHEN scored='' THEN :answer ELSE answer END, "
                "guess=CASE WHEN scored='' THEN :guess ELSE guess END, "
                "inode=:inode, size=:size WHERE file=:file",
                rows,
            )
            db.executemany(f"{_JUDGED} WHERE file=:file", rows)
            _next_revision(db)

    def page(self, wanted: Filter, offset: int = 0, limit: int = 100) -> dict[str, Any]:
        """Rows, how many there are in all, and facets; a query gives up after a quarter second."""
        where, values = wanted.where()
        order = SORTS.get(wanted.sort, "pos")
        limit = max(1, min(limit, _MOST))
        with self._connected() as db:
            db.row_factory = sqlite3.Row
            total = db.execute(f"SELECT count(*) FROM episodes WHERE {where}", values).fetchone()[0]
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM episodes WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",
                [*values, limit, max(0, offset)],
            ).fetchall()
            revision = db.execute("SELECT value FROM facts WHERE name='revision'").fetchone()[0]
        return {
            "total": total,
            "offset": offset,
            "rows": [dict(row) for row in rows],
            "revision": int(revision),
        }

    def neighbours(self, wanted: Filter, task: str, epoch: int) -> dict[str, Any]:
        """The rows before and after one in a filtered list."""
        where, values = wanted.where()
        order = SORTS.get(wanted.sort, "pos")
        with self._connected() as db:
            row = db.execute(
                f"SELECT before_task, before_epoch, after_task, after_epoch FROM (SELECT task, "
                f"epoch, lag(task) OVER w AS before_task, lag(epoch) OVER w AS before_epoch, "
                f"lead(task) OVER w AS after_task, lead(epoch) OVER w AS after_epoch "
                f"FROM episodes WHERE {where} WINDOW w AS (ORDER BY {order})) "
                f"WHERE task=? AND epoch=?",
                [*values, task, epoch],
            ).fetchone()
        if row is None:
            return {"before": None, "after": None}
        before = {"task": row[0], "epoch": row[1]} if row[0] is not None else None
        after = {"task": row[2], "epoch": row[3]} if row[2] is not None else None
        return {"before": before, "after": after}

    def facets(self) -> dict[str, dict[str, int]]:
        """How many rows of each type, outcome and scene there are."""
        with self._connected() as db:
            return {
                column: {
                    str(name): count
                    for name, count in db.execute(
                        f"SELECT {column}, count(*) FROM episodes GROUP BY 1 ORDER BY 1 LIMIT 500"
                    )
                }
                for column in ("type", "outcome", "scene")
            }

    def counts(self) -> dict[str, Any]:
        """How far the run and the index are."""
        with self._connected() as db:
            row = db.execute(
                "SELECT count(*), sum(size >= 0), sum(status IN ('answered','limit','failed')), "
                "avg(value), sum(scored != '') FROM episodes"
            ).fetchone()
        return {
            "scheduled": row[0],
            "read": row[1] or 0,
            "ended": row[2] or 0,
            "mean": row[3],
            "scored": row[4] or 0,
            "revision": int(self._fact("revision") or 1),
        }


_JUDGED: Final = """
UPDATE episodes SET outcome = CASE
  WHEN status = 'incomplete' OR (status = '' AND scored = '' AND size < 0) THEN
    CASE WHEN size < 0 THEN 'waiting' ELSE 'incomplete' END
  WHEN status IN ('failed', 'limit') THEN status
  WHEN scored = '' THEN 'unscored'
  WHEN value >= 0.5 THEN 'right' ELSE 'wrong' END
"""


def _next_revision(db: sqlite3.Connection) -> None:
    db.execute("UPDATE facts SET value = CAST(value AS INTEGER) + 1 WHERE name = 'revision'")


def folded(data: bytes) -> dict[str, Any]:
    """The row of one episode's log: its last attempt, a torn last line dropped, damaged lines
    skipped (the episode's own page names them)."""
    row: dict[str, Any] = _fresh()
    began = last = 0.0
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        kind = event.get("type") if isinstance(event, dict) else None
        last = event.get("mono", last) if kind else last
        if kind == "episode_started":
            row, began = _fresh(), event.get("mono", 0.0)
            row["question"] = str(event.get("question", ""))[:2000]
        elif kind == "tool_call":
            row["calls"] += 1
            name = f" {event.get('name', '')} "
            row["tools"] += name if name not in row["tools"] else ""
        elif kind == "tool_result":
            row["expert_calls"] += event.get("expert_calls") or 0
            row["cost"] += event.get("cost") or 0.0
        elif kind == "answer":
            row["answer"] = str(event.get("text", ""))[:_ANSWER]
            row["guess"] = int(event.get("guess") is True)
        elif kind == "episode_ended":
            row["status"] = str(event.get("status", ""))
            row["reason"] = str(event.get("reason", ""))[:_ANSWER]
            row["elapsed"] = event.get("elapsed") or 0.0
    if row["status"] == "owed":
        row["status"] = EpisodeStatus.INCOMPLETE.value
    row["elapsed"] = row["elapsed"] or max(0.0, last - began)
    return row


def _fresh() -> dict[str, Any]:
    return {
        "question": "", "status": "incomplete", "calls": 0, "expert_calls": 0, "cost": 0.0,
        "elapsed": 0.0, "tools": "", "answer": "", "guess": 0, "reason": "",
    }  # fmt: skip


def open_runs(places: list[Path]) -> Mapping[str, RunFolder]:
    """Runs by a name each: those named, and those in folders that are named.

    A folder that is no run and holds none is a `UserError`; damaged runs in a folder are skipped.
    """
    found: dict[str, RunFolder] = {}
    for place in places:
        if (place / "run.json").exists():
            inside = [place]
        else:
            inside = [
                record.parent
                for depth in ("[!.]*", "[!.]*/[!.]*", "[!.]*/[!.]*/ask-*")
                for record in sorted(place.glob(f"{depth}/run.json"))
            ]
        if not inside:
            raise UserError(f"{place} is no run and holds none; name a run, or a folder of runs")
        for path in inside:
            try:
                folder = RunFolder.open(path)
                _ = folder.schedule
            except UserError:
                if len(inside) == 1:
                    raise
                continue
            found[run_name(path, found)] = folder
    return found


def run_name(path: Path, taken: Mapping[str, RunFolder]) -> str:
    """A run's name in addresses: its folder's, with its place's, told apart from those taken."""
    own = (path.parent / "photos.json").exists()
    name = f"{path.parent.name}-{path.name}" if own else path.name
    if name in taken and taken[name].path.resolve() != path.resolve():
        name = f"{name}~{sha256_of(str(path.resolve()).encode())[:6]}"
    return name

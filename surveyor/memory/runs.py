"""A run on disk: ``runs/<id>/`` with what was asked for, what happened and what it was worth.

::

    run.json          resolved configuration and manifest, written once
    schedule.jsonl    every task that was scheduled; scores divide by all of them
    episodes/         one event log per (task, epoch)
    results.jsonl     one score per (task, epoch), made by scoring, which can be repeated
    report.json       the numbers
    report.html       the numbers to read

A folder appears whole or not at all. Every later file is replaced atomically.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import JsonValue, ValidationError

from surveyor.core.blobs import sha256_of
from surveyor.core.errors import UserError
from surveyor.core.locks import hold
from surveyor.core.names import safe_name
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import EVENT, EpisodeEnded, EpisodeStatus, Score
from surveyor.memory.log import read_events, unreadable
from surveyor.memory.manifest import RUN_VERSION, RunRecord, ScheduledTask

LOCK = "run.lock"
"""The file that whoever works on a run holds; it is there once somebody began."""
_TAIL_BYTES = 1 << 16
_PORT = re.compile(r"^(https?://(?:\[[^\]/]*\]|[^:/]*)):\d+")


class AnotherRun(UserError):
    """A place holds a run with other settings; ``differs`` says the first of them."""

    def __init__(self, place: Path | str, differs: str) -> None:
        super().__init__(
            f"{place} already holds a run with {differs}; "
            "give this run another name, or repeat the old settings to resume it"
        )
        self.differs = differs


@dataclass(frozen=True)
class RunFolder:
    """An existing run; make one with `create` or find one with `open`."""

    path: Path
    record: RunRecord

    @classmethod
    def create(cls, path: Path, record: RunRecord, schedule: Iterable[ScheduledTask]) -> RunFolder:
        """Make the folder, or take up the run that is already there.

        Raises `UserError` when ids repeat, when the folder cannot be written, or when it holds a
        run of a different configuration (`AnotherRun`); nothing is left behind then.
        """
        lines = _schedule_lines(schedule)
        record = record.model_copy(update={"schedule_hash": _schedule_hash(lines)})
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            _make(path, record, lines)
            return cls(path, record)
        folder = cls.open(path)
        if grown := folder._grown(record, lines):
            return grown
        if differs := difference(folder.record, record):
            raise AnotherRun(path, differs)
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open an existing run; `UserError` when there is none or it is newer than this code."""
        try:
            text = (path / "run.json").read_bytes()
        except OSError:
            raise UserError(f"{path} is not a run: it has no readable run.json") from None
        try:
            record = RunRecord.model_validate_json(text)
        except ValidationError as error:
            raise UserError(
                f"{path / 'run.json'} is damaged: {error.errors(include_url=False)[0]['msg']}"
            ) from None
        if record.v > RUN_VERSION:
            raise UserError(f"{path} was made by a newer Surveyor (run version {record.v})")
        return cls(path, record)

    def _grown(self, record: RunRecord, lines: bytes) -> RunFolder | None:
        """The run with more tasks, where a higher limit is all that is new; else ``None``."""
        old = self.record
        if old.schedule_hash == record.schedule_hash or old.config.get("limit") is None:
            return None
        if difference(old, record.model_copy(update={"schedule_hash": old.schedule_hash})):
            return None
        there = self._schedule_bytes()
        if _schedule_hash(there) not in (old.schedule_hash, record.schedule_hash):
            return None
        if not {*there.splitlines()} <= {*lines.splitlines()}:
            return None
        # The record last: killed between the two, the same command gets here again.
        self.write("schedule.jsonl", lines)
        config = {**old.config, "limit": record.config.get("limit")}
        grown = {"config": config, "schedule_hash": record.schedule_hash}
        newer = RunFolder(self.path, old.model_copy(update=grown))
        newer.write("run.json", _encoded(newer.record))
        return newer

    def _schedule_bytes(self) -> bytes:
        try:
            return (self.path / "schedule.jsonl").read_bytes()
        except OSError:
            return b""

    @cached_property
    def schedule(self) -> tuple[ScheduledTask, ...]:
        """Every scheduled task, in order."""
        data = self._schedule_bytes()
        if _schedule_hash(data) != self.record.schedule_hash:
            raise UserError(
                f"the schedule of {self.path} is missing or was changed; put it back, "
                "or run into another folder"
            )
        return tuple(ScheduledTask.model_validate_json(line) for line in data.splitlines())

    def scheduled(self) -> Iterator[tuple[ScheduledTask, int]]:
        """Every scheduled (task, epoch)."""
        for epoch in range(self.record.epochs):
            for task in self.schedule:
                yield task, epoch

    def episode_path(self, task_id: str, epoch: int) -> Path:
        """Where the log of one (task, epoch) lies."""
        return self.path / "episodes" / f"{safe_name(task_id)}.{epoch}.jsonl"

    def episode(self, task_id: str, epoch: int) -> Episode | None:
        """What happened to one (task, epoch); ``None`` when it never began."""
        return fold(read_events(self.episode_path(task_id, epoch)))

    def status(self, task_id: str, epoch: int) -> EpisodeStatus | None:
        """How one (task, epoch) stands, from the end of its log alone; ``None``: never began."""
        return last_status(self.episode_path(task_id, epoch))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run, so that no second process works on it."""
        try:
            handle = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise UserError(f"cannot write to {self.path}: {error.strerror}") from None
        try:
            hold(handle, self.path)
            yield
        finally:
            os.close(handle)

    def write_results(self, scores: Iterable[Score]) -> None:
        """Replace ``results.jsonl``."""
        self.write("results.jsonl", b"".join(s.model_dump_json().encode() + b"\n" for s in scores))

    @property
    def is_scored(self) -> bool:
        """Whether it has scores."""
        return (self.path / "results.jsonl").is_file()

    def results(self) -> tuple[Score, ...]:
        """The scores, or nothing when the run was never scored."""
        events = read_events(self.path / "results.jsonl")
        return tuple(event for event in events if isinstance(event, Score))

    def write(self, name: str, data: bytes) -> Path:
        """Replace one of the run's derived files as a whole."""
        target = self.path / name
        try:
            handle, temporary = tempfile.mkstemp(dir=self.path, prefix=f".{name}-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                Path(temporary).chmod(0o644)
                Path(temporary).replace(target)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise UserError(f"cannot write {target}: {error.strerror}") from None
        return target


def last_status(path: Path) -> EpisodeStatus | None:
    """The status at the end of an episode log, read from its last bytes.

    ``None`` when the log is missing or empty; `INCOMPLETE` when the last whole line is not an end.
    Raises `UserError` for a path that is no readable file.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            tail = file.read(_TAIL_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from None
    tail = tail[: tail.rfind(b"\n") + 1]
    if not tail:
        return EpisodeStatus.INCOMPLETE if size else None
    try:
        event = EVENT.validate_json(tail.splitlines()[-1])
    except ValidationError:  # a line longer than the tail: some other event
        return EpisodeStatus.INCOMPLETE
    return event.status if isinstance(event, EpisodeEnded) else EpisodeStatus.INCOMPLETE


def _schedule_lines(schedule: Iterable[ScheduledTask]) -> bytes:
    seen: set[str] = set()
    lines = []
    for task in schedule:
        if task.id in seen:
            raise UserError(
                f"the dataset has two tasks with the id {task.id!r}; ids must be unique"
            )
        seen.add(task.id)
        lines.append(task.model_dump_json().encode() + b"\n")
    if not lines:
        raise UserError("there is nothing to run: no task was selected")
    return b"".join(lines)


def _schedule_hash(lines: bytes) -> str:
    """The same for the same tasks in any order, so that merged shards are the run they are of."""
    return sha256_of(b"\n".join(sorted(lines.splitlines())))


def _make(path: Path, record: RunRecord, schedule: bytes) -> None:
    staging: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
        staging.chmod(0o755)
        (staging / "episodes").mkdir()
        (staging / "schedule.jsonl").write_bytes(schedule)
        (staging / "run.json").write_bytes(_encoded(record))
        staging.rename(path)
    except OSError as error:
        raise UserError(f"cannot create the run folder {path}: {error.strerror}") from None
    finally:
        if staging is not None and staging.exists():
            shutil.rmtree(staging)


def _encoded(record: RunRecord) -> bytes:
    return record.model_dump_json(indent=2).encode() + b"\n"


def difference(old: RunRecord, new: RunRecord) -> str | None:
    """The first setting in which two records are not the same run, in words. A setting that one of
    them does not know, because it is older, is the same as an empty one."""
    free = {*old.free, *new.free}
    before, after = _identity(old, free), _identity(new, free)
    before |= {key: after[key] for key in _later(old) if key in after}
    for key in sorted(before.keys() | after.keys(), key=_follows):
        if (before.get(key) or None) != (after.get(key) or None):
            limits = [record.config.get("limit") for record in (old, new)]
            if key == "schedule" and limits[0] != limits[1]:
                return f"limit = {limits[0]!r}, not {limits[1]!r}"
            if key == "manifest.prompt":
                return "tools described otherwise, as by another version of Surveyor"
            return _told(key, before.get(key), after.get(key))
    return None


def _follows(key: str) -> tuple[int, str]:
    """Settings before what follows from them: what was typed says more than a hash of it."""
    ranks = {"manifest.prompt": 3, "schedule": 2}
    return ranks.get(key, int(key.startswith("manifest."))), key


def _told(key: str, then: JsonValue, now: JsonValue) -> str:
    """What a setting was and is; of a table, or of named rows, only the first that differs."""
    before, after = _named_rows(then), _named_rows(now)
    if isinstance(before, dict) and isinstance(after, dict):
        name = min(n for n in {*before, *after} if before.get(n) != after.get(n))
        return _told(f"{key}.{name}", before.get(name), after.get(name))
    return f"{key} = {_shown(then)}, not {_shown(now)}"


def _named_rows(value: JsonValue) -> JsonValue:
    if isinstance(value, list) and all(isinstance(row, dict) and "name" in row for row in value):
        return {str(row["name"]): row for row in value if isinstance(row, dict)}
    return value


def _shown(value: JsonValue) -> str:
    if value is None or value in ("", [], {}):
        return "unset"
    return ", ".join(map(str, value)) if isinstance(value, list) else repr(value)


def _later(old: RunRecord) -> set[str]:
    """What manifests have held only since this one was written."""
    unknown = type(old.manifest).model_fields.keys() - old.manifest.model_fields_set
    return {f"manifest.{name}" for name in unknown}


def _identity(record: RunRecord, free: Collection[str]) -> dict[str, JsonValue]:
    """What must not change between the sessions of one run; ports of servers may. The limit is in
    the schedule."""
    manifest = record.manifest.model_dump(mode="json", exclude={"code", "python", "packages"})
    config = {
        key: _portless(_without(value, key, free))
        for key, value in record.config.items()
        if key not in free and key != "limit"
    }
    return {
        **config,
        **{f"manifest.{key}": value for key, value in manifest.items()},
        "epochs": record.epochs,
        "schedule": record.schedule_hash[:12],
    }


def _without(value: JsonValue, key: str, free: Collection[str]) -> JsonValue:
    """A setting without those of its entries that are free."""
    if not isinstance(value, dict):
        return value
    return {name: item for name, item in value.items() if f"{key}.{name}" not in free}


def _portless(value: JsonValue) -> JsonValue:
    """A setting whose URLs say no port: the same server started again may have another."""
    if isinstance(value, dict):
        return {name: _portless(item) for name, item in value.items()}
    return _PORT.sub(r"\1", value) if isinstance(value, str) else value

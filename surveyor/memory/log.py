"""Episode logs: one JSONL file per (task, epoch), one `os.write` per line.

A writer owns its file by an advisory lock, so a second one is refused instead of interleaving.
A torn last line (the writer was killed inside a write) is dropped by readers and cut off by the
next writer. Nothing else is ever rewritten.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.locks import try_lock
from surveyor.core.untrusted_text import cleaned, is_clean_json
from surveyor.memory.events import EVENT, SCHEMA_VERSION, Event


class EventList(list[Event]):
    """An episode's events kept in memory, where nothing has to outlive the process."""

    def append(self, event: Event) -> Event:  # type: ignore[override]
        """The event, as an `EpisodeLog` gives it back."""
        super().append(event)
        return event


class EpisodeLog:
    """Append-only writer of one episode file; use as a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise InfrastructureError(f"cannot open {path} for writing: {error}") from error
        try:
            if not try_lock(self._fd, path):
                raise UserError(
                    f"{path.name} is being written by another process; wait for it or stop it first"
                )
            self._seq = _cut_torn_tail(self._fd)
        except BaseException:
            self.close()
            raise

    def append(self, event: Event) -> Event:
        """Stamp, clean and write one event as one line; return it as stored."""
        stamped = event.model_copy(
            update={"seq": self._seq, "t": time.time(), "mono": time.monotonic()}
        )
        text = stamped.model_dump_json()
        if not is_clean_json(text):
            stamped = EVENT.validate_python(cleaned(stamped.model_dump(mode="json")))
            text = stamped.model_dump_json()
        line = text.encode() + b"\n"
        try:
            written = os.write(self._fd, line)
        except OSError as error:
            raise InfrastructureError(f"cannot write to {self.path}: {error}") from error
        if written != len(line):
            # Take the torn line back, or a later one would be glued to it.
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            raise InfrastructureError(f"the disk under {self.path} is full")
        self._seq += 1
        return stamped

    def close(self) -> None:
        """Release the file and its lock."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _cut_torn_tail(fd: int) -> int:
    """Truncate after the last newline and return the number of whole lines."""
    size = os.fstat(fd).st_size
    data = os.pread(fd, size, 0) if size else b""
    whole = data.rfind(b"\n") + 1
    if whole != size:
        os.ftruncate(fd, whole)
    return data.count(b"\n", 0, whole)


def unreadable(path: Path, error: OSError) -> UserError:
    """What to say where a log is a folder, or may not be read."""
    return UserError(
        f"{path} cannot be read as an episode's log ({error.strerror}); "
        "move it away and run the same command again"
    )


def read_events(path: Path) -> Iterator[Event]:
    """Events of one file in order, a torn last line dropped; none where there is no file yet.

    Raises `UserError` naming file and line when a whole line is damaged, or when the log was
    written by a newer version of Surveyor; and for a path that is no readable file.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise unreadable(path, error) from None
    whole = data[: data.rfind(b"\n") + 1]
    for number, line in enumerate(whole.split(b"\n")[:-1], start=1):
        try:
            event = EVENT.validate_json(line)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]["msg"]
            raise UserError(f"{path}:{number} is not a valid event ({detail})") from None
        if event.v > SCHEMA_VERSION:
            raise UserError(
                f"{path}:{number} was written by a newer Surveyor (schema {event.v}); upgrade"
            )
        yield event

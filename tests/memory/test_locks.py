"""A held lock and a file system without locks are told apart, wherever a lock is taken."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from surveyor.core.errors import UserError
from surveyor.core.locks import try_lock
from surveyor.memory.log import EpisodeLog
from surveyor.memory.manifest import RunRecord
from surveyor.memory.runs import RunFolder
from surveyor.services.plan import supervisor_pid
from surveyor.services.supervisor import locked
from surveyor.training.evolution.library import Library


def _log(path: Path) -> None:
    EpisodeLog(path / "a.jsonl").close()


def _run(path: Path) -> None:
    with RunFolder(path, cast("RunRecord", None)).locked():
        pass


def _library(path: Path) -> None:
    with Library(path).locked():
        pass


def _supervisor(path: Path) -> None:
    locked(path / "supervisor.lock").close()


def _status(path: Path) -> None:
    (path / "supervisor.lock").write_text("12")
    supervisor_pid(path / "supervisor.lock")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
@pytest.mark.parametrize("take", [_log, _run, _library, _supervisor, _status])
def test_a_file_system_without_locks_is_no_other_process(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    take: Callable[[Path], None],
    number: int,
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(UserError, match=f"the file system under {tmp_path} has no locks"):
        take(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_lock_is_held_by_one_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as first, path.open() as second:
        assert try_lock(first.fileno(), path)
        assert not try_lock(second.fileno(), path)
        assert not try_lock(second.fileno(), path, shared=True)
        first.close()
        assert try_lock(second.fileno(), path)

"""Scenes made by several processes are those that one makes; what fails in one is told here."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.workers import in_processes
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset

SMALL = RoomsSettings(n_frames=4, size=(64, 48), light_rays=1, per_type=1)


def test_two_processes_make_what_one_makes(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    alone = make_rooms_dataset(tmp_path / "one", range(3), settings=SMALL)
    both = make_rooms_dataset(
        tmp_path / "two", range(3), settings=SMALL, workers=2, progress=lambda *n: told.append(n)
    )
    assert both == alone
    assert told == [(1, 3), (2, 3), (3, 3)]
    one, two = (sorted(_files(tmp_path / name)) for name in ("one", "two"))
    assert one == two


def test_what_is_raised_in_a_process_is_raised_here() -> None:
    assert list(in_processes(_doubled, [1, 2, 3], 2)) == [2, 4, 6]
    assert list(in_processes(_doubled, [], 2)) == []
    with pytest.raises(UserError, match="not 13"):
        list(in_processes(_doubled, [1, 13], 2))
    with pytest.raises(InfrastructureError, match="was killed"):
        list(in_processes(_killed, [1], 2))


def _files(folder: Path) -> list[tuple[str, bytes]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return [(str(path.relative_to(folder)), path.read_bytes()) for path in files]


def _doubled(number: int) -> int:
    if number == 13:
        raise UserError("not 13")
    return 2 * number


def _killed(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)

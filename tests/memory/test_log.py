"""One writer, whole lines, and what readers make of a writer that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.core.errors import InfrastructureError, UserError
from surveyor.memory.episodes import fold
from surveyor.memory.events import Answer, EpisodeEnded, EpisodeStarted, EpisodeStatus, Event
from surveyor.memory.log import EpisodeLog, read_events
from tests.faults.disk import no_room_left


def started(attempt: int = 0) -> EpisodeStarted:
    return EpisodeStarted(
        task_id="t",
        attempt=attempt,
        dataset="s",
        scene_id="a",
        question_type="q",
        question="How many?",
        planner="scripted",
    )


EPISODE: tuple[Event, ...] = (
    started(),
    Answer(turn=0, text="three\nlines\u2028of text"),
    EpisodeEnded(status=EpisodeStatus.ANSWERED),
)


def write(path: Path, events: tuple[Event, ...] = EPISODE) -> bytes:
    with EpisodeLog(path) as log:
        for event in events:
            log.append(event)
    return path.read_bytes()


@settings(deadline=None)
@given(cut=st.integers(0, 2000))
def test_whatever_the_cut_readers_see_whole_lines_and_the_next_writer_goes_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "t.0.jsonl"
    data = write(path)[:cut]
    path.write_bytes(data)
    whole = data.count(b"\n")
    assert [event.seq for event in read_events(path)] == list(range(whole))
    write(path, (started(attempt=1), *EPISODE[1:]))
    events = list(read_events(path))
    assert [event.seq for event in events] == list(range(whole + 3))
    episode = fold(events)
    assert episode is not None
    assert episode.done
    assert episode.attempts == 1 + (whole > 0)


def test_an_episode_without_an_end_is_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "t.0.jsonl"
    write(path, EPISODE[:2])
    episode = fold(read_events(path))
    assert episode is not None
    assert episode.status is EpisodeStatus.INCOMPLETE
    assert not episode.done
    assert fold([]) is None


def test_a_second_writer_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.0.jsonl"
    with EpisodeLog(path) as log:
        log.append(EPISODE[0])
        with pytest.raises(UserError, match="being written by another process"):
            EpisodeLog(path)
        log.append(EPISODE[1])
    assert len(list(read_events(path))) == 2


WRITER = """
import sys
from pathlib import Path
from surveyor.memory.events import Answer
from surveyor.memory.log import EpisodeLog
log = EpisodeLog(Path(sys.argv[1]))
while True:
    log.append(Answer(turn=0, text="x" * 5000))
    sys.stdout.write(".")
    sys.stdout.flush()
"""


def test_a_killed_writer_leaves_whole_lines_and_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "t.0.jsonl"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.read(50) == b"." * 50
    with pytest.raises(UserError):
        EpisodeLog(path)
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    before = len(list(read_events(path)))
    assert before >= 50
    with EpisodeLog(path) as log:
        assert log.append(EPISODE[2]).seq == before


def test_an_episode_that_never_began_has_no_events(tmp_path: Path) -> None:
    assert fold(read_events(tmp_path / "t.0.jsonl")) is None
    with pytest.raises(UserError, match="cannot be read as an episode's log"):
        list(read_events(tmp_path))


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.0.jsonl"
    lines = write(path).splitlines(keepends=True)
    path.write_bytes(lines[0] + b'{"type":"answer"}\n' + lines[2])
    with pytest.raises(UserError, match=r"t\.0\.jsonl:2 is not a valid event"):
        list(read_events(path))


def test_a_disk_that_fills_up_inside_a_line_spoils_no_other_line(tmp_path: Path) -> None:
    path = tmp_path / "t.0.jsonl"
    with EpisodeLog(path) as log:
        with no_room_left(300), pytest.raises(InfrastructureError, match="is full"):
            log.append(Answer(turn=0, text="x" * 500))
        log.append(EPISODE[0])
    assert [event.type for event in read_events(path)] == ["episode_started"]


def test_a_full_disk_is_an_infrastructure_failure(tmp_path: Path) -> None:
    full = tmp_path / "t.0.jsonl"
    full.symlink_to("/dev/full")
    with EpisodeLog(full) as log, pytest.raises(InfrastructureError, match="No space left"):
        log.append(EPISODE[0])
    with pytest.raises(InfrastructureError, match="cannot open"):
        EpisodeLog(Path(os.devnull) / "t.0.jsonl")

"""Measuring the runner's promises on real processes: kills, incomplete episodes, the cache.

A run is one command; what it did is read from its folder. Nothing here judges: the numbers go to
tests and to `make claims`, which hold them against their bounds.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from surveyor.core.errors import InfrastructureError
from surveyor.memory.events import EpisodeEnded, EpisodeStatus, ToolOutcome
from surveyor.memory.log import read_events
from surveyor.memory.runs import RunFolder

Command = Sequence[str]
"""The command line of one session; the same one again resumes the run."""

_POLL = 0.002
_PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class Session:
    """One session that was run to its end or killed; ``seen`` episodes had begun by then."""

    returncode: int
    seen: int
    seconds: float

    @property
    def killed(self) -> bool:
        """Whether it ended by SIGKILL."""
        return self.returncode == -signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Integrity:
    """A run held against an uninterrupted one of the same tasks; all but ``total`` should be 0.

    ``lost``: scheduled, but without an end; ``twice``: ended more than once; ``rewritten``: ended
    before a kill, and yet changed by a later session; ``different``: scored otherwise.
    """

    total: int
    lost: int
    twice: int
    rewritten: int
    different: int

    @property
    def faults(self) -> int:
        """Everything that must not happen, added up."""
        return self.lost + self.twice + self.rewritten + self.different


@dataclass(frozen=True, slots=True)
class CacheUse:
    """What the second run over the same scenes asked of experts, and how long both took."""

    first_calls: int
    second_calls: int
    first_seconds: float
    second_seconds: float

    @property
    def speedup(self) -> float:
        """How many times faster the second run was."""
        return self.first_seconds / max(self.second_seconds, 1e-9)


def kill_and_resume(
    command: Command, run: Path, total: int, kills: Sequence[float]
) -> tuple[list[Session], int]:
    """Kill -9 a session at each share of ``total`` begun episodes, then let one finish.

    Returns all sessions and the number of finished episode logs that a later session changed.
    """
    sessions: list[Session] = []
    rewritten = 0
    finished: dict[Path, bytes] = {}
    for share in kills:
        sessions.append(
            interrupt_at(command, run, round(share * total), lambda child: child.kill())
        )
        rewritten += _changed(finished)
        finished = _finished(run)
    sessions.append(interrupt_at(command, run, None))
    return sessions, rewritten + _changed(finished)


def interrupt_at(
    command: Command,
    run: Path,
    begun: int | None,
    strike: Callable[[subprocess.Popen[bytes]], None] = subprocess.Popen.kill,
) -> Session:
    """Run one session to its end; ``strike`` once so many episodes have begun (never: ``None``).

    Raises `InfrastructureError` when the session hangs.
    """
    began = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    seen = 0
    try:
        while child.poll() is None:
            if begun is not None and (seen := _begun(run)) >= begun:
                strike(child)
                begun = None
            if time.monotonic() - began > _PATIENCE:
                raise InfrastructureError(f"the session hangs: {' '.join(command)}")
            time.sleep(_POLL)
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
    return Session(child.returncode, max(seen, _begun(run)), time.monotonic() - began)


def kill_process(pid: int) -> None:
    """Kill -9, and return when the process is gone; a process that is gone already is fine."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + 10
        while time.monotonic() < until and _alive(pid):
            time.sleep(_POLL)


def integrity(run: RunFolder, reference: RunFolder, rewritten: int = 0) -> Integrity:
    """Hold a run, interrupted as often as you like, against an uninterrupted one; both scored."""
    keys = [(task.id, epoch) for task, epoch in run.scheduled()]
    ends = {key: _ends(run.episode_path(*key)) for key in keys}
    expected = {(s.task_id, s.epoch): (s.value, s.prediction) for s in reference.results()}
    found = {(s.task_id, s.epoch): (s.value, s.prediction) for s in run.results()}
    return Integrity(
        total=len(keys),
        lost=sum(1 for key in keys if not ends[key]),
        twice=sum(1 for key in keys if ends[key] > 1),
        rewritten=rewritten,
        different=sum(
            1 for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)
        ),
    )


def statuses(run: RunFolder) -> Counter[EpisodeStatus]:
    """How many of the scheduled episodes stand how; those that never began are incomplete."""
    return Counter(
        run.status(task.id, epoch) or EpisodeStatus.INCOMPLETE for task, epoch in run.scheduled()
    )


def cache_use(first: RunFolder, second: RunFolder, seconds: tuple[float, float]) -> CacheUse:
    """Compare two runs over the same scenes; ``seconds`` is what each took by the clock."""
    return CacheUse(expert_calls(first), expert_calls(second), *seconds)


def expert_calls(run: RunFolder) -> int:
    """Requests that reached an expert, over all attempts."""
    return sum(
        event.expert_calls
        for path in sorted((run.path / "episodes").glob("*.jsonl"))
        for event in read_events(path)
        if isinstance(event, ToolOutcome)
    )


def _begun(run: Path) -> int:
    try:
        return sum(1 for _ in (run / "episodes").iterdir())
    except FileNotFoundError:
        return 0


def _finished(run: Path) -> dict[Path, bytes]:
    paths = (run / "episodes").glob("*.jsonl")
    return {path: path.read_bytes() for path in paths if _ends(path)}


def _changed(before: dict[Path, bytes]) -> int:
    return sum(1 for path, data in before.items() if path.read_bytes() != data)


def _ends(path: Path) -> int:
    """How often an episode came to a final end."""
    if not path.exists():
        return 0
    return sum(
        1
        for event in read_events(path)
        if isinstance(event, EpisodeEnded) and event.status is not EpisodeStatus.INCOMPLETE
    )


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"

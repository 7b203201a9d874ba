"""A long day for a run: whatever can happen to it does, in turn, and what is left is compared.

``SURVEYOR_CHAOS_SECONDS`` says how long; each cycle is a whole run with one fault in its middle.
Then half as long again without killing the experts, so that one process of theirs grows old.
``SURVEYOR_CHAOS_LOG`` names a file that gets a line of JSON a cycle: what a long one that was
stopped has seen.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from surveyor.compose.demo import make_rooms
from surveyor.compose.session import reference_experts
from surveyor.memory.log import read_events
from surveyor.memory.runs import RunFolder
from surveyor.tools.endpoints import EndpointsFile
from tests.claims.claim import Claim
from tests.claims.experts.http_client import resident_bytes
from tests.claims.far.clock import HOUR, Clock, wall_clock
from tests.claims.far.network import Node, missing, network
from tests.claims.far.nodes import SIZE, Site, doors
from tests.claims.runner.crash_tests import Integrity, integrity, kill_process

ROOMS = range(63_100, 63_102)
SECONDS = 0.02
_DISK = "64M"
_SESSIONS = 8


@dataclass(frozen=True, slots=True)
class Struck:
    """What a fault may reach: the session, its node, the experts' process, the run's disk, and the
    time of day that all of them see."""

    session: subprocess.Popen[bytes]
    node: Node
    expert: int
    disk: Path
    clock: Clock | None


def _runner(at: Struck) -> None:
    at.session.kill()


def _preempted(at: Struck) -> None:
    at.session.terminate()


def _expert(at: Struck) -> None:
    kill_process(at.expert)


def _hung(at: Struck) -> None:
    os.kill(at.expert, signal.SIGSTOP)
    time.sleep(8)
    os.kill(at.expert, signal.SIGCONT)


def _network(at: Struck) -> None:
    at.node.cut()
    time.sleep(5)
    at.node.join()


def _disk(at: Struck) -> None:
    """Full until the session has ended of it."""
    filler = at.disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 12))
        except OSError:
            pass
    at.session.wait()
    filler.unlink()


def _clock(seconds: int) -> Callable[[Struck], None]:
    """Wrong until the session has ended, then right again: two jumps for the experts."""

    def strike(at: Struck) -> None:
        assert at.clock is not None
        at.clock.set(seconds)
        at.session.wait()
        at.clock.set(0)

    return strike


STRIKES: dict[str, Callable[[Struck], None]] = {
    "the runner is killed": _runner,
    "the runner is preempted": _preempted,
    "the experts are killed": _expert,
    "the experts hang for 8 s": _hung,
    "the network is cut for 5 s": _network,
    "the disk is full": _disk,
    "the clock jumps an hour ahead": _clock(HOUR),
    "the clock jumps an hour back": _clock(-HOUR),
}
_CLOCKS = frozenset(name for name in STRIKES if name.startswith("the clock"))
_ENDS_EXPERTS = frozenset({"the experts are killed"})


@dataclass(frozen=True, slots=True)
class Ground:
    """Where runs are struck; ``known`` is the file of the experts' endpoints."""

    site: Site
    known: Path
    disk: Path
    clock: Clock | None

    def expert(self) -> int:
        """The experts' process."""
        return EndpointsFile(self.known).read().experts[0].pid


@dataclass(frozen=True, slots=True)
class Cycle:
    """A run that was struck by ``fault``: how each session ended, what is left, what the experts
    hold in MiB, and the seconds by which the time of day strayed from the monotonic clock."""

    fault: str
    codes: tuple[int, ...]
    checked: Integrity
    memory: float
    strayed: float


def measure(folder: Path) -> Iterator[Claim]:
    """A row for each kind of fault, and the experts' memory while nobody killed them."""
    if why := missing():
        yield Claim.holds("chaos", False, "not run", why)
        return
    make_rooms(folder / "rooms", ROOMS, SIZE)
    seconds = float(os.environ.get("SURVEYOR_CHAOS_SECONDS", "240"))
    with (
        wall_clock(folder / "clock") as clock,
        reference_experts(folder / "rooms", "perfect", folder / "experts") as known,
        network(1) as (host, nodes),
        doors(known, host, folder, 1, SECONDS) as files,
        _small_disk(folder / "runs") as disk,
    ):
        ground = Ground(Site(folder, nodes, files), known, disk, clock)
        ground.site.run("whole", 1)
        faults = [name for name in STRIKES if clock or name not in _CLOCKS]
        spared = [name for name in faults if name not in _ENDS_EXPERTS]
        cycles = _cycles(ground, faults, seconds)
        aged = _cycles(ground, spared, seconds / 2)
    for name in faults:
        yield _row(name, [cycle for cycle in (*cycles, *aged) if cycle.fault == name])
    if clock is None:
        yield Claim.holds("chaos: the clock jumps", False, "skipped", "needs faketime (Debian)")
    yield _flat([cycle.memory for cycle in aged])


def _cycles(ground: Ground, faults: list[str], seconds: float) -> list[Cycle]:
    """Runs, each with the next fault, until the time is over and every fault was met."""
    until, rng, done = time.monotonic() + seconds, random.Random(0), list[Cycle]()
    site, log = ground.site, os.environ.get("SURVEYOR_CHAOS_LOG")
    whole = site.whole("whole", 1)
    while time.monotonic() < until or len(done) < len(faults):
        fault = faults[len(done) % len(faults)]
        name = f"struck-{len(faults)}-{len(done)}"  # of its own: nothing is remembered for it
        codes = _cycle(ground, name, STRIKES[fault], rng.uniform(0.1, 0.8))
        run = site.whole(name, 1)
        checked, strayed = integrity(run, whole), _strayed(run)
        for left in (site.part(name, 1), site.cache(name, 1)):
            subprocess.run(["rm", "-rf", str(left)], check=True)
        held = resident_bytes(ground.expert()) / 2**20
        done.append(Cycle(fault, codes, checked, held, strayed))
        if log:
            with Path(log).open("a") as file:
                print(json.dumps({"at": time.time(), **asdict(done[-1])}), file=file)
    return done


def _cycle(
    ground: Ground, name: str, strike: Callable[[Struck], None], share: float
) -> tuple[int, ...]:
    """One run, struck once in its middle, repeated by the same command until it is whole; the exit
    codes of its sessions."""
    site, expert = ground.site, ground.expert()
    log, codes = site.part(name, 1) / "episodes", list[int]()
    while len(codes) < _SESSIONS and codes[-1:] != [0]:
        session = site.start(name, 1, 1, 0)
        while not codes and session.poll() is None:
            if log.is_dir() and len(list(log.iterdir())) >= share * 14:
                strike(Struck(session, site.nodes[0], expert, ground.disk, ground.clock))
                break
            time.sleep(0.02)
        codes.append(session.wait())
    return tuple(codes)


def _strayed(run: RunFolder) -> float:
    events = (e for log in (run.path / "episodes").glob("*.jsonl") for e in read_events(log))
    ahead = [event.t - event.mono for event in events]
    return max(ahead) - min(ahead)


def _row(name: str, cycles: list[Cycle]) -> Claim:
    faults = sum(cycle.checked.faults for cycle in cycles)
    ends = Counter(cycle.codes for cycle in cycles)
    told = "; ".join(f"{count} x exit {codes}" for codes, count in ends.most_common(3))
    note = f"{sum(cycle.checked.total for cycle in cycles)} episodes; {told}"
    if name in _CLOCKS:
        note += f"; seen in {sum(cycle.strayed > HOUR / 2 for cycle in cycles)} of {len(cycles)}"
    return Claim.at_most(f"chaos: {name}: lost, twice or otherwise", faults, 0, note)


def _flat(memory: list[float]) -> Claim:
    """How much more the experts hold at most in the second half than in the first."""
    half = len(memory) // 2
    grown = max(memory[half:]) / max(memory[:half]) - 1
    curve = " ".join(f"{held:.0f}" for held in memory[:: max(1, len(memory) // 12)])
    note = f"MiB over {len(memory)} runs: {curve}"
    return Claim.at_most("chaos: growth of the experts' memory, second half", grown, 0.1, note)


@contextmanager
def _small_disk(place: Path) -> Iterator[Path]:
    """A disk of `_DISK` for runs."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(place)]
    subprocess.run(mount, check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)

"""A long day for a run: whatever can happen to it does, in turn, and what is left is compared.

``SURVEYOR_CHAOS_SECONDS`` says how long; each cycle is a whole run with one fault in its middle.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from surveyor.compose.demo import make_rooms
from surveyor.compose.session import reference_experts
from surveyor.tools.endpoints import EndpointsFile
from tests.claims.claim import Claim
from tests.claims.experts.http_client import resident_bytes
from tests.claims.far.network import Node, missing, network
from tests.claims.far.nodes import SIZE, Site, doors
from tests.claims.runner.crash_tests import Integrity, integrity, kill_process

ROOMS = range(63_100, 63_102)
SECONDS = 0.02
_DISK = "64M"
_SESSIONS = 8


@dataclass(frozen=True, slots=True)
class Struck:
    """What a fault may reach: the session, its node, the experts' process, the run's disk."""

    session: subprocess.Popen[bytes]
    node: Node
    expert: int
    disk: Path


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


STRIKES: dict[str, Callable[[Struck], None]] = {
    "the runner is killed": _runner,
    "the runner is preempted": _preempted,
    "the experts are killed": _expert,
    "the experts hang for 8 s": _hung,
    "the network is cut for 5 s": _network,
    "the disk is full": _disk,
}


def measure(folder: Path) -> Iterator[Claim]:
    """A row for each kind of fault, and the experts' memory over all of it."""
    if why := missing():
        yield Claim.holds("chaos", False, "not run", why)
        return
    make_rooms(folder / "rooms", ROOMS, SIZE)
    until = time.monotonic() + float(os.environ.get("SURVEYOR_CHAOS_SECONDS", "240"))
    rng, memory = random.Random(0), list[int]()
    seen: dict[str, list[Integrity]] = {name: [] for name in STRIKES}
    with (
        reference_experts(folder / "rooms", "perfect", folder / "experts") as known,
        network(1) as (host, nodes),
        doors(known, host, folder, 1, SECONDS) as files,
        _small_disk(folder / "runs") as disk,
    ):
        site = Site(folder, nodes, files)
        site.run("whole", 1)
        whole = site.whole("whole", 1)
        cycle = 0
        while time.monotonic() < until or cycle < len(STRIKES):
            name = list(STRIKES)[cycle % len(STRIKES)]
            expert = EndpointsFile(known).read().experts[0].pid
            _cycle(site, f"run-{cycle}", STRIKES[name], expert, disk, rng.uniform(0.1, 0.8))
            seen[name].append(integrity(site.whole(f"run-{cycle}", 1), whole))
            subprocess.run(["rm", "-rf", str(site.part(f"run-{cycle}", 1))], check=True)
            memory.append(resident_bytes(EndpointsFile(known).read().experts[0].pid))
            cycle += 1
    for name, checks in seen.items():
        yield _row(name, checks)
    half = len(memory) // 2
    grown = max(memory[half:]) / max(memory[:half]) - 1
    note = f"{cycle} runs; at most {max(memory) / 2**20:.0f} MiB"
    yield Claim.at_most("chaos: growth of the experts' memory, second half", grown, 0.1, note)


def _cycle(
    site: Site, name: str, strike: Callable[[Struck], None], expert: int, disk: Path, share: float
) -> None:
    """One run, struck once in its middle, repeated by the same command until it is whole."""
    log = site.part(name, 1) / "episodes"
    for attempt in range(_SESSIONS):
        session = site.start(name, 1, 1, 0)
        while attempt == 0 and session.poll() is None:
            if log.is_dir() and len(list(log.iterdir())) >= share * 14:
                strike(Struck(session, site.nodes[0], expert, disk))
                break
            time.sleep(0.02)
        if session.wait() == 0:
            return


def _row(name: str, checks: list[Integrity]) -> Claim:
    faults = sum(check.faults for check in checks)
    note = f"{len(checks)} times, {sum(check.total for check in checks)} episodes"
    return Claim.at_most(f"chaos: {name}: lost, twice or otherwise", faults, 0, note)


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

"""A run in shards on three nodes: what more nodes bring, what a bad link or a dead node costs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from surveyor.benchmarks.capacity import makespan, measured
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.run.merge import merge
from surveyor.benchmarks.scoring import score_apart
from surveyor.compose.demo import make_rooms
from surveyor.compose.session import reference_experts
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.embedded import RoomsSettings
from surveyor.tools.endpoints import EndpointsFile, url_of
from tests.claims.claim import Claim
from tests.claims.far.network import Node, missing, network
from tests.claims.far.paced import paced
from tests.claims.runner.crash_tests import integrity

ROOMS = range(63_000, 63_006)
NODES = 3
SECONDS = 0.5
"""What an expert's request takes on a node's own accelerator, one at a time."""
SIZE = RoomsSettings(n_frames=8, size=(320, 240), per_type=1, light_rays=1)
_TRIES = 6

Strike = Callable[[Node], None]


def measure(folder: Path) -> Iterator[Claim]:
    """Throughput at one, two and three nodes, then three faults; about ten minutes."""
    why = missing()
    if why is not None:
        yield Claim.holds("runs on three nodes", False, "not run", why)
        return
    make_rooms(folder / "rooms", ROOMS, SIZE)
    with (
        reference_experts(folder / "rooms", "perfect", folder / "experts") as known,
        network(NODES) as (host, nodes),
        doors(known, host, folder, NODES, SECONDS) as files,
    ):
        site = Site(folder, nodes, files)
        alone = site.run("one", 1)
        yield _simulated(site.part("one", 1), alone)
        whole = site.whole("one", 1)
        for count in (2, 3):
            seconds = site.run(f"of-{count}", count)
            name = f"{count} nodes: throughput over {count} times that of one"
            note = f"{alone:.0f} s on one node, {seconds:.0f} s on {count}"
            yield Claim.at_least(name, alone / seconds / count, 0.85, note)
        for number, (name, strike) in enumerate(_FAULTS.items()):
            seconds = site.run(f"fault-{number}", NODES, strike)
            checked = integrity(site.whole(f"fault-{number}", NODES), whole)
            note = f"{checked.total} episodes, {seconds:.0f} s"
            yield Claim.at_most(f"a node {name}: episodes lost", checked.lost, 0, note)
            yield Claim.at_most(f"a node {name}: scored twice or otherwise", checked.faults, 0)


def _simulated(run: Path, seconds: float) -> Claim:
    """The queues of `surveyor capacity`, held against what was measured."""
    load = measured(RunFolder.open(run))
    each, lanes = dict.fromkeys(load.requests, SECONDS), dict.fromkeys(load.requests, 1)
    told = makespan(load.episodes, each, lanes, RunConfig(dataset="").concurrency)
    off = abs(told / load.seconds - 1)
    note = f"{told:.0f} s simulated, {load.seconds:.0f} s measured ({seconds:.0f} s with the start)"
    return Claim.at_most("one node: simulated queues differ from the run by", off, 0.15, note)


def _cut(node: Node) -> None:
    node.cut()
    time.sleep(10)
    node.join()


def _slow(node: Node) -> None:
    node.slow("256kbit")


_FAULTS: dict[str, Strike] = {
    "cut off for 10 s": _cut,
    "slowed to 256 kbit/s": _slow,
    "lost for good": Node.lose,
}


@dataclass(frozen=True, slots=True)
class Site:
    """``doors`` are the endpoints files of the nodes, each with experts of its own."""

    folder: Path
    nodes: list[Node]
    doors: list[Path]

    def shard(self, name: str, part: int, count: int, on: int) -> list[str]:
        """The command of one part on one node; the folder is on a disk that all share."""
        cache = f"SURVEYOR_CACHE={self.cache(name, part)}"
        run = [sys.executable, "-m", "surveyor.cli.main", "run", str(self.folder / "rooms")]
        where = ["--out", str(self.part(name, part)), "--experts", str(self.doors[on])]
        only = ["--shard", f"{part}/{count}"] if count > 1 else []
        return self.nodes[on].command(["env", cache, *run, *where, *only])

    def part(self, name: str, part: int) -> Path:
        return self.folder / "runs" / f"{name}.{part}"

    def cache(self, name: str, part: int) -> Path:
        return self.folder / "cache" / f"{name}-{part}"

    def run(self, name: str, count: int, strike: Strike | None = None) -> float:
        """All parts at once, each on its node, repeated elsewhere until whole; seconds."""
        began = time.monotonic()
        running = [self.start(name, part, count, part - 1) for part in range(1, count + 1)]
        if strike is not None:
            while not list((self.part(name, count) / "episodes").glob("*")):
                time.sleep(0.1)
            strike(self.nodes[count - 1])
        for part, child in enumerate(running, 1):
            tries = 0
            while child.wait() != 0 and tries < _TRIES:
                tries += 1  # the same command, on a node that lives
                child = self.start(name, part, count, 0)
        return time.monotonic() - began

    def start(self, name: str, part: int, count: int, on: int) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        log = (self.folder / f"{name}.{part}.log").open("ab")
        command = self.shard(name, part, count, on)
        return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=log)

    def whole(self, name: str, count: int) -> RunFolder:
        """The run of all parts, merged and scored."""
        if count == 1:
            run = RunFolder.open(self.part(name, 1))
        else:
            parts = [RunFolder.open(self.part(name, part)) for part in range(1, count + 1)]
            run = merge(self.folder / "runs" / name, parts)
        score_apart(run, self.folder / "rooms")
        return run


@contextmanager
def doors(known: Path, host: str, folder: Path, count: int, seconds: float) -> Iterator[list[Path]]:
    """For each node the experts behind accelerators of its own, as files of endpoints."""
    source = EndpointsFile(known)

    def now(expert: str) -> Callable[[], str]:
        return lambda: url_of(source.read(), expert)

    with ExitStack() as stack:
        files = []
        for k in range(count):
            experts = []
            for one in source.read().experts:
                url = stack.enter_context(paced(now(one.expert), host, seconds))
                experts.append(one.model_copy(update={"url": url}))
            path = folder / f"endpoints-{k}.json"
            served = source.read().model_copy(update={"experts": tuple(experts)})
            path.write_text(served.model_dump_json())
            files.append(path)
        yield files

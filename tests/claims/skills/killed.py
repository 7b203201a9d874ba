"""What happens to an evolution that is killed, and to two evolutions of one library.

Processes are real and killed with SIGKILL at moments drawn over a whole evolution; the episodes
are those of a made-up world (`tests.claims.skills.world`), because what is judged is whether a
library ends the same, not what it learned.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.claims.claim import Claim

KILLS = 20
ROOMS = 24


def measure(kills: int = KILLS, rooms: int = ROOMS, seed: int = 0) -> Iterator[Claim]:
    """Killed and resumed, and two at once, against one that was left alone."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        said = _start(root / "alone", rooms).communicate()[0]
        alone, lines = _snapshot(said), len(said.splitlines())
        rng = random.Random(seed)
        stages: Counter[str] = Counter()
        ends: list[str] = []
        while sum(stages.values()) < kills:
            library = root / f"killed{len(ends)}"
            for _ in range(2):
                stage = _killed(library, rooms, rng.randrange(lines), rng.uniform(0.0, 0.05))
                stages += Counter([stage] if stage else [])
            ends.append(_snapshot(_start(library, rooms).communicate()[0]))
        yield Claim.at_most(
            "faults: evolutions whose snapshot hash differs after kill -9 and resuming",
            sum(end != alone for end in ends) if alone else len(ends),
            0,
            f"{len(ends)} evolutions, killed in: "
            + ", ".join(f"{stage} {count}" for stage, count in sorted(stages.items())),
        )
        yield _two(root / "two", rooms, alone)


def _two(library: Path, rooms: int, alone: str) -> Claim:
    """Two processes at once on one library: one is refused by name, the other ends as if alone."""
    children = [_start(library, rooms) for _ in range(2)]
    told = [child.communicate() for child in children]
    codes = [child.returncode for child in children]
    said = "".join(out for out, _ in told)
    refused = "".join(err for _, err in told)
    ok = sorted(codes) == [0, 2] and str(library) in refused and _snapshot(said) == alone
    return Claim.holds(
        "faults: of two evolutions of one library one is refused, the other ends as if alone",
        ok and bool(alone),
        note=refused.strip().replace(str(library), "LIBRARY")[-90:],
    )


def _killed(library: Path, rooms: int, lines: int, delay: float) -> str:
    """Kill an evolution ``delay`` seconds after it said so many lines; the stage that it had
    reached, or nothing when it ended before."""
    child = _start(library, rooms)
    assert child.stdout is not None
    said = [child.stdout.readline() for _ in range(lines)]
    time.sleep(delay)
    child.send_signal(signal.SIGKILL)
    rest, _ = child.communicate()
    if child.returncode != -signal.SIGKILL:
        return ""
    last = ("".join(said) + rest).split("\n")[:-1][-1:]
    return last[0].split()[0] if last else "start"


def _start(library: Path, rooms: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.claims.skills.world", str(library), str(rooms)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _snapshot(said: str) -> str:
    last = said.splitlines()[-1:] or [""]
    return last[0].removeprefix("snapshot ") if last[0].startswith("snapshot ") else ""

"""Claims of starting: how soon the reference experts of a run answer, and what they weigh.

Run on another checkout by copying this file there: it needs nothing but the command line.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.claims.claim import Claim

_SEEDS = (8900, 8901)
_TRIES = 3
_PERIOD = 0.1


@dataclass(frozen=True, slots=True)
class Weighed:
    """One run: seconds until its experts answered, seconds in all, and what its processes and
    those of its experts among them took of memory."""

    ready: float
    seconds: float
    whole: Peak
    experts: Peak


def measure() -> Iterator[Claim]:
    """Every claim of the start; the memory of processes is Linux's to tell."""
    from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset

    with tempfile.TemporaryDirectory(prefix="surveyor-claims-") as name:
        folder = Path(name)
        dataset = folder / "dataset"
        make_rooms_dataset(dataset, _SEEDS, settings=RoomsSettings(n_frames=16, per_type=4))
        runs = [weigh(dataset, folder / f"run-{number}") for number in range(_TRIES)]
    best = min(runs, key=lambda one: one.experts.pss)
    whole, experts = best.whole, best.experts
    tries = ", ".join(f"{one.ready:.1f}" for one in runs)
    ready = min(one.ready for one in runs)
    # "before": each of the seven experts in a process of its own; two cores, which others used too.
    yield Claim.at_most("experts ready (s, best)", ready, 20, f"tries: {tries}; before: 19.5")
    yield Claim.at_most("processes of a run", whole.processes, 4, "before: 12")
    yield Claim.at_most("experts, peak of RSS (MiB)", experts.rss, 300, "before: 712")
    yield Claim.at_most("experts, peak of PSS (MiB)", experts.pss, 220, "before: 385")
    yield Claim.at_most("whole run, peak of RSS (MiB)", whole.rss, 700, "before: 1062")
    yield Claim.at_most("whole run, peak of PSS (MiB)", whole.pss, 520, "before: 650")


def weigh(dataset: Path, out: Path) -> Weighed:
    """Run the command line on ``dataset`` with experts of its own, seven of them, and watch."""
    command = [sys.executable, "-m", "surveyor.cli.main", "run", str(dataset)]
    command += ["--out", str(out), "--skills", "builtin"]
    state = out.with_name(out.name + ".experts")
    began, ready = time.perf_counter(), 0.0
    whole, experts = Peak(), Peak()
    with subprocess.Popen(command, env=_apart(out), stdout=subprocess.DEVNULL) as run:
        while run.poll() is None:
            if not ready and (state / "endpoints.json").exists():
                ready = time.perf_counter() - began
            whole.look(run.pid)
            with contextlib.suppress(OSError, ValueError):
                experts.look(int((state / "supervisor.lock").read_text()))
            time.sleep(_PERIOD)
    assert run.returncode == 0, f"the run ended with {run.returncode}"
    return Weighed(ready, time.perf_counter() - began, whole, experts)


@dataclass(slots=True)
class Peak:
    """The largest sums seen over a process and its descendants: resident memory and proportional
    (MiB), and how many there were."""

    rss: float = 0.0
    pss: float = 0.0
    processes: int = 0

    def look(self, pid: int) -> None:
        family = _family(pid)
        sums = [_memory(one) for one in family]
        self.rss = max(self.rss, sum(rss for rss, _ in sums))
        self.pss = max(self.pss, sum(pss for _, pss in sums))
        self.processes = max(self.processes, sum(rss > 0 for rss, _ in sums))


def _apart(out: Path) -> dict[str, str]:
    """The environment of a run that finds no expert's answer of another."""
    return {**os.environ, "SURVEYOR_CACHE": str(out.with_name(out.name + ".cache"))}


def _family(pid: int) -> list[int]:
    """A process and everything that it started, at any depth."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def _memory(pid: int) -> tuple[float, float]:
    """Resident and proportional memory (MiB); nothing of a process that is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return 0.0, 0.0
    kib = {name: float(rest.split()[0]) for name, _, rest in (x.partition(":") for x in lines)}
    return kib.get("Rss", 0.0) / 1024, kib.get("Pss", 0.0) / 1024

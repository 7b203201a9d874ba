"""Running the shards of one run: here, as a Slurm array, or on a Ray cluster.

A launcher only starts commands; a shard is an ordinary run with ``--shard i/n`` in a folder of its
own, so whatever ends it, the same command resumes it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from surveyor.core.errors import UserError

Command = tuple[str, ...]
PART = "SURVEYOR_PART"
"""Set where a shard was started by a command that tells itself what Ctrl-C left."""


@dataclass(frozen=True, slots=True)
class Shards:
    """The commands of a run in ``count`` parts. ``base`` is `surveyor run DATASET ...` without
    ``--out`` and ``--shard``; ``out`` is the folder that the merged run will have. ``shared`` is
    the URL below which the parts are found that machines share, if they do."""

    base: Command
    out: Path
    count: int
    shared: str = ""

    def folder(self, index: int) -> Path:
        """Where part ``index`` (from 1) is run."""
        return self.out.with_name(f"{self.out.name}.shard-{index}-of-{self.count}")

    def command(self, index: int) -> Command:
        """The command of part ``index`` (from 1)."""
        where = str(self.folder(index))
        return (*self.base, "--shard", f"{index}/{self.count}", "--out", where)

    @property
    def merge(self) -> Command:
        """The command that puts the parts together."""
        return ("surveyor", "merge", str(self.out), *self.parts)

    @property
    def parts(self) -> Command:
        """The parts' folders, or their URLs where they are shared."""
        folders = (self.folder(index) for index in range(1, self.count + 1))
        return tuple(f"{self.shared}/{one.name}" if self.shared else str(one) for one in folders)


@dataclass(frozen=True, slots=True)
class SlurmResources:
    """What one array task asks for; ``time`` as Slurm writes it, ``extra`` are raw options."""

    time: str = "04:00:00"
    cpus: int = 4
    memory: str = "16G"
    gpus: int = 0
    partition: str = ""
    at_once: int = 0
    extra: tuple[str, ...] = ()


def run_here(shards: Shards, at_once: int = 2) -> dict[int, int]:
    """Run all shards as processes of this machine, ``at_once`` at a time; exit codes by index."""
    indexes, told = range(1, shards.count + 1), {**os.environ, PART: "1"}
    with ThreadPoolExecutor(at_once) as pool:
        codes = pool.map(lambda index: subprocess.call(shards.command(index), env=told), indexes)
        return dict(zip(indexes, codes, strict=True))


def slurm_script(shards: Shards, resources: SlurmResources | None = None) -> str:
    """A batch script for ``sbatch``: an array with one task per shard, requeued when preempted.

    The runner ends in order on SIGTERM, and a requeued task resumes its shard.
    """
    wanted = resources or SlurmResources()
    array = f"1-{shards.count}" + (f"%{wanted.at_once}" if wanted.at_once else "")
    options = [
        f"--job-name={shards.out.name}",
        f"--array={array}",
        f"--time={wanted.time}",
        f"--cpus-per-task={wanted.cpus}",
        f"--mem={wanted.memory}",
        "--requeue",
        "--signal=B:TERM@60",  # without B only steps hear it, and a script is none
        f"--output={shards.out.name}-%A-%a.log",
        *((f"--gpus-per-task={wanted.gpus}",) if wanted.gpus else ()),
        *((f"--partition={wanted.partition}",) if wanted.partition else ()),
        *wanted.extra,
    ]
    folder = shlex.quote(f"{shards.out}.shard-")
    index, count = '"$SLURM_ARRAY_TASK_ID"', shards.count
    return "\n".join(
        [
            "#!/bin/bash",
            *(f"#SBATCH {option}" for option in options),
            "set -euo pipefail",
            "# When every task has ended: " + shlex.join(shards.merge),
            f"exec {shlex.join(shards.base)} --shard {index}/{count} "
            f"--out {folder}{index}-of-{count}",
            "",
        ]
    )


def run_on_ray(shards: Shards, address: str | None = None, cpus: float = 1) -> dict[int, int]:
    """Run all shards as Ray tasks of ``cpus`` each; exit codes by index.

    On the cluster at ``address`` or ``RAY_ADDRESS``, all of whose nodes must share this folder; on
    one that is started here for as long as it takes where neither is given. Raises `UserError`
    when Ray is not installed or the cluster cannot be reached.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise UserError("Ray is not installed; `pip install '.[ray]'` brings it") from None
    where = address or os.environ.get("RAY_ADDRESS")
    try:
        ray.init(address=where, ignore_reinit_error=True, include_dashboard=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError(f"no Ray cluster answers at {where or 'this machine'}: {error}") from None
    try:
        # Workers start in folders of their own: the user's is where relative paths begin.
        start = ray.remote(num_cpus=cpus, max_retries=0)(subprocess.call)
        here, known = str(Path.cwd()), dict(os.environ)
        indexes = range(1, shards.count + 1)
        started = [
            start.remote(list(shards.command(index)), cwd=here, env=known) for index in indexes
        ]
        return dict(zip(indexes, ray.get(started), strict=True))
    finally:
        ray.shutdown()

"""Runs in shards: started here, on a Ray cluster, or handed to Slurm as a script."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from surveyor.benchmarks.run.launch import Shards, run_here, run_on_ray, slurm_script
from surveyor.benchmarks.run.merge import merge
from surveyor.benchmarks.run.schedule import select
from surveyor.benchmarks.scoring import metric_of, score_apart
from surveyor.compose.session import MADE_BY, Request, dataset_folder, ended, write_page
from surveyor.compose.sharing import gathered
from surveyor.compose.tables import show
from surveyor.core.dataset import Dataset
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.tasks import Task
from surveyor.core.wording import many
from surveyor.core.workers import python_module
from surveyor.memory.runs import RunFolder
from surveyor.memory.shared_runs import runs_url

LAUNCHERS = ("here", "slurm", "ray")
_TAKEN = frozenset({"--shards", "--launcher", "--out"})
_MADE = frozenset(f"--{name}" for names in MADE_BY.values() for name in names)
"""How a dataset is made: said no more to parts, which are told where it is."""


def launch(request: Request, count: int, launcher: str, arguments: Sequence[str] = ()) -> None:
    """Run a request in ``count`` shards and merge them; for Slurm, print the script instead.

    ``arguments`` are those of `surveyor run`, of this process when left out. Raises `UserError`
    for an unknown launcher, before anything is made, and `InfrastructureError` when a shard did
    not end well: the same command takes it up again.
    """
    if launcher not in LAUNCHERS:
        raise UserError(f"there is no launcher {launcher!r}; choose: {', '.join(LAUNCHERS)}")
    if request.config.shard is not None:
        raise UserError("say --shards to run all parts, or --shard i/n to run one; not both")
    dataset = dataset_folder(request)
    tasks = select(Dataset.open(dataset).tasks(), request.config)
    _check_enough(tasks, count)
    base = _base(arguments or sys.argv[1:], request, dataset)
    shared = runs_url(request.store) if request.store else ""
    shards = Shards(base, request.folder(dataset), count, shared)
    if launcher == "slurm":
        sys.stdout.write(slurm_script(shards))
        return
    if shards.out.exists():
        raise UserError(f"{shards.out} exists already; choose another --out")
    try:
        codes = run_here(shards) if launcher == "here" else run_on_ray(shards)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_saved(shards, len(tasks) * request.config.epochs)) from None
    if failed := [index for index, code in codes.items() if code != 0]:
        raise InfrastructureError(
            f"{len(failed)} of {many(count, 'shard')} did not end well, the first "
            f"{failed[0]}/{count} (exit code {codes[failed[0]]}); run the same command "
            "again to complete them"
        )
    _put_together(shards, dataset, request.config.types)


def _check_enough(tasks: Sequence[Task], count: int) -> None:
    """Shards are whole scenes, so that they share no expert call; an empty one would be refused."""
    scenes = len({task.scene_id for task in tasks})
    if count > scenes:
        raise UserError(
            f"these tasks are about {many(scenes, 'scene')} and cannot be split into {count} "
            f"shards; say --shards {scenes} or fewer"
        )


def _saved(shards: Shards, total: int) -> str:
    """How many episodes have ended in the shards that were begun."""
    folders = [shards.folder(index) for index in range(1, shards.count + 1)]
    done = sum(ended(RunFolder.open(one)) for one in folders if (one / "run.json").exists())
    return f"{done} of {many(total, 'episode')} saved in the shards of {shards.out}"


def _put_together(shards: Shards, dataset: Path, types: Sequence[str]) -> None:
    with gathered(shards.parts, shards.out) as parts:
        whole = merge(shards.out, parts)
    report = score_apart(whole, dataset, metric_of(dataset, types))
    show({report.planner: report})
    print(f"report: {write_page([whole], dataset)}")


def _base(arguments: Sequence[str], request: Request, dataset: Path) -> tuple[str, ...]:
    """The command of one shard without its place: what the user typed, with the dataset that was
    made once for all of them."""
    kept: list[str] = []
    rest = iter(arguments[1:] if arguments[:1] == ["run"] else arguments)
    taken = _TAKEN | _MADE if request.config.dataset in arguments else _TAKEN
    for word in rest:
        name, has_value, _ = word.partition("=")
        if name in taken:
            if not has_value:
                next(rest, None)
            continue
        kept.append(str(dataset) if word == request.config.dataset else word)
    return tuple(python_module("surveyor.cli.main", "run", *kept))

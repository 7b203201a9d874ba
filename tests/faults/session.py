"""One session of a run in a process of its own: ``python -m tests.faults.session ...``.

The real dataset, client, tools, program planner and runner, with little patience for experts that
are gone. With ``--linger`` it then waits for the end of its input, so that it can be looked into;
``--peek`` does what no planner process may do, and loads the answers.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from surveyor.agent.limits import Limits
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.benchmarks.run.baselines import equip
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.run.provenance import record
from surveyor.benchmarks.run.schedule import scheduled, select
from surveyor.benchmarks.runner import EpisodeContext, RunContext, SessionSummary, run_dataset
from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import Dataset
from surveyor.core.object_store import ObjectStore
from surveyor.core.tasks import Task
from surveyor.memory.manifest import DatasetIdentity
from surveyor.memory.runs import RunFolder
from surveyor.tools.builtin import default_tools
from surveyor.tools.cache import ResultCache
from surveyor.tools.endpoints import EndpointsFile
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.tools.shared_answers import SharedAnswers
from surveyor.tools.transport import RetryPolicy
from surveyor.tools.workspace import Workspace

POLICY = RetryPolicy(attempts=3, wall=20.0, pause=0.05)


async def session(
    dataset: Dataset, run: Path, endpoints: Path, cache: Path, config: RunConfig, store: str = ""
) -> SessionSummary:
    """Answer what the run owes."""
    tasks = select(dataset.tasks(), config)
    identity = DatasetIdentity(
        name=dataset.manifest.name, content_hash=dataset.manifest.content_hash
    )
    folder = RunFolder.create(run, record(run.name, config, identity), map(scheduled, tasks))
    client = ExpertClient(
        EndpointsFile(endpoints),
        BlobStore(cache / "blobs"),
        ResultCache(cache / "answers.sqlite"),
        policy=POLICY,
        originals=(dataset.blobs,),
        shared=SharedAnswers(ObjectStore.open(store)) if store else None,
    )

    def setting(task: Task) -> EpisodeContext:
        workspace = Workspace(task, client)
        return EpisodeContext(workspace, workspace.frame_handles)

    tools = equip(Registry(default_tools()), config)
    bench = RunContext(ProgramPlanner(), tools, setting, Limits())
    try:
        return await run_dataset(folder, tasks, bench, config)
    finally:
        await client.aclose()


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("dataset", "run", "endpoints"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--store", default="")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--linger", action="store_true")
    parser.add_argument("--peek", action="store_true")
    given = parser.parse_args()
    config = RunConfig(
        dataset=str(given.dataset),
        epochs=given.epochs,
        concurrency=given.concurrency,
        give_up_after=6,
    )
    dataset = Dataset.open(given.dataset)
    cache = given.cache or given.run.with_name(given.run.name + ".cache")
    if given.peek:
        from surveyor.scenes.datasets.truth import targets

        known = targets(given.dataset)
    summary = asyncio.run(session(dataset, given.run, given.endpoints, cache, config, given.store))
    if given.linger:
        sys.stdout.write("done\n")
        sys.stdout.flush()
        sys.stdin.read()
    if given.peek:
        assert known
    return 0 if summary.complete else 3


if __name__ == "__main__":
    sys.exit(main())

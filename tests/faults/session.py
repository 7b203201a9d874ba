"""One session of a run in a process of its own: ``python -m tests.faults.session ...``.

The real suite, client, tools, program planner and runner, with little patience for experts that
are gone. With ``--linger`` it then waits for the end of its input, so that it can be looked into;
``--peek`` does what no planner process may do, and loads the answers.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from agent.limits import Limits
from agent.program.planner import ProgramPlanner
from benchmarks.run.baselines import equip
from benchmarks.run.config import RunConfig
from benchmarks.run.provenance import record
from benchmarks.run.schedule import scheduled, select
from benchmarks.runner import Bench, SessionSummary, Setting, run_suite
from memory.blobs import BlobStore
from memory.manifest import SuiteIdentity
from memory.runs import RunFolder
from scenes.suite import Suite
from scenes.tasks import Task
from tools.cache import ResultCache
from tools.endpoints import EndpointsFile
from tools.experts import ExpertClient
from tools.registry import Registry
from tools.toolbox import default_tools
from tools.transport import RetryPolicy
from tools.workspace import Workspace

POLICY = RetryPolicy(attempts=3, wall=20.0, pause=0.05)


async def session(
    suite: Suite, run: Path, endpoints: Path, cache: Path, config: RunConfig
) -> SessionSummary:
    """Answer what the run owes."""
    tasks = select(suite.tasks(), config)
    identity = SuiteIdentity(name=suite.manifest.name, content_hash=suite.manifest.content_hash)
    folder = RunFolder.create(run, record(run.name, config, identity), map(scheduled, tasks))
    client = ExpertClient(
        EndpointsFile(endpoints),
        BlobStore(cache / "blobs"),
        ResultCache(cache / "answers.sqlite"),
        policy=POLICY,
        originals=(suite.blobs,),
    )

    def setting(task: Task) -> Setting:
        workspace = Workspace(task, client)
        return Setting(workspace, workspace.frame_handles)

    tools = equip(Registry(default_tools()), config)
    bench = Bench(ProgramPlanner(), tools, setting, Limits())
    try:
        return await run_suite(folder, tasks, bench, config)
    finally:
        await client.aclose()


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("suite", "run", "endpoints"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--linger", action="store_true")
    parser.add_argument("--peek", action="store_true")
    given = parser.parse_args()
    config = RunConfig(
        suite=str(given.suite),
        epochs=given.epochs,
        concurrency=given.concurrency,
        give_up_after=6,
    )
    suite = Suite.open(given.suite)
    cache = given.cache or given.run.with_name(given.run.name + ".cache")
    if given.peek:
        from scenes.suite_truth import targets

        known = targets(given.suite)
    summary = asyncio.run(session(suite, given.run, given.endpoints, cache, config))
    if given.linger:
        sys.stdout.write("done\n")
        sys.stdout.flush()
        sys.stdin.read()
    if given.peek:
        assert known
    return 0 if summary.complete else 3


if __name__ == "__main__":
    sys.exit(main())

"""A small bench: a real dataset on disk, a real registry and workspace, a scripted planner."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from io import BytesIO
from pathlib import Path

import httpx2
from PIL import Image

from surveyor.agent.limits import Limits
from surveyor.agent.planner import PlannerInput, Turn
from surveyor.agent.scripted import Play, ScriptedPlanner
from surveyor.benchmarks.run.baselines import equip
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.run.provenance import record
from surveyor.benchmarks.run.schedule import scheduled, select
from surveyor.benchmarks.runner import EpisodeContext, RunContext, SessionSummary, run_dataset
from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import Dataset
from surveyor.core.errors import InfrastructureError
from surveyor.core.tasks import Task
from surveyor.memory.manifest import DatasetIdentity
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.writer import DatasetPlan, EncodedFrame, SceneBundle, write_dataset
from surveyor.scenes.questions.asking import ask
from surveyor.services.contract import Endpoints
from surveyor.tools.endpoints import FixedEndpoints
from surveyor.tools.experts import ExpertClient
from surveyor.tools.records import MeasureRecord
from surveyor.tools.registry import Registry
from surveyor.tools.spec import Arguments, CallRequest, Effects, Tool, ToolResult
from surveyor.tools.workspace import Workspace
from tests.scenes.worlds import living_room

SCENES = ("living", "studio", "attic")


def make_dataset(
    path: Path, scenes: tuple[str, ...] = SCENES, n_frames: int = 3, split: str = "test"
) -> Dataset:
    """A dataset of hand-made rooms with tiny real pictures."""

    def build(scene_id: str) -> SceneBundle:
        pictures = tuple(
            EncodedFrame(time=0.5 * k, data=jpeg(k), media_type="image/jpeg", width=64, height=48)
            for k in range(n_frames)
        )
        return SceneBundle(living_room(scene_id, n_frames), fps=2.0, pictures=pictures)

    plan = DatasetPlan(name="tiny", generator="test", seed=3, scenes=scenes, split=split)
    write_dataset(path, plan, build, partial(ask, dataset="tiny", split=split, seed=3))
    return Dataset.open(path)


def jpeg(shade: int) -> bytes:
    """A 64x48 picture."""
    image = Image.new("RGB", (64, 48), (60 + 40 * shade, 120, 160))
    out = BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


class Look(Arguments):
    """Arguments of the test tool."""

    what: str


@dataclass
class World:
    """What the test tool meets: counted, and breakable."""

    looked: list[str] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    broken: Callable[[Task], bool] = lambda task: False

    async def look(self, arguments: Look, workspace: Workspace) -> ToolResult:
        """Look at something; fails like an expert that is gone while ``broken`` says so."""
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        if self.broken(workspace.task):
            raise InfrastructureError("the detect expert cannot be reached")
        self.looked.append(workspace.task.id)
        seen, sources = value(workspace.task), workspace.frame_handles[:1]
        return ToolResult(
            f"{arguments.what}: {seen}",
            handles=(workspace.add("meas", MeasureRecord(seen, "m"), sources),),
            sources=sources,
            cost=0.5,
        )

    @property
    def registry(self) -> Registry:
        """A registry with the one tool."""
        return Registry([Tool("look", "Look at something.", Look, Effects.PURE, self.look)])


def value(task: Task) -> str:
    """What looking shows: a number or a letter that depends on the task alone."""
    number = int(hashlib.sha256(task.id.encode()).hexdigest(), 16)
    return "ABCD"[number % len(task.options)] if task.options else str(number % 40 / 10)


def glance(task: Task, brief: PlannerInput) -> Play:
    """Look once, answer what was seen."""
    observations = yield Turn(calls=(CallRequest("c1", "look", '{"what": "all"}'),))
    outcome = observations[0]
    assert outcome.type == "tool_result"
    yield Turn(answer=outcome.text.partition(": ")[2], sources=outcome.handles)


def bench(
    world: World, dataset: Dataset, script: Callable[[Task, PlannerInput], Play] = glance
) -> RunContext:
    """Everything an episode needs; no expert is ever asked."""
    silent = httpx2.MockTransport(lambda request: httpx2.Response(503))
    client = ExpertClient(
        FixedEndpoints(Endpoints(supervisor=0, experts=())),
        BlobStore(dataset.path / "blobs"),
        transport=silent,
    )

    def setting(task: Task) -> EpisodeContext:
        workspace = Workspace(task, client)
        return EpisodeContext(workspace, workspace.frame_handles)

    return RunContext(ScriptedPlanner(script), world.registry, setting, Limits())


def open_run(path: Path, dataset: Dataset, config: RunConfig) -> tuple[RunFolder, list[Task]]:
    """Create the run's folder or take it up again."""
    tasks = select(dataset.tasks(), config)
    identity = DatasetIdentity(name="tiny", content_hash=dataset.manifest.content_hash)
    made = record(path.name, config, identity)
    return RunFolder.create(path, made, map(scheduled, tasks)), tasks


def play(
    path: Path,
    dataset: Dataset,
    world: World | None = None,
    script: Callable[[Task, PlannerInput], Play] = glance,
    **settings: object,
) -> tuple[RunFolder, SessionSummary]:
    """One session of a run."""
    config = RunConfig(dataset=str(dataset.path)).changed(**settings)
    folder, tasks = open_run(path, dataset, config)
    ready = bench(world or World(), dataset, script)
    ready = replace(ready, registry=equip(ready.registry, config))
    return folder, asyncio.run(run_dataset(folder, tasks, ready, config))

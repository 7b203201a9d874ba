"""Putting the parts together for one run: dataset, planner, tools, experts, folder.

The only place that knows all of them. Verbs call it; nothing else does.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from surveyor.agent.cells.sandbox import require
from surveyor.agent.cells.tool import cell_tool
from surveyor.agent.limits import UNLIMITED, Limits
from surveyor.agent.loop import Toolbox
from surveyor.agent.program.surveying import SURVEY
from surveyor.agent.program.tool import PROGRAM
from surveyor.agent.survey.marked import MARKED, mark_scene_tool
from surveyor.agent.survey.offer import TOOL_SETS, named_tools
from surveyor.agent.survey.offer import offered as our_tools
from surveyor.benchmarks.run.baselines import equip, offered
from surveyor.benchmarks.run.config import Baseline, RunConfig
from surveyor.benchmarks.run.live_status import LiveStatus
from surveyor.benchmarks.run.progress import Subscriber
from surveyor.benchmarks.run.provenance import record
from surveyor.benchmarks.run.schedule import scheduled, select
from surveyor.benchmarks.runner import EpisodeContext, RunContext, SessionSummary, run_dataset
from surveyor.compose.memory import open_memory
from surveyor.compose.planner_options import PlannerOptions
from surveyor.compose.skills import RunSkills, open_skills
from surveyor.core.blobs import BlobStore, sha256_of
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.object_store import ObjectStore
from surveyor.core.producer import Producer
from surveyor.core.wording import first_problem
from surveyor.memory.manifest import DatasetIdentity
from surveyor.memory.runs import RunFolder
from surveyor.services.contract import Endpoints
from surveyor.skills.workflow import WORKFLOWS, Join, Workflow
from surveyor.tools.builtin import TABLE, default_tools
from surveyor.tools.cache import ResultCache
from surveyor.tools.cache_use import ANSWERS, BLOBS, EVIDENCE
from surveyor.tools.endpoints import EndpointsFile, EndpointSource, FixedEndpoints
from surveyor.tools.evidence_store import EvidenceStore
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.tools.shared_answers import SharedAnswers
from surveyor.tools.spec import Tool
from surveyor.tools.workspace import Workspace

if TYPE_CHECKING:
    from surveyor.agent.planner import Planner
    from surveyor.core.tasks import Task

CACHE = "SURVEYOR_CACHE"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Job:
    """One run to make or resume: where its dataset, its folder and its experts are; ``otel`` is the
    collector that spans go to, if any. Without ``endpoints`` nobody is asked; unless ``cached``,
    every answer is asked for anew. ``planner`` decides instead of the one that the configuration
    names; ``tools`` are offered beside ours; ``environment`` are variables that decided something.
    ``store`` holds answers and runs for other machines too.
    """

    dataset: Path
    folder: Path
    config: RunConfig
    endpoints: Path | None
    cache: Path
    otel: str = ""
    cached: bool = True
    planner: Planner | None = None
    tools: tuple[Tool[Any], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    store: ObjectStore | None = None


def default_cache() -> Path:
    """Where expert answers are kept between runs (``SURVEYOR_CACHE``)."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get(CACHE) or Path(home) / "surveyor")


def perform(
    job: Job, subscribers: Sequence[Subscriber] = (), gauges: LiveStatus | None = None
) -> tuple[RunFolder, SessionSummary]:
    """Answer everything that the run still owes; ``gauges`` then show what is going on."""
    return finished(_perform(job, subscribers, gauges or LiveStatus()))


def finished(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns, also where a loop runs already, as in a notebook: then in a thread
    of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(asyncio.run, work).result()


async def _perform(
    job: Job, subscribers: Sequence[Subscriber], gauges: LiveStatus
) -> tuple[RunFolder, SessionSummary]:
    dataset = Dataset.open(job.dataset)
    tasks = select(dataset.tasks(), job.config)
    async with (
        open_planner(job.config, dataset, job) as planner,
        expert_client(job, dataset) as client,
        foreign_tools(job.config) as foreign,
    ):
        with (
            open_skills(job.config, dataset, tasks, job.cache) as desk,
            open_memory(job.config.memory, dataset) as memory,
            _spans(job) as tracing,
        ):
            chat = job.config.planner == "chat"
            reading = [desk.tool()] if desk and chat else []
            reading += [memory.tool()] if memory else []
            ours = _ours(dataset, job.config, survey=chat and dataset.has_frames)
            lent = (*ours, *job.tools, *reading, *foreign)
            given = offered(lent, job.config, served_by(job), TOOL_SETS)
            cells = (cell_tool(given),) if _codes(job) and given else ()
            given = (*given, *cells)
            first = _looks_first(job.config, dataset)
            registry = Registry((*given, *first), inner=default_tools())
            toolbox = equip(registry, job.config, tuple(tool.name for tool in first))
            folder = await _make_folder(job, dataset, tasks, client, registry, toolbox, desk)
            setting = _setting(client, desk, BlobStore(folder.path / BLOBS))
            bench = RunContext(planner, toolbox, setting, *make_limits(job.config))
            async with UNLIMITED.scope("watched") as watched:
                gauges.watch(watched.spent, planner, client)
                kept = [memory.filing(folder)] if memory else []
                told = (*subscribers, *kept, *tracing(folder))
                return folder, await run_dataset(folder, tasks, bench, job.config, told)


@asynccontextmanager
async def foreign_tools(config: RunConfig) -> AsyncIterator[tuple[Tool[Any], ...]]:
    """The tools of every MCP server that the configuration names, its name before theirs."""
    if not config.mcp:
        yield ()
        return
    from surveyor.agent.interop.mcp_tools import mcp_tools

    async with AsyncExitStack() as stack:
        found: list[Tool[Any]] = []
        for name, server in config.mcp.items():
            found += await stack.enter_async_context(mcp_tools(server, prefix=f"{name}_"))
        yield tuple(found)


@contextmanager
def _spans(job: Job) -> Iterator[Callable[[RunFolder], tuple[Subscriber, ...]]]:
    """What watches a run and sends its spans, where a collector was named."""
    if not job.otel:
        yield lambda _folder: ()
        return
    from surveyor.agent.interop.tracing import EpisodeSpans, otlp_tracer

    with otlp_tracer(job.otel) as tracer:
        yield lambda folder: (EpisodeSpans(folder.episode_path, tracer),)


async def _make_folder(
    job: Job,
    dataset: Dataset,
    tasks: Sequence[Task],
    client: ExpertClient,
    registry: Registry,
    toolbox: Toolbox,
    desk: RunSkills | None,
) -> RunFolder:
    manifest = record(
        job.folder.name,
        job.config,
        DatasetIdentity(name=dataset.manifest.name, content_hash=dataset.manifest.content_hash),
        prompt=sha256_of(repr(registry.schemas).encode()),
        skills=desk.id if desk else "",
        tools=tuple(tool.name for tool in registry.tools) if _lends(job.config) else (),
        experts=await _producers(client, job),
        environment=job.environment,
    )
    return RunFolder.create(job.folder, manifest, (scheduled(task) for task in tasks))


@asynccontextmanager
async def expert_client(job: Job, dataset: Dataset) -> AsyncIterator[ExpertClient]:
    """A client of the running experts whose answers are cached on disk, if the job wants that."""
    client = ExpertClient(
        _source(job),
        BlobStore(job.cache / BLOBS),
        ResultCache(job.cache / ANSWERS) if job.cached else None,
        originals=(dataset.blobs,),
        evidence=EvidenceStore(job.cache / EVIDENCE) if job.cached else None,
        shared=SharedAnswers(job.store) if job.cached and job.store else None,
    )
    try:
        yield client
    finally:
        await client.aclose()


def _ours(dataset: Dataset, config: RunConfig, *, survey: bool) -> tuple[Tool[Any], ...]:
    """Our own tools for these scenes, `survey` where it is usual or asked for; the table of objects
    only where there is nothing to look at, or where it was asked for."""
    asked = survey or SURVEY in named_tools(config.tools)
    table = (TABLE,) if wants_table(config) or not dataset.has_frames else ()
    composed = (PROGRAM,) if PROGRAM in named_tools(config.tools) else ()
    named = ("all" if asked else "single", *table, *composed)
    return our_tools(frames=dataset.has_frames, named=named)


def _looks_first(config: RunConfig, dataset: Dataset) -> tuple[Tool[Any], ...]:
    """What the planner itself calls before a model is asked, and no model sees."""
    marked = config.planner == "chat" and config.planner_options.get("profile") in MARKED
    return (mark_scene_tool(),) if marked and dataset.has_frames else ()


def _codes(job: Job) -> bool:
    """Whether a model acts by cells of code, which then stand among its tools."""
    return job.config.planner == "chat" and PlannerOptions.read(job.config).codes()


def wants_table(config: RunConfig) -> bool:
    """Whether a run asks for the table of objects, by the tool's name or by its workflow's."""
    return TABLE in config.tools or (
        _plain_program(config) and _workflow(config).join is Join.TABLE
    )


def _plain_program(config: RunConfig) -> bool:
    return config.planner == "program" and not config.skills


def _workflow(config: RunConfig) -> Workflow:
    return WORKFLOWS[str(config.planner_options.get("workflow", "plain"))]


def _lends(config: RunConfig) -> bool:
    return config.baseline is Baseline.ALL


def _source(job: Job) -> EndpointSource:
    if job.endpoints is None:
        return FixedEndpoints(Endpoints(supervisor=0, experts=()))
    return EndpointsFile(job.endpoints)


def served_by(job: Job) -> tuple[str, ...]:
    """The experts that the job may ask, in the order of their endpoints."""
    return tuple(endpoint.expert for endpoint in _source(job).read().experts)


async def _producers(client: ExpertClient, job: Job) -> tuple[Producer, ...]:
    infos = [await client.info(expert) for expert in served_by(job)]
    return tuple(info.producer for info in infos)


def _setting(
    client: ExpertClient, desk: RunSkills | None, kept: BlobStore
) -> Callable[[Task], EpisodeContext]:
    def setting(task: Task) -> EpisodeContext:
        workspace = Workspace(task, client, kept)
        skills, event = desk.skills_for(task) if desk else ((), None)
        return EpisodeContext(workspace, workspace.frame_handles, skills, event)

    return setting


def make_limits(config: RunConfig) -> tuple[Limits, Limits]:
    """Bounds of one episode and of one session; `UserError` names the one that is wrong."""
    bounds = {"limits": config.limits, "budget": {**UNLIMITED.model_dump(), **config.budget}}
    made = []
    for name, given in bounds.items():
        try:
            made.append(Limits.model_validate(given))
        except ValidationError as error:
            raise UserError(f"{name}: {first_problem(error, Limits)}") from None
    return made[0], made[1]


PLANNERS = ("program", "chat")


def check_planner(config: RunConfig) -> None:
    """`UserError` for a planner or an option that does not exist, before anything is made."""
    options = PlannerOptions.read(config)
    if config.planner == "program":
        options.named_workflow()
        options.check_of_program()
    elif config.planner == "chat":
        options.chat()
        if options.codes():
            require()
    else:
        raise UserError(
            f"there is no planner called {config.planner!r}; choose: {', '.join(PLANNERS)}"
        )


def check_model(config: RunConfig) -> None:
    """Ask a chat run's endpoint one short thing, before experts are started for the run.

    Raises `UserError` for a wrong key, a missing model or an address where nobody listens.
    """
    if config.planner == "chat":
        from surveyor.agent.doctor import preflight

        finished(preflight(PlannerOptions.read(config).chat()))


@asynccontextmanager
async def open_planner(config: RunConfig, dataset: Dataset, job: Job) -> AsyncIterator[Planner]:
    """The planner that the job brings or the configuration names."""
    if job.planner is not None:
        yield job.planner
        return
    check_planner(config)
    options = PlannerOptions.read(config)
    if config.planner == "program":
        from surveyor.agent.program.planner import ProgramPlanner

        yield ProgramPlanner(options.named_workflow())
        return
    from surveyor.agent.chat.marked import MarkedPlanner
    from surveyor.agent.chat.planner import ChatPlanner
    from surveyor.agent.chat.prompt_profiles import profile_named
    from surveyor.agent.doctor import preflight

    await preflight(options.chat())
    stores = (dataset.blobs, BlobStore(job.cache / BLOBS))
    profile = profile_named(options.profile, dataset.manifest.name)
    chat = options.chat()
    if options.profile == "short":
        told = {"terse": True, **chat.capabilities}
        chat = chat.model_copy(update={"capabilities": told})
    recording = BlobStore(job.folder / "blobs")
    async with ChatPlanner(chat, stores, profile=profile, recording=recording) as planner:
        marked = options.profile in MARKED
        yield MarkedPlanner(planner, options.look()) if marked else planner


async def serve_mcp(
    dataset_path: Path, scene_id: str, endpoints: Path, named: Sequence[str] = ()
) -> None:
    """Speak MCP about one scene, with the tools ``named`` or those that a run would offer.

    `UserError` when the dataset asks nothing about the scene, or a tool does not exist.
    """
    from surveyor.agent.interop.mcp_server import mcp_server, serve_stdio

    dataset = Dataset.open(dataset_path)
    tasks = list(dataset.tasks())
    task = next((task for task in tasks if task.scene_id == scene_id), None)
    known = list(dict.fromkeys(task.scene_id for task in tasks))
    if task is None:
        raise UserError(f"{dataset_path} has no scene {scene_id!r}; it has: {', '.join(known[:8])}")
    config = RunConfig(dataset=str(dataset_path), planner="chat", tools=tuple(named))
    job = Job(dataset_path, Path(), config, endpoints, default_cache())
    EndpointsFile.named(endpoints)
    ours = _ours(dataset, config, survey=False)
    lent = Registry(offered(ours, config, served_by(job), TOOL_SETS), inner=default_tools())
    async with expert_client(job, dataset) as client:
        await serve_stdio(mcp_server(lent, Workspace(task, client)))

"""`surveyor ask`: a question about somebody's own photos, answered by what is there."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from surveyor.agent.program.plain_questions import EXAMPLES, read_plainly
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.agent.survey.offer import TOOL_SETS
from surveyor.agent.survey.offer import offered as our_tools
from surveyor.benchmarks.run.baselines import offered
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.run.preflight import check_place
from surveyor.benchmarks.run.provenance import record
from surveyor.benchmarks.run.schedule import scheduled
from surveyor.benchmarks.runner import EpisodeContext, RunContext, run_dataset
from surveyor.compose.calibration import Residuals, read_residuals, with_interval
from surveyor.compose.memory import open_memory
from surveyor.compose.place import (
    ANSWER,
    PICTURE,
    PLACES,
    Place,
    make_place,
    name_of,
    open_place,
    place_names,
)
from surveyor.compose.planner_options import PlannerOptions
from surveyor.compose.recalled import picture_of, with_earlier
from surveyor.compose.run import (
    Job,
    default_cache,
    expert_client,
    make_limits,
    open_planner,
    served_by,
)
from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import BLOBS
from surveyor.core.errors import InfrastructureError, ServiceUnavailable, UserError
from surveyor.core.photos import read_photos
from surveyor.core.tasks import PHOTOS, AnswerKind, Task
from surveyor.memory.manifest import DatasetIdentity
from surveyor.memory.runs import RunFolder
from surveyor.tools.endpoints import EndpointsFile
from surveyor.tools.registry import Registry
from surveyor.tools.spec import Tool
from surveyor.tools.workspace import Workspace
from surveyor.viewer.drawing import picture
from surveyor.viewer.finding import FoundEpisode, finding, measure_text

EXPERTS = Path("out/experts/endpoints.json")
"""Where `surveyor serve up` says that its experts are."""
T = TypeVar("T")
_STRANGER = "not a frame of a dataset that this reference expert was given"


@dataclass(frozen=True, slots=True)
class Asking:
    """What is there to answer with. ``points`` and ``known`` measure by hand, see
    `surveyor.compose.by_hand`. ``judged_by`` is a scored run of the same experts, which gives
    intervals (`surveyor.compose.calibration`)."""

    root: Path = PLACES
    place: str = ""
    experts: Path | None = None
    model: str = ""
    base_url: str = ""
    points: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    limits: dict[str, float] = field(default_factory=dict)
    judged_by: Path | None = None


def ask(photos: Sequence[Path | str], question: str, asking: Asking | None = None) -> FoundEpisode:
    """Answer a question about photos, a folder of them or a video; the Python front door.

    Without photos the place named in ``asking``, or the one asked about last, is asked again.
    Raises `UserError` for what can be mended here, `InfrastructureError` when a service failed.
    """
    asking = asking or Asking()
    place, warnings = the_place(photos, asking)
    if asking.points and (odd := place.record.left_out):
        raise UserError(
            f"{', '.join(odd)}: damaged, or given twice, and left out, so that later photos have "
            "other numbers than you gave them; give the photos again without, then marks hold"
        )
    told = answer(place, question, asking)
    return told.model_copy(update={"warnings": (*told.warnings, *warnings)})


def the_place(photos: Sequence[Path | str], asking: Asking) -> tuple[Place, tuple[str, ...]]:
    """The place that is asked about, and what was odd about its photos."""
    check_place(asking.root, "name another folder with --out")
    if photos:
        paths = [Path(photo) for photo in photos]
        given = read_photos(paths)
        return make_place(asking.root, asking.place or name_of(paths), given), given.warnings
    if asking.place:
        return open_place(asking.root, asking.place), ()
    known = place_names(asking.root)
    if not known:
        raise UserError('give photos: surveyor ask PHOTOS "How far is the sofa from the door?"')
    return open_place(asking.root, known[0]), ()


def answer(
    place: Place, question: str, asking: Asking, stop: Future[None] | None = None
) -> FoundEpisode:
    """Answer one question about a place with what is there, and keep the answer beside its log.

    Cancelling ``stop`` ends what is being asked of experts or a model, with a `UserError`.
    """
    if asking.points:
        if asking.judged_by:
            raise UserError(
                "--judged-by judges what experts measure; lengths between --point marks have an "
                "interval of their own, so leave one of the two out"
            )
        from surveyor.compose.by_hand import measure_by_hand

        return measure_by_hand(place, question, asking.points, asking.known)
    if asking.known:
        raise UserError("--known needs --point marks on both ends of the known thing")
    endpoints = the_experts(asking)
    if endpoints is None and not asking.model:
        raise UserError(nothing_there(place))
    if not asking.model and read_plainly(question) is None:
        raise UserError(
            "without a model only six kinds of question are understood, worded like these: "
            + " / ".join(EXAMPLES)
            + "; name a model with --model for others"
        )
    known = read_residuals(asking.judged_by) if asking.judged_by else None
    config = _config(place, asking)
    folder = asyncio.run(_until(stop, _play(place, question, config, endpoints)))
    if folder is None:
        raise KeyboardInterrupt
    return keep(place, folder, question, known)


async def _until(stop: Future[None] | None, play: Coroutine[Any, Any, T]) -> T:
    """What ``play`` returns, unless ``stop`` is cancelled before."""
    playing = asyncio.create_task(play)
    pressed = asyncio.wrap_future(stop or Future())
    await asyncio.wait((playing, pressed), return_when=asyncio.FIRST_COMPLETED)
    if not playing.done():
        playing.cancel()
        await asyncio.wait((playing,))
        raise UserError("stopped; nothing was answered")
    return playing.result()


def the_experts(asking: Asking) -> Path | None:
    """The endpoints file to use: the one named, or that of experts that were started here."""
    if asking.experts is not None:
        return EndpointsFile.named(asking.experts).path
    try:
        return EXPERTS if EndpointsFile(EXPERTS).read().experts else None
    except ServiceUnavailable:
        return None


def nothing_there(place: Place) -> str:
    """What the photos are good for where nothing can see, and three ways on."""
    focal = sum(photo.focal is not None for photo in place.record.photos)
    return (
        f"{place.record.holds} kept as {place.record.name!r} ({focal} with a known focal "
        "length), but nothing here can see objects: start experts (`surveyor serve up --weights "
        "DIR`), or name a model (--model NAME --base-url URL), or measure by hand, in the browser "
        "(`surveyor view --ask`) or here "
        '(--point "a=1:x,y 2:x,y" --point "b=..." --known "door height = 2.00 m, c to d")'
    )


def _config(place: Place, asking: Asking) -> RunConfig:
    options = {"model": asking.model, "base_url": asking.base_url}
    return RunConfig(
        dataset=str(place.path),
        planner="chat" if asking.model else "program",
        planner_options={key: value for key, value in options.items() if value},
        limits=dict(asking.limits),
        memory=str(place.path / "memory.sqlite"),
        give_up_after=1,
        passes=1,
        concurrency=1,
    )


def _lent(config: RunConfig, job: Job, endpoints: Path | None) -> tuple[Tool[Any], ...]:
    """The tools that a run with the same experts would lend; none where no expert runs."""
    if endpoints is None:
        return ()
    ours = our_tools(frames=True, survey=config.planner == "chat")
    return offered(ours, config, served_by(job), TOOL_SETS)


def _task(place: Place, question: str, run: Path) -> Task:
    return Task(
        id=f"{place.record.name}.{run.name}",
        dataset=place.record.name,
        scene_id=place.record.name,
        question_type="asked",
        question=question,
        answer_kind=AnswerKind.TEXT,
        frames=place.frames,
        frame_rule="all" if place.record.video else PHOTOS,
    )


async def _play(
    place: Place, question: str, config: RunConfig, endpoints: Path | None
) -> RunFolder | None:
    """One run of one question; ``None`` when it was interrupted."""
    dataset, path = place.dataset(), place.next_run()
    job = Job(place.path, path, config, endpoints or EXPERTS, default_cache())
    task = _task(place, question, path)
    async with expert_client(job, dataset) as client:
        with open_memory(config.memory, dataset) as memory:
            recall = [memory.tool()] if memory and place.asked else []
            registry = Registry((*_lent(config, job, endpoints), *recall))
            identity = DatasetIdentity(name=dataset.manifest.name, content_hash=place.content)
            folder = RunFolder.create(path, record(path.name, config, identity), [scheduled(task)])
            kept = BlobStore(path / BLOBS)

            def setting(task: Task) -> EpisodeContext:
                workspace = Workspace(task, client, kept)
                return EpisodeContext(workspace, workspace.frame_handles)

            told = [memory.filing(folder)] if memory else []
            if config.planner == "program":
                planner = ProgramPlanner(
                    PlannerOptions.read(config).named_workflow(), reads=read_plainly
                )
                bench = RunContext(planner, registry, setting, *make_limits(config))
                summary = await run_dataset(folder, [task], bench, config, told)
            else:
                async with open_planner(config, dataset, job) as model:
                    bench = RunContext(model, registry, setting, *make_limits(config))
                    summary = await run_dataset(folder, [task], bench, config, told)
    if summary.interrupted:
        return None
    if not summary.complete:
        why = summary.stopped or summary.progress.last_error
        kind = UserError if _STRANGER in why else InfrastructureError
        raise kind(_explained(why, place))
    return folder


def _explained(why: str, place: Place) -> str:
    """A failure in words that fit somebody's own photos."""
    if _STRANGER in why:
        return (
            "these experts are reference experts: they know the rooms that Surveyor made and can "
            f"see nothing in photos of other places such as {place.record.name!r}; start neural "
            "experts with `surveyor serve up --weights DIR`"
        )
    return f"{why}; ask again when it is mended"


def keep(
    place: Place, folder: RunFolder, question: str, known: Residuals | None = None
) -> FoundEpisode:
    """The finding of a place's run, written beside its log with its picture."""
    task = folder.schedule[0]
    episode = folder.episode(task.id, 0)
    if episode is None:
        raise InfrastructureError(f"{folder.path} holds no episode; ask again")
    refused = [o.text for o in episode.outcomes if _STRANGER in o.text]
    if refused:
        raise UserError(_explained(refused[0], place))
    found = finding(episode, place.names, question)
    if known is not None:
        found = with_interval(found, episode, known)
    if found.remembered and not found.evidence:
        found = with_earlier(place, folder, found)
    updates: dict[str, object] = {"place": place.record.name, "run": str(folder.path)}
    store, kept = place.blobs, BlobStore(folder.path / BLOBS)
    hashes = {f"frame_{k}": photo.image.sha256 for k, photo in enumerate(place.record.photos)}

    def photo(frame: str) -> bytes | None:
        return store.get(hashes[frame]) if frame in hashes else None

    drawn = picture(episode, photo, lambda sha256: kept.get(sha256), measure_text(found.answer))
    if drawn is None and found.remembered and not found.picture:
        drawn = picture_of(place, found)
    if drawn is not None:
        updates["picture"] = str(folder.write(PICTURE, drawn))
    found = found.model_copy(update=updates)
    folder.write(ANSWER, found.model_dump_json(indent=1).encode() + b"\n")
    return found

"""What `surveyor rerun` does: finished episodes again, with another expert in one of their steps.

The plan of an episode is the program that its answer logged; it is read back from there, never made
anew from the question. What does not rest on a swapped expert is answered by the cache, so only the
swapped steps and those that depend on them are executed; `changes` counts both from the logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from surveyor.agent.planner import PlannerInput
from surveyor.agent.program.language import Program
from surveyor.agent.program.planner import ProgramPlanner, ProgramSession
from surveyor.agent.program.reading import read_program
from surveyor.benchmarks.compare import compare
from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.configuration import config_to_replay
from surveyor.compose.planner_options import PlannerOptions
from surveyor.compose.run import Job, default_cache
from surveyor.compose.session import check_served, experts_beside, experts_needed, finish
from surveyor.core.blobs import BlobStore, sha256_of
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.locks import claimed
from surveyor.core.producer import Producer
from surveyor.core.tasks import Task
from surveyor.core.wording import many
from surveyor.memory.episodes import Episode
from surveyor.memory.events import ToolOutcome
from surveyor.memory.runs import RunFolder
from surveyor.scenes.formats.apeiria import read_apeiria
from surveyor.services.blob_resolver import BlobResolver
from surveyor.services.contract import (
    EXPERTS,
    Endpoints,
    ExpertEndpoint,
    Info,
    SceneAnswer,
    SceneEntry,
    SceneRequest,
)
from surveyor.services.launch import up
from surveyor.services.recording import WireRecorder
from surveyor.tools.builtin import TABLE, default_tools
from surveyor.tools.endpoints import EndpointsFile

CHANGES = "changes.json"
"""What a rerun writes into its run: who was swapped, and every episode's steps and answers."""
_HANDLE = re.compile(r"[a-z]+_\d+")


@dataclass(frozen=True, slots=True)
class Swaps:
    """Who answers instead, by expert: an address, an endpoints file, a file or folder of boxes in
    APEIRIA's layout (for ``scene``), or a recording."""

    by_expert: Mapping[str, str]

    @classmethod
    def read(cls, texts: Sequence[str]) -> Swaps:
        """Swaps as they are typed, ``scene=http://host:port``; `UserError` for what is none."""
        found: dict[str, str] = {}
        for text in texts:
            expert, equals, who = text.partition("=")
            if not equals or not who or expert not in EXPERTS:
                raise UserError(f"--swap {text!r} is not EXPERT=WHO; experts: {', '.join(EXPERTS)}")
            found[expert] = who
        return cls(found)


class EpisodeChange(BaseModel):
    """One episode before and after. ``executed`` steps were done anew, ``dependants`` are those
    that rest on a swapped expert; they differ where an expert had to be asked again because the
    cache had lost its answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task_id: str
    epoch: int
    plan: str
    same_plan: bool
    steps: int
    executed: int
    dependants: int
    before: str
    after: str


class RerunChanges(BaseModel):
    """What a rerun changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    original: str
    swapped: dict[str, tuple[Producer | None, Producer | None]]
    episodes: tuple[EpisodeChange, ...]


@dataclass(frozen=True, slots=True)
class RecordedPlans:
    """The `program` planner with the plans of finished episodes, by task."""

    plans: Mapping[str, Program]
    planner: ProgramPlanner
    name: str = "program"

    def start(self, task: Task, brief: PlannerInput) -> ProgramSession:
        """Begin an episode that carries out the recorded plan."""
        return self.planner.start(task, brief, plan=self.plans[task.id])


def rerun_and_tell(
    original: Path,
    swaps: Swaps,
    out: Path | None = None,
    experts: Path | None = None,
    *,
    trusted: bool = False,
) -> RunFolder:
    """The `rerun` verb."""
    folder = rerun(original, swaps, out, experts, trusted=trusted)
    changes = RerunChanges.model_validate_json((folder.path / CHANGES).read_bytes())
    told = changes.episodes
    answers = sum(one.before != one.after for one in told)
    print(
        f"{many(len(told), 'episode')}, plans unchanged in {sum(one.same_plan for one in told)}; "
        f"{sum(one.executed for one in told)} of {sum(one.steps for one in told)} steps executed, "
        f"{sum(one.dependants for one in told)} of them rest on {', '.join(swaps.by_expert)}"
    )
    print(f"answers that changed: {answers}")
    scores = compare(RunFolder.open(original), folder).overall
    print(f"score before {scores.a:.1f}, after {scores.b:.1f} ({scores.difference.value:+.1f})")
    print(f"run: {folder.path}; episode by episode: {folder.path / CHANGES}")
    return folder


def rerun(
    original: Path,
    swaps: Swaps,
    out: Path | None = None,
    experts: Path | None = None,
    *,
    trusted: bool = False,
) -> RunFolder:
    """Make the new run, score it and write `CHANGES` into it.

    Raises `UserError` for a run without plans, and for a swap of what it never asked.
    """
    before = RunFolder.open(original)
    config = config_to_replay(before, trusted=trusted)
    plans = recorded_plans(before, config)
    dataset = Dataset.open(Path(config.dataset))
    needed = experts_needed(dataset, config)
    if strange := [name for name in swaps.by_expert if name not in needed]:
        raise UserError(f"{original} never asked {strange[0]!r}; it asked: {', '.join(needed)}")
    names = "-".join(sorted(swaps.by_expert))
    place = out or original.with_name(f"{original.name}-swap-{names}")
    workflow = PlannerOptions.read(config).named_workflow()
    with claimed(place), _serving(swaps, config, dataset, needed, place, experts) as endpoints:
        job = Job(
            dataset.path,
            place,
            config.changed(expert_options={}) if experts else config,
            endpoints,
            default_cache(),
            planner=RecordedPlans(plans, ProgramPlanner(workflow)),
        )
        finish(job)
    after = RunFolder.open(place)
    changes = RerunChanges(
        original=str(original),
        swapped={name: (_who(before, name), _who(after, name)) for name in swaps.by_expert},
        episodes=tuple(changed(before, after, [*swaps.by_expert])),
    )
    after.write(CHANGES, changes.model_dump_json(indent=1).encode() + b"\n")
    return after


def recorded_plans(folder: RunFolder, config: RunConfig) -> dict[str, Program]:
    """The program of every task, as its answer logged it; `UserError` where a run has none."""
    if config.planner != "program" or config.skills or config.memory:
        raise UserError(
            f"{folder.path} has no plans to keep: only a run of --planner program without skills "
            "and memory is made of them"
        )
    plans: dict[str, Program] = {}
    for task, epoch in folder.scheduled():
        episode = folder.episode(task.id, epoch)
        if episode is None or not episode.done or episode.given is None:
            raise UserError(f"{task.id} is not finished; complete the run first (same command)")
        text = episode.given.notes.get("program")
        if text is None:
            raise UserError(
                f"{task.id} was answered without a program (its question was not understood); "
                "run again without such questions (--type)"
            )
        plans[task.id] = read_program(text)
    return plans


def changed(before: RunFolder, after: RunFolder, swapped: Sequence[str]) -> Iterator[EpisodeChange]:
    """Every episode's change, read from the two runs' logs."""
    for task, epoch in before.scheduled():
        old, new = before.episode(task.id, epoch), after.episode(task.id, epoch)
        if old is None or new is None or old.given is None or new.given is None:
            continue
        executed, dependants = _steps(new, swapped)
        plan = old.given.notes["program"]
        yield EpisodeChange(
            task_id=task.id,
            epoch=epoch,
            plan=plan,
            same_plan=new.given.notes.get("program", "").encode() == plan.encode(),
            steps=len(new.calls),
            executed=executed,
            dependants=dependants,
            before=old.answer or "",
            after=new.answer or "",
        )


def _steps(episode: Episode, swapped: Sequence[str]) -> tuple[int, int]:
    """Calls that were executed anew, and calls that rest on a swapped expert."""
    uses = {tool.name for tool in default_tools() if {*tool.needs} & {*swapped}}
    outcomes = {outcome.call_id: outcome for outcome in episode.outcomes}
    anew: set[str] = set()
    resting: set[str] = set()
    executed = dependants = 0
    for call in episode.calls:
        outcome = outcomes.get(call.call_id)
        named = {*_HANDLE.findall(call.raw_arguments), *(outcome.sources if outcome else ())}
        rests = call.name in uses or bool(named & resting)
        asked = outcome is not None and outcome.expert_calls > 0
        if rests:
            dependants += 1
            resting.update(_made(outcome))
        if rests or asked or named & anew:
            executed += 1
            anew.update(_made(outcome))
    return executed, dependants


def _made(outcome: ToolOutcome | None) -> tuple[str, ...]:
    return outcome.handles if outcome is not None else ()


def _who(folder: RunFolder, expert: str) -> Producer | None:
    named = folder.record.manifest.experts
    return next((one for one in named if one.name.endswith(expert)), None)


@contextmanager
def _serving(
    swaps: Swaps,
    config: RunConfig,
    dataset: Dataset,
    needed: Sequence[str],
    place: Path,
    experts: Path | None,
) -> Iterator[Path]:
    """An endpoints file of everybody: those that were swapped, and the others as they were."""
    kept = [name for name in needed if name not in swaps.by_expert]
    if experts is not None:
        check_served(experts, kept, config)
    with experts_beside(place) as state, ExitStack() as stack:
        told: list[ExpertEndpoint] = []
        for number, (expert, who) in enumerate(swaps.by_expert.items()):
            at = state / f"swap{number}"
            told.append(_found(expert, who) or stack.enter_context(_replayed(expert, who, at)))
        token = None
        if kept and experts is not None:
            given = EndpointsFile.named(experts).read()
            told += [one for one in given.experts if one.expert in kept]
            token = given.token_file
        elif kept:
            preset = str(config.expert_options.get("preset", "perfect"))
            handle = stack.enter_context(up(kept, [dataset.path], preset, state, shared=True))
            told += handle.endpoints.experts
        file = state / "swapped.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        everyone = Endpoints(supervisor=0, experts=tuple(told), token_file=token)
        file.write_text(everyone.model_dump_json())
        yield file


def _found(expert: str, who: str) -> ExpertEndpoint | None:
    """Where who is swapped in answers already; ``None`` where he must be started."""
    if who.startswith(("http://", "https://")):
        return ExpertEndpoint(expert=expert, url=who, pid=0, backend="swapped")
    path = Path(who)
    if not path.exists():
        raise UserError(f"--swap {expert}={who}: there is no such file, folder or address")
    if path.is_file() and b'"experts"' in path.read_bytes():
        found = [one for one in EndpointsFile.named(path).read().experts if one.expert == expert]
        if not found:
            raise UserError(f"{path} names nobody who serves {expert!r}")
        return found[0]
    return None


@contextmanager
def _replayed(expert: str, who: str, at: Path) -> Iterator[ExpertEndpoint]:
    """A recording, or boxes made one, served by the replay backend."""
    source = Path(who)
    if not (source / expert / "answers.jsonl").exists():
        if expert != TABLE:
            raise UserError(f"{who} holds no recording of {expert!r}; see `surveyor serve record`")
        source = _recorded(source, at / "recording")
    with up([expert], [], "perfect", at, backend="replay", recording=source) as handle:
        yield handle.endpoints.experts[0]


def _recorded(boxes: Path, at: Path) -> Path:
    """Boxes in APEIRIA's layout, one file a scene, as answers of a `scene` expert."""
    files = sorted(boxes.glob("*.json")) if boxes.is_dir() else [boxes]
    if not files:
        raise UserError(f"{boxes} has neither boxes (*.json) nor a recording")
    digest = sha256_of(b"".join(file.read_bytes() for file in files))
    producer = Producer(name="boxes-scene", version="1", weights=digest)
    info = Info(
        expert=TABLE, producer=producer, model="boxes", revision=digest[:12], licence="unknown"
    )
    recorder = WireRecorder(at, info, BlobResolver(BlobStore(at / "blobs")))
    try:
        for file in files:
            truth = read_apeiria(file)
            entries = tuple(
                SceneEntry(
                    id=o.instance_id, category=o.category, box=o.box, attributes=o.attributes
                )
                for o in truth.objects
            )
            answer = SceneAnswer(
                producer=producer,
                scene_id=truth.scene_id,
                objects=entries,
                rooms=truth.rooms,
                room_area=truth.room_area or None,
            )
            recorder.record(SceneRequest(scene_id=truth.scene_id), answer)
    finally:
        recorder.close()
    return at

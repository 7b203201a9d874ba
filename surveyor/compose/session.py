"""From a request on the command line to a scored run: dataset, experts, session, report."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surveyor.benchmarks.report.record import RunReport
from surveyor.benchmarks.run.config import Baseline, RunConfig
from surveyor.benchmarks.run.live_status import LiveStatus
from surveyor.benchmarks.run.preflight import check_place
from surveyor.benchmarks.run.progress import LiveBar, PlainLines, Subscriber
from surveyor.benchmarks.run.repeat import changed_since
from surveyor.benchmarks.runner import SessionSummary
from surveyor.benchmarks.scoring import metric_of, score_apart
from surveyor.compose.names import check_names
from surveyor.compose.run import (
    Job,
    check_model,
    check_planner,
    default_cache,
    make_limits,
    perform,
    wants_table,
)
from surveyor.compose.sharing import checked_store, place_of, share, taken_up
from surveyor.core.dataset import LOADED, MANIFEST, Dataset, read_manifest
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.locks import claimed
from surveyor.core.wording import many
from surveyor.core.workers import python_module
from surveyor.memory.events import EpisodeStatus
from surveyor.memory.runs import LOCK, AnotherRun, RunFolder
from surveyor.services.registry import experts_of
from surveyor.skills.workflow import WORKFLOWS, Restore
from surveyor.tools.builtin import TABLE
from surveyor.tools.endpoints import EndpointsFile

if TYPE_CHECKING:
    from surveyor.agent.planner import Planner
    from surveyor.tools.spec import Tool

OUT = Path("out")
MADE_BY = {"rooms": ("scenes", "seed"), "vsi-meta": ("seed", "meta")}
"""Datasets that a run makes by name, and the options that say how."""
_SPARED = frozenset({"scene", "restore", "orient", "render_view"})
"""Experts that a run with frames can do without: their tools say so, and looking goes on."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; ``None`` means: make or start one for this run.

    ``repeated`` is the run that this one repeats. Unless ``cached``, no expert's answer of an
    earlier run is used, nor this run's kept. ``planner`` decides instead of the one that the
    configuration names, ``tools`` are offered beside ours. ``environment`` are the variables that
    decided something, for the manifest. ``store`` is the URL of a store that answers and the run
    are shared by, if any.
    """

    config: RunConfig
    meta: Path | None = None
    scenes: int = 6
    seed: int = 0
    endpoints: Path | None = None
    out: Path | None = None
    otel: str = ""
    repeated: Path | None = None
    cached: bool = True
    planner: Planner | None = None
    tools: tuple[Tool[Any], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    store: str = ""

    @property
    def preset(self) -> str:
        """The reference experts' error model, for a run that starts them."""
        return str(self.config.expert_options.get("preset", "perfect"))

    def folder(self, dataset: Path) -> Path:
        """Where the run goes; a repetition never resumes what it repeats."""
        if self.out is not None:
            return self.out
        if self.repeated is not None:
            return self.repeated.with_name(f"{self.repeated.name}-again")
        return OUT / "runs" / f"{dataset.name}-{self.config.planner}"


def run_and_report(request: Request) -> None:
    """The `run` verb."""
    from surveyor.compose.tables import show

    folder, report = carry_out(request)
    show({request.config.planner: report})
    print(f"report: {folder / 'report.html'}")
    if request.store:
        print(f"shared: {place_of(request.store, folder)}")
    if request.repeated is not None:
        _tell_changes(request.repeated, folder)


def carry_out(request: Request) -> tuple[Path, RunReport]:
    """Make or resume the run that was asked for, score it and write its page; its folder."""
    from surveyor.agent.interop.tracing import traces_url

    if request.planner is None:
        check_planner(request.config)
    make_limits(request.config)
    check_names(request.config, request.endpoints, request.tools)
    if request.otel:
        traces_url(request.otel)
    folder = request.folder(dataset_place(request))
    check_place(folder)
    store = checked_store(request.store)
    # Before anything is made: a second start makes and removes nothing.
    with claimed(folder), taken_up(store, folder):
        dataset = dataset_folder(request)
        if request.planner is None:
            check_model(request.config)
        settings = request.config.changed(dataset=str(dataset))
        with running_experts(request, dataset, folder) as endpoints:
            cache = default_cache()
            job = Job(dataset, folder, settings, endpoints, cache, request.otel, request.cached)
            job = replace(job, planner=request.planner, tools=request.tools, store=store)
            return folder, finish(replace(job, environment=request.environment))


def _tell_changes(original: Path, again: Path) -> None:
    """What a repetition does not share with its original, one line each."""
    then, now = (RunFolder.open(path).record.manifest for path in (original, again))
    for sentence in changed_since(then, now):
        print(f"not as in {original}: {sentence}")


def finish(job: Job, title: str = "", page: bool = True) -> RunReport:
    """Run what is incomplete, score in a process of its own, write its ``page``, share the run.

    Raises `InfrastructureError` when episodes stay incomplete, after scoring what there is, and
    when the run could not be shared.
    """
    folder, summary = perform_visibly(job, title or job.folder.name)
    if not summary.complete:
        check_place(job.folder)  # a full disk is the user's to mend, whoever noticed it first
    report = score_apart(folder, job.dataset, metric_of(job.dataset, job.config.types))
    if page or not summary.complete:
        write_page([folder], job.dataset)
    unshared = share(job.store, folder)
    if summary.interrupted:
        raise KeyboardInterrupt(summary.saved(folder.path))
    if not summary.complete:
        raise InfrastructureError(
            f"{summary.progress.left} of {many(summary.progress.total, 'episode')} left incomplete "
            f"({summary.stopped or summary.progress.last_error}); "
            "run the same command again to complete them"
        )
    if unshared is not None:
        raise unshared
    return report


def is_complete(path: Path) -> bool:
    """Whether there is a run at ``path`` that owes nothing."""
    if not (path / "run.json").exists():
        return False
    folder = RunFolder.open(path)
    return ended(folder) == len(folder.schedule) * folder.record.epochs


def ended(folder: RunFolder) -> int:
    """How many of a run's episodes need not be played any more."""
    incomplete = (None, EpisodeStatus.INCOMPLETE)
    return sum(
        folder.status(task.id, epoch) not in incomplete for task, epoch in folder.scheduled()
    )


def write_page(folders: Sequence[RunFolder], dataset: Path, title: str = "") -> Path:
    """Write one page about scored runs into the first folder, and return where it is.

    In a process of its own, because the page shows the correct answers.
    """
    command = python_module("surveyor.cli.main", "report", "--dataset", str(dataset))
    command += ["--title", title, *(str(folder.path) for folder in folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 2:
        raise UserError(done.stderr.strip().removeprefix("surveyor: "))
    if done.returncode != 0:
        raise InfrastructureError(f"the report page failed: {done.stderr.strip()}")
    return folders[0].path / "report.html"


def perform_visibly(job: Job, title: str) -> tuple[RunFolder, SessionSummary]:
    """`perform` with a live bar on a terminal, and plain lines elsewhere."""
    if not sys.stderr.isatty():
        return perform(job, [PlainLines(sys.stderr)])
    gauges = LiveStatus()
    with LiveBar(sys.stderr, title, gauges) as bar:
        watching: list[Subscriber] = [bar]
        return perform(job, watching, gauges)


def check_made(dataset: str, typed: Mapping[str, object]) -> None:
    """`UserError` for the first option among ``typed`` (by name; ``None``: not typed) that says how
    a dataset is made, where none is made or another one is."""
    there = (Path(dataset) / MANIFEST).exists()
    means = () if there else MADE_BY.get(dataset, ())
    for name, value in typed.items():
        if value is not None and name not in means:
            homes = " or ".join(home for home, names in MADE_BY.items() if name in names)
            what = f"the folder {dataset}" if Path(dataset).is_dir() else f"the dataset {dataset}"
            raise UserError(
                f"--{name} says how {homes} is made and means nothing for {what}; leave it out"
            )


def dataset_place(request: Request) -> Path:
    """Where the dataset is, or will be when it is one of ours; `UserError` when there is none."""
    name = request.config.dataset
    if (Path(name) / MANIFEST).exists():  # a folder of that name is what the user sees
        return Path(name)
    if name == "vsi-meta":
        if request.meta is None:
            raise UserError("dataset vsi-meta needs --meta, the folder of VSI-Bench's metadata")
        if not request.meta.exists():
            raise UserError(f"there is no {request.meta}; --meta is the folder of VSI metadata")
        return OUT / "datasets" / f"vsi-meta-{request.seed}"
    if name == "rooms":
        return OUT / "datasets" / f"rooms-{request.seed}-{request.scenes}"
    if not Path(name).is_dir():
        raise UserError(
            f"there is no dataset {name!r}: give a folder made by `surveyor rooms make`, "
            "or one of: rooms, vsi-meta"
        )
    return Path(name)


def dataset_folder(request: Request) -> Path:
    """The dataset's folder, made first when the user named one of ours."""
    path, name = dataset_place(request), request.config.dataset
    if name not in MADE_BY:
        return path
    if (path / MANIFEST).exists():
        if name == "vsi-meta" and request.meta is not None:
            from surveyor.scenes.datasets.vsi_meta import check_made_of

            check_made_of(path, request.meta)
        return path
    check_place(path, "move it, or start in another folder")
    if name == "rooms":
        from surveyor.scenes.datasets.embedded import make_rooms_dataset

        make_rooms_dataset(path, seeds=range(request.seed, request.seed + request.scenes))
    elif request.meta is not None:
        from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset

        make_vsi_meta_dataset(path, request.meta, seed=request.seed)
    return path


@contextmanager
def running_experts(request: Request, dataset: Path, folder: Path) -> Iterator[Path | None]:
    """The endpoints to use: the user's, or of reference experts that live as long as the run;
    ``None`` for a baseline without tools, which asks nobody.

    Raises `UserError` that names the experts that a run lacks and how to start them.
    """
    if request.config.baseline is not Baseline.ALL:
        yield None
        return
    needed = experts_needed(Dataset.open(dataset), request.config)
    if request.endpoints is not None:
        check_served(request.endpoints, needed, request.config)
        yield request.endpoints
        return
    check_embedded(dataset, needed)
    with (
        experts_beside(folder) as state,
        reference_experts(dataset, request.preset, state, request.config) as at,
    ):
        yield at


@contextmanager
def experts_beside(folder: Path) -> Iterator[Path]:
    """The folder of experts that are started for a run. Nothing of it stays when the run was
    refused before it began, unless what is told names a log in there."""
    state = folder.with_name(folder.name + ".experts")
    ours = not state.exists()
    try:
        yield state
    except BaseException as error:
        refused = isinstance(error, AnotherRun) or not (folder / LOCK).exists()
        if ours and refused and state.name not in str(error):
            shutil.rmtree(state, ignore_errors=True)
        raise


def check_embedded(dataset: Path, needed: Sequence[str]) -> None:
    """`UserError` where reference experts would have no truth to answer from."""
    if read_manifest(dataset).generator != LOADED:
        return
    wanted = " ".join(f"--expert {name}" for name in needed)
    raise UserError(
        f"the pictures in {dataset} are a published benchmark's, so the reference experts know "
        f"nothing about them: start real ones with `surveyor serve up --backend neural {wanted}` "
        "and name their endpoints file with --experts, or ask without tools: --baseline no-tools"
    )


def check_served(endpoints: Path, needed: Sequence[str], config: RunConfig) -> None:
    """`UserError` when a program planner would ask experts that nobody serves. A chat planner is
    offered what there is, so one expert that it can use is enough."""
    served = {one.expert for one in EndpointsFile(endpoints).read().experts}
    spared = _SPARED if len(needed) > 1 else frozenset()
    missing = [name for name in needed if name not in served | spared]
    if config.planner != "program" or not missing:
        return
    wanted = " ".join(f"--expert {name}" for name in missing)
    raise UserError(
        f"no expert in {endpoints} serves {', '.join(missing)}, which the program planner asks; "
        f"start them too (`surveyor serve up {wanted}`, with --dataset or --backend neural)"
    )


@contextmanager
def reference_experts(
    dataset: Path, preset: str, state: Path, config: RunConfig | None = None
) -> Iterator[Path]:
    """The reference experts that this run may ask, for as long as it lasts: in one process, which
    is not the planner's."""
    from surveyor.services.launch import up

    names = experts_needed(Dataset.open(dataset), config or RunConfig(dataset=str(dataset)))
    with up(names, [dataset], preset, state, shared=True) as handle:
        yield handle.endpoints_file


def experts_needed(dataset: Dataset, config: RunConfig) -> tuple[str, ...]:
    """A dataset without frames, and a workflow that trusts it, need the object table only; no other
    run gets it unless it asks for it by name. A plain program never restores."""
    program = config.planner == "program" and not config.skills
    looks = WORKFLOWS[str(config.planner_options.get("workflow", "plain"))]
    table = (TABLE,) if wants_table(config) else ()
    if not dataset.has_frames or (table and TABLE not in config.tools):
        return (TABLE,)
    if program:
        restore = () if looks.restore is Restore.NONE else ("restore",)
        return (*table, "detect", "segment", "depth", "reconstruct", *restore)
    return (*table, *(name for name in experts_of("reference") if name != TABLE))

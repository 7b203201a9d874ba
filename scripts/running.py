"""From a request on the command line to a scored run: suite, experts, session, report."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report.record import RunReport
from benchmarks.run.config import RunConfig
from benchmarks.run.progress import LiveBar, PlainLines, Subscriber
from benchmarks.run.repeat import config_of
from benchmarks.runner import SessionSummary
from benchmarks.scoring import score_apart
from memory.errors import InfrastructureError, UserError
from memory.events import EpisodeStatus
from memory.runs import RunFolder
from scenes.suite import Suite, read_manifest
from scripts.gauges import Gauges
from scripts.wiring import Job, check_planner, default_cache, make_limits, perform
from services.registry import experts_of
from skills.workflow import WORKFLOWS, Restore

OUT = Path("out")


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; ``None`` means: make or start one for this run."""

    config: RunConfig
    meta: Path | None = None
    scenes: int = 6
    seed: int = 0
    endpoints: Path | None = None
    preset: str = "perfect"
    out: Path | None = None
    otel: str = ""


def configured(file: Path | None, repeated: Path | None, wanted: Mapping[str, object]) -> RunConfig:
    """The configuration of a file or of an earlier run, which then rules alone, or what the
    command line says."""
    if repeated is not None:
        return config_of(RunFolder.open(repeated)).changed(suite=wanted["suite"])
    if file is not None:
        return RunConfig.read(file).changed(suite=wanted["suite"])
    return RunConfig(suite=str(wanted["suite"])).changed(**wanted)


def run_and_report(request: Request) -> None:
    """The `run` verb."""
    from agent.interop.tracing import traces_url
    from scripts.tables import show

    check_planner(request.config)
    make_limits(request.config)
    if request.otel:
        traces_url(request.otel)
    suite = suite_folder(request)
    folder = request.out or OUT / "runs" / f"{suite.name}-{request.config.planner}"
    with running_experts(request, suite, folder) as endpoints:
        job = Job(suite, folder, request.config, endpoints, default_cache(), request.otel)
        report = finish(job)
    show({request.config.planner: report})
    print(f"report: {folder / 'report.html'}")


def finish(job: Job, title: str = "") -> RunReport:
    """Run what is owed, score in a process of its own, and write the pages.

    Raises `InfrastructureError` when episodes stay owed, after scoring what there is.
    """
    folder, summary = perform_visibly(job, title or job.folder.name)
    report = score_apart(folder, job.suite, metric_of(job.suite))
    write_page([folder], job.suite)
    if summary.interrupted:
        raise KeyboardInterrupt
    if not summary.complete:
        raise InfrastructureError(
            f"{summary.progress.left} of {summary.progress.total} episodes are owed "
            f"({summary.stopped or summary.progress.last_error}); "
            "run the same command again to complete them"
        )
    return report


def metric_of(suite: Path) -> str:
    """The metric that a suite says it is scored by; VSI-Bench's where it says nothing."""
    return str(read_manifest(suite).settings.get("metric", "vsi"))


def is_complete(path: Path) -> bool:
    """Whether there is a run at ``path`` that owes nothing."""
    if not (path / "run.json").exists():
        return False
    folder = RunFolder.open(path)
    owed = (None, EpisodeStatus.OWED)
    return all(folder.status(task.id, epoch) not in owed for task, epoch in folder.scheduled())


def write_page(folders: Sequence[RunFolder], suite: Path, title: str = "") -> Path:
    """Write one page about scored runs into the first folder, and return where it is.

    In a process of its own, because the page shows the correct answers.
    """
    command = [sys.executable, "-m", "scripts.main", "report", "--suite", str(suite)]
    command += ["--title", title, *(str(folder.path) for folder in folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InfrastructureError(f"the report page failed: {done.stderr.strip()}")
    return folders[0].path / "report.html"


def perform_visibly(job: Job, title: str) -> tuple[RunFolder, SessionSummary]:
    """`perform` with a live bar on a terminal, and plain lines elsewhere."""
    if not sys.stderr.isatty():
        return perform(job, [PlainLines(sys.stderr)])
    gauges = Gauges()
    with LiveBar(sys.stderr, title, gauges) as bar:
        watching: list[Subscriber] = [bar]
        return perform(job, watching, gauges)


def suite_folder(request: Request) -> Path:
    """The suite's folder, made first when the user named one of ours."""
    name = request.config.suite
    if name == "vsi-meta":
        return _vsi_meta(request)
    if name == "rooms":
        return _rooms(request)
    path = Path(name)
    if not path.is_dir():
        raise UserError(
            f"there is no suite {name!r}: give a folder made by `surveyor rooms make`, "
            "or one of: rooms, vsi-meta"
        )
    return path


def _vsi_meta(request: Request) -> Path:
    from scenes.suite_vsi_meta import make_vsi_meta_suite

    if request.meta is None:
        raise UserError("suite vsi-meta needs --meta, the folder of VSI-Bench's metadata")
    path = OUT / "suites" / f"vsi-meta-{request.seed}"
    if not (path / "suite.json").exists():
        make_vsi_meta_suite(path, request.meta, seed=request.seed)
    return path


def _rooms(request: Request) -> Path:
    from scenes.suite_rooms import make_rooms_suite

    path = OUT / "suites" / f"rooms-{request.seed}-{request.scenes}"
    if not (path / "suite.json").exists():
        make_rooms_suite(path, seeds=range(request.seed, request.seed + request.scenes))
    return path


@contextmanager
def running_experts(request: Request, suite: Path, folder: Path) -> Iterator[Path]:
    """The endpoints to use: the user's, or of reference experts that live as long as the run."""
    if request.endpoints is not None:
        yield request.endpoints
        return
    with reference_experts(
        suite, request.preset, folder.with_name(folder.name + ".experts"), request.config
    ) as at:
        yield at


@contextmanager
def reference_experts(
    suite: Path, preset: str, state: Path, config: RunConfig | None = None
) -> Iterator[Path]:
    """The reference experts that this run may ask, for as long as it lasts."""
    from services.launch import up

    names = experts_needed(Suite.open(suite), config or RunConfig(suite=str(suite)))
    with up(names, [suite], preset, state) as handle:
        yield handle.endpoints_file


def experts_needed(suite: Suite, config: RunConfig) -> tuple[str, ...]:
    """A suite without frames needs the object table only; a plain program never restores."""
    if not any(capture.frames for capture in suite.captures.values()):
        return ("scene",)
    if config.planner == "program" and not config.skills:
        looks = WORKFLOWS[str(config.planner_options.get("workflow", "plain"))]
        restore = () if looks.restore is Restore.NONE else ("restore",)
        return ("detect", "segment", "depth", "reconstruct", *restore)
    return experts_of("reference")

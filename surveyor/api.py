"""What `import surveyor` gives: the verbs as functions. The names are in `surveyor.__init__`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surveyor.benchmarks.compare import RunComparison
from surveyor.benchmarks.compare import compare as compare_folders
from surveyor.benchmarks.report.record import RunReport, read_report
from surveyor.benchmarks.run.config import ExpertOptions, RunConfig
from surveyor.benchmarks.scoring import metric_of, score_apart
from surveyor.core.dataset import Dataset
from surveyor.core.object_store import STORE
from surveyor.memory.episodes import Episode
from surveyor.memory.runs import RunFolder

if TYPE_CHECKING:
    from surveyor.agent.planner import Planner
    from surveyor.tools.spec import Tool

_OPTIONS = ("workflow", "profile", "model", "base_url", "key_env", "price", "sampling")


@dataclass(frozen=True)
class Run:
    """A run on disk: its report, its episodes, its page.

    >>> run = Run.open("out/runs/rooms-program")
    >>> run.report.tally.scheduled
    4
    >>> next(run.episodes()).answer is not None
    True
    """

    folder: RunFolder

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """The run in a folder; `UserError` when there is none."""
        return cls(RunFolder.open(Path(path)))

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.folder.path

    @property
    def report(self) -> RunReport:
        """Its numbers; `UserError` when it was never scored."""
        return read_report(self.folder)

    @property
    def page(self) -> Path:
        """The page to open in a browser."""
        return self.path / "report.html"

    def episodes(self) -> Iterator[Episode]:
        """What happened, question by question, in order; those that never began are left out."""
        for task, epoch in self.folder.scheduled():
            if (episode := self.folder.episode(task.id, epoch)) is not None:
                yield episode


def load_dataset(path: Path | str) -> Dataset:
    """The public side of a dataset folder: scenes, frames and questions, no answers.

    Raises `UserError` when there is none, or it was changed since it was made.

    >>> rooms = load_dataset("out/rooms")
    >>> len(list(rooms.tasks())) > 0
    True
    """
    return Dataset.open(Path(path))


def make_rooms(
    out: Path | str, rooms: int = 6, seed: int = 0, *, split: str = "test", **settings: Any
) -> Dataset:
    """Make (or finish, or keep) embedded rooms with exact truth, and questions about them.

    ``settings`` are those of `surveyor.scenes.datasets.embedded.RoomsSettings`: ``n_frames``,
    ``size``, ``conditions``, ``types`` ...

    >>> make_rooms("out/rooms", rooms=1, n_frames=8, size=(160, 120)).manifest.scenes
    ('room_000000',)
    """
    from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset

    make_rooms_dataset(
        Path(out),
        range(seed, seed + rooms),
        settings=RoomsSettings.model_validate(settings),
        split=split,
    )
    return load_dataset(out)


def run(
    dataset: Dataset | Path | str,
    *,
    planner: Planner | str = "program",
    tools: Sequence[Tool[Any] | str] = (),
    preset: str = "perfect",
    experts: Path | None = None,
    out: Path | str | None = None,
    **options: Any,
) -> Run:
    """Answer a dataset's questions, score the answers and write the page; resume what is there.

    ``planner`` is ``program``, ``chat`` (with ``model`` and ``base_url``) or a `Planner` of your
    own; ``tools`` of your own are offered beside ours, names of tools or sets say which of ours are
    (``measure``; all without). Without ``experts`` (an endpoints file), reference
    experts with the error model ``preset`` are started for this run. ``options`` are the fields of
    `RunConfig` and of the planner (``workflow``, ``model``, ``base_url``, ...). Answers and the
    run are shared by the store that ``SURVEYOR_STORE`` names, if it does.

    Raises `UserError` for what you can mend, `InfrastructureError` when episodes stay incomplete.

    >>> done = run("out/rooms", limit=4)
    >>> done.report.tally.scored
    4
    """
    from surveyor.compose.session import Request, carry_out

    place = dataset.path if isinstance(dataset, Dataset) else Path(dataset)
    name = planner if isinstance(planner, str) else planner.name
    chosen = {key: options.pop(key) for key in _OPTIONS if key in options}
    own = ExpertOptions(preset=preset).model_dump() if experts is None else {}
    given = (tools,) if isinstance(tools, str) else tools
    named = tuple(tool for tool in given if isinstance(tool, str))
    fields = {**options, "planner": name, "tools": named}
    config = RunConfig(dataset=str(place)).changed(
        **{"planner_options": chosen, "expert_options": own, **fields}
    )
    request = Request(
        config,
        endpoints=experts,
        out=None if out is None else Path(out),
        planner=None if isinstance(planner, str) else planner,
        tools=tuple(tool for tool in given if not isinstance(tool, str)),
        store=os.environ.get(STORE, ""),
    )
    return Run.open(carry_out(request)[0])


def score(run: Run, dataset: Dataset | Path | str, *, metric: str = "", profile: str = "") -> Run:
    """Score a run again, by the dataset's own metric or another; answers stay in a process of
    their own.

    >>> score(Run.open("out/runs/rooms-program"), "out/rooms").report.metric
    'vsi'
    """

    place = dataset.path if isinstance(dataset, Dataset) else Path(dataset)
    score_apart(run.folder, place, metric or metric_of(place), profile or None)
    return run


def compare(a: Run, b: Run) -> RunComparison:
    """Two scored runs, paired by task: what one number minus another hides.

    >>> both = compare(*[Run.open("out/runs/rooms-program")] * 2)
    >>> both.overall.difference.value
    0.0
    """
    return compare_folders(a.folder, b.folder)


@contextmanager
def serve(
    dataset: Dataset | Path | str,
    experts: Sequence[str] = (),
    *,
    preset: str = "perfect",
    state: Path | str = "out/experts",
) -> Iterator[Path]:
    """Reference experts of a dataset over HTTP for as long as the block lasts; their endpoints
    file, for ``run(experts=...)``. `surveyor serve up` starts neural ones.

    >>> with serve("out/rooms", ["detect"]) as endpoints:
    ...     endpoints.exists()
    True
    """
    from surveyor.compose.session import experts_needed
    from surveyor.services.launch import up

    opened = dataset if isinstance(dataset, Dataset) else Dataset.open(Path(dataset))
    names = tuple(experts) or experts_needed(opened, RunConfig(dataset=str(opened.path)))
    with up(names, [opened.path], preset, Path(state)) as handle:
        yield handle.endpoints_file

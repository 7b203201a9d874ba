"""Running a dataset: bounded concurrency, one log an episode, resumable at any moment.

The run's folder is the only state. Whatever ends a session (a kill, Ctrl-C, a full disk, experts
that are gone), the next one does what is still incomplete and leaves the rest alone. Answers are
judged afterwards, elsewhere: this process never sees a target.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from surveyor.agent.limits import UNLIMITED, LimitExceeded, Limits
from surveyor.agent.loop import Toolbox, run_episode
from surveyor.agent.planner import Planner
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.run.progress import Progress, Subscriber
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.tasks import Task
from surveyor.core.wording import many
from surveyor.memory.events import EpisodeEnded, EpisodeStatus, SkillsRetrieved
from surveyor.memory.log import EpisodeLog
from surveyor.memory.runs import RunFolder
from surveyor.skills.entries import RetrievedSkill

if TYPE_CHECKING:
    from surveyor.tools.workspace import Workspace

Incomplete = tuple[Task, int]
"""A task and the epoch in which it is incomplete."""


@dataclass(frozen=True, slots=True)
class EpisodeContext:
    """What one episode starts from: a fresh workspace, and the skills retrieved for the task."""

    workspace: Workspace
    frame_handles: tuple[str, ...] = ()
    skills: tuple[RetrievedSkill, ...] = ()
    retrieved: SkillsRetrieved | None = None


@dataclass(frozen=True, slots=True)
class RunContext:
    """What all episodes of a run share, and how each one's setting is made.

    ``limits`` bound each episode, ``budget`` all that one session spends.
    """

    planner: Planner
    registry: Toolbox
    setting: Callable[[Task], EpisodeContext]
    limits: Limits
    budget: Limits = UNLIMITED


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """How one session of a run ended; ``stopped`` says why it ended early, if it did."""

    progress: Progress
    interrupted: bool = False
    stopped: str = ""

    @property
    def complete(self) -> bool:
        """Whether nothing is incomplete any more."""
        return self.progress.left == 0

    def saved(self, place: Path) -> str:
        """How much is kept, for who stopped it."""
        done = self.progress.total - self.progress.left
        return f"{done} of {many(self.progress.total, 'episode')} saved in {place}"


async def run_dataset(
    folder: RunFolder,
    tasks: Sequence[Task],
    bench: RunContext,
    config: RunConfig,
    subscribers: Sequence[Subscriber] = (),
) -> SessionSummary:
    """Answer everything that ``folder`` still owes; ``tasks`` are the scheduled ones.

    Returns when all is done, when SIGINT or SIGTERM arrives, when the session's budget is spent, or
    when ``give_up_after`` episodes in a row came back incomplete. Raises `UserError` when another
    process works on the run, and when the log cannot be written; either can be resumed after.
    """
    with folder.locked():
        incomplete, earlier = _incomplete(folder, tasks)
        session = _Session(folder, bench, config, tuple(subscribers))
        session.progress = Progress(total=len(incomplete) + earlier, earlier=earlier)
        return await session.run(incomplete)


def _incomplete(folder: RunFolder, tasks: Sequence[Task]) -> tuple[list[Incomplete], int]:
    """Pairs without an end, epoch by epoch, and the number of those that have one."""
    by_id = {task.id: task for task in tasks}
    incomplete: list[Incomplete] = []
    done = 0
    for scheduled, epoch in folder.scheduled():
        if scheduled.id not in by_id:
            raise UserError(
                f"task {scheduled.id!r} of {folder.path} is not in the dataset any more"
            )
        if folder.status(scheduled.id, epoch) in (None, EpisodeStatus.INCOMPLETE):
            incomplete.append((by_id[scheduled.id], epoch))
        else:
            done += 1
    return incomplete, done


@dataclass
class _Session:
    """One process's work on a run."""

    folder: RunFolder
    bench: RunContext
    config: RunConfig
    subscribers: tuple[Subscriber, ...]
    progress: Progress = field(default_factory=lambda: Progress(total=0))
    began: float = field(default_factory=time.monotonic)
    tried: set[tuple[str, int]] = field(default_factory=set)
    incomplete_in_a_row: int = 0
    interrupted: bool = False
    stopped: str = ""

    async def run(self, incomplete: list[Incomplete]) -> SessionSummary:
        """Work through what is incomplete and say how it went."""
        for subscriber in self.subscribers:
            subscriber.started(self.progress)
        try:
            async with self.bench.budget.scope("session"):
                await self._passes(incomplete)
        except LimitExceeded as stop:
            self.stopped = str(stop)
        for subscriber in self.subscribers:
            subscriber.finished(self.progress)
        return SessionSummary(self.progress, self.interrupted, self.stopped)

    async def _passes(self, incomplete: list[Incomplete]) -> None:
        """Try what is incomplete, again while a further pass still brings something home."""
        for _ in range(self.config.passes):
            before = len(incomplete)
            incomplete = await self._pass(incomplete)
            if not incomplete or self.stopped or self.interrupted or len(incomplete) == before:
                return

    async def _pass(self, incomplete: list[Incomplete]) -> list[Incomplete]:
        """Try each pair once and return those that are still incomplete."""
        queue = iter(incomplete)
        still: list[Incomplete] = []
        workers = [
            asyncio.create_task(self._work(queue, still))
            for _ in range(min(self.config.concurrency, len(incomplete)))
        ]

        def interrupt() -> None:
            self.interrupted = True
            for worker in workers:
                worker.cancel()

        with _on_signals(interrupt):
            try:
                await asyncio.gather(*workers)
            except asyncio.CancelledError:
                if not self.interrupted:
                    raise
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        return still + list(queue)

    async def _work(self, queue: Iterator[Incomplete], still: list[Incomplete]) -> None:
        """One lane: take the next pair until there is none. The shared iterator is the bound."""
        for task, epoch in queue:
            ended = await self._episode(task, epoch)
            elapsed, tried = time.monotonic() - self.began, (task.id, epoch) in self.tried
            self.progress = self.progress.after(ended, elapsed, again=tried)
            self.tried.add((task.id, epoch))
            for subscriber in self.subscribers:
                subscriber.ended(task, epoch, ended, self.progress)
            if ended.status is not EpisodeStatus.INCOMPLETE:
                self.incomplete_in_a_row = 0
                continue
            still.append((task, epoch))
            self.incomplete_in_a_row += 1
            if self.incomplete_in_a_row >= self.config.give_up_after:
                self.stopped = ended.reason
            if self.stopped:
                return

    async def _episode(self, task: Task, epoch: int) -> EpisodeEnded:
        bench, setting = self.bench, self.bench.setting(task)
        earlier = self.folder.episode(task.id, epoch)
        try:
            with EpisodeLog(self.folder.episode_path(task.id, epoch)) as log:
                return await run_episode(
                    task,
                    bench.planner,
                    bench.registry,
                    setting.workspace,
                    log,
                    bench.limits,
                    setting.skills,
                    epoch=epoch,
                    attempt=earlier.attempts if earlier else 0,
                    frame_handles=setting.frame_handles,
                    retrieved=setting.retrieved,
                )
        except InfrastructureError as error:  # not the episode's: its log cannot be written
            raise UserError(f"{error}; make room, then run the same command to resume") from error


@contextmanager
def _on_signals(interrupt: Callable[[], None]) -> Iterator[None]:
    """Call ``interrupt`` at the first SIGINT or SIGTERM; a second one acts as usual."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def restore() -> None:
        for number in signals:
            loop.remove_signal_handler(number)

    def first() -> None:
        restore()
        interrupt()

    for number in signals:
        loop.add_signal_handler(number, first)
    try:
        yield
    finally:
        restore()

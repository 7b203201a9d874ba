"""Watching a run: what subscribers are told, and the two that write to a terminal or a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from surveyor.core.tasks import Task
from surveyor.memory.events import EpisodeEnded, EpisodeStatus

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a session is. ``earlier`` episodes were done before it began; times in seconds.
    ``incomplete`` counts episodes that were tried and have no end yet, however often they were
    tried.
    """

    total: int
    earlier: int = 0
    answered: int = 0
    failed: int = 0
    incomplete: int = 0
    elapsed: float = 0.0
    last_error: str = ""

    @property
    def ended(self) -> int:
        """Episodes that this session brought to an end."""
        return self.answered + self.failed

    @property
    def left(self) -> int:
        """Episodes without an end."""
        return self.total - self.earlier - self.ended

    @property
    def rate(self) -> float:
        """Episodes per second in this session; 0 before the first."""
        return self.ended / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def time_left(self) -> float | None:
        """Seconds to go at this rate; ``None`` while the rate is unknown."""
        return self.left / self.rate if self.rate > 0 else None

    def after(self, ended: EpisodeEnded, elapsed: float, *, again: bool = False) -> Progress:
        """Progress once one more attempt is over; ``again`` where its episode was incomplete
        before."""
        status = ended.status
        return Progress(
            total=self.total,
            earlier=self.earlier,
            answered=self.answered + (status is EpisodeStatus.ANSWERED),
            failed=self.failed + (status in (EpisodeStatus.FAILED, EpisodeStatus.LIMIT)),
            incomplete=self.incomplete - again + (status is EpisodeStatus.INCOMPLETE),
            elapsed=elapsed,
            last_error=ended.reason if status is EpisodeStatus.INCOMPLETE else self.last_error,
        )


class Subscriber(Protocol):
    """Told about a run while it happens; must be quick, because episodes wait for it."""

    def started(self, progress: Progress) -> None:
        """The session begins."""
        ...

    def ended(self, task: Task, epoch: int, ended: EpisodeEnded, progress: Progress) -> None:
        """An attempt at one (task, epoch) is over."""
        ...

    def finished(self, progress: Progress) -> None:
        """The session is over."""
        ...


class PlainLines:
    """One line now and then, for logs and pipes: at most one every ``interval`` seconds."""

    def __init__(
        self, stream: TextIO, interval: float = 5.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._interval, self._clock = stream, interval, clock
        self._next = 0.0

    def started(self, progress: Progress) -> None:
        self._next = self._clock() + self._interval
        if progress.earlier:
            self._write(f"resuming: {progress.earlier} of {progress.total} are done")

    def ended(self, task: Task, epoch: int, ended: EpisodeEnded, progress: Progress) -> None:
        if self._clock() >= self._next:
            self._next = self._clock() + self._interval
            self._write(describe(progress))

    def finished(self, progress: Progress) -> None:
        self._write(describe(progress))

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


class LiveBar:
    """A live bar with counts, rate, time left and the last error; use as a context manager.

    ``gauges`` are short texts by name that are shown below the bar, freshly asked for at each
    redraw: concurrency of providers and experts, cost so far.
    """

    def __init__(
        self,
        stream: TextIO,
        title: str,
        gauges: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )
        from rich.progress import Progress as Bar

        console = Console(file=stream)
        self._bar: Bar = Bar(
            SpinnerColumn(),
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}"),
            console=console,
        )
        self._gauges = gauges
        self._title = title
        self._row: TaskID | None = None
        self._error = ""
        self._live = Live(get_renderable=self._lines, console=console, refresh_per_second=4)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def started(self, progress: Progress) -> None:
        self._row = self._bar.add_task(
            self._title, total=progress.total, completed=progress.earlier, detail=""
        )

    def ended(self, task: Task, epoch: int, ended: EpisodeEnded, progress: Progress) -> None:
        self._show(progress)

    def finished(self, progress: Progress) -> None:
        self._show(progress)
        self._live.refresh()

    def _show(self, progress: Progress) -> None:
        if self._row is not None:
            done = progress.earlier + progress.ended
            self._bar.update(self._row, completed=done, detail=_detail(progress))
        self._error = progress.last_error

    def _lines(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        gauges = " · ".join(f"{name} {value}" for name, value in self._gauges().items())
        below = [Text(f"  {gauges}", style="dim")] if gauges else []
        if self._error:
            below.append(Text(f"  last error: {self._error}", style="yellow", overflow="ellipsis"))
        return Group(self._bar, *below)


def describe(progress: Progress) -> str:
    """One line of plain text."""
    done = progress.earlier + progress.ended
    error = f" ({progress.last_error[:60]})" if progress.last_error else ""
    return f"{done}/{progress.total} {_detail(progress)}{error}"


def _detail(progress: Progress) -> str:
    parts = [f"{progress.rate:.1f}/s"]
    if progress.left and progress.time_left is not None:
        parts.append(f"{clock_text(progress.time_left)} left")
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    if progress.incomplete:
        parts.append(f"{progress.incomplete} incomplete")
    return " · ".join(parts)


def clock_text(seconds: float) -> str:
    """``75`` is ``1:15``, ``3723`` is ``1:02:03``."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    tail = f"{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
    return f"{hours}:{tail}" if hours else tail

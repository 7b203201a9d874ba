"""Folding an episode's events into what happened, attempt by attempt."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from surveyor.memory.events import (
    Answer,
    EpisodeEnded,
    EpisodeStarted,
    EpisodeStatus,
    Event,
    LimitHit,
    ModelCall,
    SkillsRetrieved,
    ToolCall,
    ToolOutcome,
)


@dataclass(frozen=True, slots=True)
class Episode:
    """The last attempt at one (task, epoch), and how many attempts there were.

    ``status`` is ``INCOMPLETE`` when the attempt never ended: killed writers leave no other trace.

    >>> import surveyor
    >>> run = surveyor.Run.open("out/runs/rooms-program")
    >>> [episode.done for episode in run.episodes()]
    [True, True, True, True]
    """

    started: EpisodeStarted
    events: tuple[Event, ...]
    status: EpisodeStatus
    reason: str
    attempts: int
    elapsed: float

    @property
    def answer(self) -> str | None:
        """The final answer's text, if the planner gave one."""
        return None if (given := self.given) is None else given.text

    @property
    def given(self) -> Answer | None:
        """The final answer, if the planner gave one."""
        return next((e for e in reversed(self.events) if isinstance(e, Answer)), None)

    @property
    def done(self) -> bool:
        """Whether resume leaves this episode alone."""
        return self.status is not EpisodeStatus.INCOMPLETE

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """Tool calls in order."""
        return tuple(e for e in self.events if isinstance(e, ToolCall))

    @property
    def outcomes(self) -> tuple[ToolOutcome, ...]:
        """Tool results in order."""
        return tuple(e for e in self.events if isinstance(e, ToolOutcome))

    @property
    def model_calls(self) -> tuple[ModelCall, ...]:
        """Model calls in order."""
        return tuple(e for e in self.events if isinstance(e, ModelCall))

    @property
    def skills(self) -> SkillsRetrieved | None:
        """What was retrieved, if anything was."""
        return next((e for e in self.events if isinstance(e, SkillsRetrieved)), None)

    @property
    def limit(self) -> LimitHit | None:
        """The limit that ended the episode, if one did."""
        return next((e for e in self.events if isinstance(e, LimitHit)), None)


def fold(events: Iterable[Event]) -> Episode | None:
    """The last attempt in a file, or ``None`` when no attempt ever began."""
    attempt: list[Event] = []
    attempts = 0
    for event in events:
        if isinstance(event, EpisodeStarted):
            attempt, attempts = [], attempts + 1
        attempt.append(event)
    if not attempt or not isinstance(attempt[0], EpisodeStarted):
        return None
    last = attempt[-1]
    ended = last if isinstance(last, EpisodeEnded) else None
    return Episode(
        started=attempt[0],
        events=tuple(attempt),
        status=ended.status if ended else EpisodeStatus.INCOMPLETE,
        reason=ended.reason if ended else "the episode was interrupted",
        attempts=attempts,
        elapsed=ended.elapsed if ended else last.mono - attempt[0].mono,
    )


Span = tuple[float, float]
"""From when to when, in seconds since the epoch."""
_BETWEEN = 1.0
"""Seconds from one episode to the next in one session; a new session takes longer to begin."""


def spans(events: Iterable[Event]) -> tuple[Span, ...]:
    """When each attempt in a file was at work: from its start for as long as its writer's monotonic
    clock says, so that a time of day that is set in between changes no length."""
    found: list[Span] = []
    first: Event | None = None
    for event in events:
        if isinstance(event, EpisodeStarted):
            first = event
            found.append((event.t, event.t))
        elif first is not None:
            found[-1] = (first.t, first.t + max(0.0, event.mono - first.mono))
    return tuple(found)


def seconds_at_work(worked: Iterable[Span]) -> float:
    """How long somebody worked, in seconds: what overlaps counts once, pauses not at all."""
    total, until = 0.0, -math.inf
    for began, ended in sorted(worked):
        total += max(0.0, ended - (until if began - until <= _BETWEEN else began))
        until = max(until, ended)
    return total

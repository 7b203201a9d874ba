"""What many episodes would take, from what a finished run did: requests, accelerators, storage.

A run's log says how many requests its episodes sent to experts, in which order, beside what the
cache answered. Priced by seconds of one accelerator a request, that gives the work; and played
through queues (`makespan`), it gives the time for so many episodes in flight and so many
accelerators, waiting included.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from surveyor.core.errors import UserError
from surveyor.memory.episodes import Span, fold, seconds_at_work, spans
from surveyor.memory.events import ToolOutcome
from surveyor.memory.log import read_events
from surveyor.memory.runs import RunFolder

BUSY = 0.7
"""The share of its time that an accelerator is planned to work; above it queues grow fast."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Requests that one tool call sent to experts together; `cost` is their priced seconds."""

    tool: str
    requests: int
    cost: float


@dataclass(frozen=True, slots=True)
class Workload:
    """What the episodes of a run asked for, in order; bytes and tokens are of all of them.

    ``uncached`` are the visits as if no request had ever been answered by a cache; ``seconds`` are
    those in which the run was at work.
    """

    episodes: tuple[tuple[Visit, ...], ...]
    uncached: tuple[tuple[Visit, ...], ...]
    log_bytes: int
    blob_bytes: int
    tokens: int
    seconds: float

    @property
    def requests(self) -> Counter[str]:
        """Requests that reached an expert, by tool."""
        total: Counter[str] = Counter()
        for visits in self.episodes:
            for visit in visits:
                total[visit.tool] += visit.requests
        return total

    @property
    def without_cache(self) -> Workload:
        """The same work with every request sent to an expert: the most that it can take."""
        return replace(self, episodes=self.uncached)


@dataclass(frozen=True, slots=True)
class AcceleratorNeed:
    """A row of a plan: requests to one tool's experts, accelerator hours, accelerators."""

    tool: str
    requests: float
    hours: float
    accelerators: int


def measured(run: RunFolder) -> Workload:
    """What a finished run did; `UserError` when no episode of it ended."""
    episodes, uncached, tokens = [], [], 0
    worked: list[Span] = []
    for task, epoch in run.scheduled():
        events = list(read_events(run.episode_path(task.id, epoch)))
        worked += spans(events)
        episode = fold(events)
        if episode is None or not episode.done:
            continue
        asked = [outcome for outcome in episode.outcomes if outcome.expert_calls + outcome.cached]
        uncached.append(tuple(_visit(one, one.expert_calls + one.cached) for one in asked))
        episodes.append(tuple(_visit(one, one.expert_calls) for one in asked if one.expert_calls))
        tokens += sum(
            (call.usage.input_tokens or 0) + (call.usage.output_tokens or 0)
            for call in episode.model_calls
        )
    if not episodes:
        raise UserError(f"no episode of {run.path} has ended; finish the run first")
    logs = sum(path.stat().st_size for path in (run.path / "episodes").glob("*.jsonl"))
    blobs = sum(p.stat().st_size for p in (run.path / "blobs").rglob("*") if p.is_file())
    seconds = seconds_at_work(worked)
    return Workload(tuple(episodes), tuple(uncached), logs, blobs, tokens, seconds)


def _visit(outcome: ToolOutcome, requests: int) -> Visit:
    """So many of a call's requests, at the mean price of all of them."""
    share = requests / (outcome.expert_calls + outcome.cached)
    return Visit(outcome.name, requests, outcome.cost * share)


def plan(
    load: Workload, episodes: int, hours: float, seconds: Mapping[str, float]
) -> tuple[AcceleratorNeed, ...]:
    """Accelerators by tool, so that ``episodes`` end within ``hours`` when each works `BUSY` of
    the time; ``seconds`` a request replaces the priced seconds of the tools that it names."""
    times = episodes / len(load.episodes)
    rows = []
    for tool, count in sorted(load.requests.items()):
        work = times * sum(
            visit.requests * seconds[tool] if tool in seconds else visit.cost
            for visits in load.episodes
            for visit in visits
            if visit.tool == tool
        )
        wanted = math.ceil(work / 3600 / (hours * BUSY))
        rows.append(AcceleratorNeed(tool, count * times, work / 3600, max(1, wanted)))
    return tuple(rows)


def makespan(
    episodes: Sequence[Sequence[Visit]],
    seconds: Mapping[str, float],
    lanes: Mapping[str, int],
    at_once: int,
    between: float = 0.0,
) -> float:
    """Seconds until all episodes have ended, ``at_once`` in flight, taken in order.

    A visit's requests join the queue of its tool together and take ``seconds`` each on one of its
    ``lanes``, first come first served; the next visit begins ``between`` seconds after the last of
    them has ended.
    """
    queues: dict[str, deque[int]] = {tool: deque() for tool in seconds}
    free = {tool: lanes[tool] for tool in seconds}
    waiting, places = deque(range(len(episodes))), [0] * len(episodes)
    left = [0] * len(episodes)
    events: list[tuple[float, int, str, int]] = []
    clock, number = 0.0, 0

    def push(after: float, kind: str, episode: int) -> None:
        nonlocal number
        number += 1
        heapq.heappush(events, (clock + after, number, kind, episode))

    for _ in range(min(at_once, len(waiting))):
        push(0.0, "", waiting.popleft())
    while events:
        clock, _, tool, episode = heapq.heappop(events)
        if tool:  # a request has ended
            free[tool] += 1
            left[episode] -= 1
            if not left[episode]:
                places[episode] += 1
                push(between, "", episode)
        elif places[episode] < len(episodes[episode]):
            visit = episodes[episode][places[episode]]
            tool, left[episode] = visit.tool, visit.requests
            queues[tool].extend([episode] * visit.requests)
        elif waiting:
            push(0.0, "", waiting.popleft())
        while tool and free[tool] and queues[tool]:
            free[tool] -= 1
            push(seconds[tool], tool, queues[tool].popleft())
    return clock

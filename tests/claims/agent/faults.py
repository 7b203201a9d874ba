"""A crowd of episodes against a model server that fails one request in ten, in every way.

Each task has one right answer that only its own conversation leads to, so a reply that reached
the wrong episode would show.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.core.blobs import BlobStore
from surveyor.core.tasks import Task
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import EpisodeEnded, EpisodeStarted, EpisodeStatus
from surveyor.memory.log import EpisodeLog, read_events
from surveyor.tools.workspace import Workspace
from tests.claims.agent.instant_tools import instant_tools, make_tasks, no_experts, pictures
from tests.claims.agent.mock_server import served
from tests.claims.claim import Claim
from tests.support.mock_endpoint import Reply, Request, Script, fails, says

SHARE = 0.1
_PASSES = 8
_DOOR = re.compile(rb"door ([0-9a-f]{6})\?")


def right_answer(question: str) -> str:
    """The letter that the rehearsed model gives to a question."""
    door = _DOOR.search(question.encode())
    return "AB"[int(hashlib.sha256(door[1] if door else b"").hexdigest(), 16) % 2]


def failing_model(seed: int, slow: float, share: float = SHARE) -> Script:
    """Looks, adds, answers; fails ``share`` of the requests in one of six ways."""
    dice = random.Random(seed)

    def sound(request: Request) -> Reply:
        results = request.body.count(b'"role":"tool"')
        if results == 0:
            return says(calls=(("look", '{"frame": "frame_0"}'), ("sum", '{"a": 1, "b": 2}')))
        if results <= 2:
            return says(calls=(("sum", '{"a": 3, "b": 4}'),))
        return says(f"<answer>{right_answer(request.body.decode())}</answer>")

    def script(request: Request) -> Reply:
        if dice.random() >= share:
            return sound(request)
        reply = sound(request)
        faults = (
            fails(429, "slow down", retry_after="0.05"),
            fails(500),
            Reply(cut=0),
            Reply(reply.body, delay=2 * slow),
            Reply(reply.body[: len(reply.body) // 2]),
            says(calls=(("teleport", "{}"),)),
        )
        return dice.choice(faults)

    return script


@dataclass(slots=True)
class _Run:
    """A run's folder and what works through it."""

    root: Path
    planner: ChatPlanner
    blobs: BlobStore
    cap: int
    in_flight: int = 0
    peak: int = 0

    def path(self, task: Task) -> Path:
        return self.root / "episodes" / f"{task.id}.0.jsonl"

    def episode(self, task: Task) -> Episode | None:
        return fold(read_events(self.path(task)))

    def incomplete(self, tasks: list[Task]) -> list[Task]:
        """Tasks without an end."""
        return [t for t in tasks if (e := self.episode(t)) is None or not e.done]

    async def work(self, tasks: list[Task]) -> None:
        """Try each task once, at most ``cap`` at a time."""
        queue = iter(tasks)
        await asyncio.gather(*(self._lane(queue) for _ in range(min(self.cap, len(tasks)))))

    async def _lane(self, queue: Iterator[Task]) -> None:
        registry, experts = instant_tools(), no_experts(self.blobs)
        for task in queue:
            before = self.episode(task)
            self.in_flight += 1
            self.peak = max(self.peak, self.in_flight)
            with EpisodeLog(self.path(task)) as log:
                await run_episode(
                    task,
                    self.planner,
                    registry,
                    Workspace(task, experts),
                    log,
                    Limits(),
                    attempt=before.attempts if before else 0,
                )
            self.in_flight -= 1


async def _crowd(url: str, root: Path, number: int, cap: int, slow: float) -> list[Claim]:
    blobs = BlobStore(root / "blobs")
    tasks = make_tasks(number, pictures(blobs, 2, 16))
    config = ChatConfig(
        model="m", base_url=url, timeout=slow, attempts=2, backoff=0.02, concurrency=cap
    )
    async with ChatPlanner(config, [blobs]) as planner:
        run = _Run(root, planner, blobs, cap)
        began = time.monotonic()
        await run.work(tasks)
        first = time.monotonic() - began
        claims = _after_first(run, tasks, first)
        passes = 1
        while (incomplete := run.incomplete(tasks)) and passes < _PASSES:
            await run.work(incomplete)
            passes += 1
        cuts = planner.endpoint.limiter.cuts
    return claims + _after_resume(run, tasks, passes, cuts)


def _after_first(run: _Run, tasks: list[Task], seconds: float) -> list[Claim]:
    ends = Counter(episode.status for t in tasks if (episode := run.episode(t)) is not None)
    lost, incomplete = len(tasks) - sum(ends.values()), ends[EpisodeStatus.INCOMPLETE]
    note = ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))
    return [
        Claim.at_most("tasks lost in the first pass", lost, 0, f"{note}; {seconds:.1f} s"),
        Claim.at_least("episodes in flight at once", run.peak, min(run.cap, len(tasks))),
        Claim.at_least("episodes incomplete after it, for resume to bring home", incomplete, 1),
    ]


def _after_resume(run: _Run, tasks: list[Task], passes: int, cuts: int) -> list[Claim]:
    doubled = wrong = done = 0
    for task in tasks:
        events = list(read_events(run.path(task)))
        final = [
            e
            for e in events
            if isinstance(e, EpisodeEnded) and e.status is not EpisodeStatus.INCOMPLETE
        ]
        starts = [e.attempt for e in events if isinstance(e, EpisodeStarted)]
        doubled += len(final) > 1 or starts != list(range(len(starts)))
        episode = fold(events)
        done += episode is not None and episode.done
        wrong += episode is not None and episode.answer != right_answer(task.question)
    note = f"{passes} passes, concurrency was cut {cuts} times"
    return [
        Claim.at_least("share of tasks brought to an end after resume", done / len(tasks), 1, note),
        Claim.at_most("tasks answered twice", doubled, 0),
        Claim.at_most("tasks with another task's answer, or none", wrong, 0),
    ]


def faulty_run(number: int = 2000, cap: int = 256, seed: int = 0, slow: float = 5.0) -> list[Claim]:
    """Run and resume ``number`` tasks, ``cap`` at a time, against the failing server; a reply is
    given up after ``slow`` seconds."""
    with tempfile.TemporaryDirectory() as folder, served(failing_model, seed, slow) as url:
        return asyncio.run(_crowd(url, Path(folder), number, cap, slow))

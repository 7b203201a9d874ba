"""What a trained compact agent does on rooms that it never saw, beside its teacher.

Read from the runs that ``scripts/recipes/evaluate_compact.py`` plays; the folder is named by
``SURVEYOR_COMPACT``, or printed alone by ``python -m tests.claims.training.agent FOLDER``. Training
takes too long to be done here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from surveyor.benchmarks.stats.intervals import clustered_mean
from surveyor.benchmarks.usage import spend
from surveyor.memory.events import ToolStatus
from surveyor.memory.runs import RunFolder
from surveyor.training.compact.drawing import skill_for
from surveyor.training.rewards.adherence import adherence
from tests.claims.claim import Claim


@dataclass(frozen=True, slots=True)
class Played:
    """A run's mean score (0..100), the shares of good calls and of episodes as the skill asks."""

    score: float
    rooms: int
    tasks: int
    calls: int
    valid: float
    adheres: float


_WANTED = {
    "other-words": 0.8,
    "held-out-words": 0.8,
    "colloquial-words": 0.8,
    "a-strangers-words": 0.8,
    "held-out-workflows": 0.95,
}
"""Of the teacher's score; 0.98 elsewhere."""


def trained(folder: Path) -> Iterator[Claim]:
    """Against the teacher: the wanted shares of its score, valid calls, and what skills ask."""
    for part, teacher in (
        ("plain", "plain"),
        ("realistic", "realistic"),
        ("unseen-names", "plain"),
        ("other-words", "plain"),
        ("held-out-words", "plain"),
        ("colloquial-words", "plain"),
        ("a-strangers-words", "plain"),
        ("held-out-workflows", "held-out-workflows"),
    ):
        if not (folder / f"compact-{part}" / "results.jsonl").exists():
            continue
        # A part may ask fewer tasks than the teacher played: both are read on the agent's.
        mine = RunFolder.open(folder / f"compact-{part}")
        theirs = RunFolder.open(folder / f"teacher-{teacher}")
        asked = {task.id for task, _ in mine.scheduled()}
        own, taught = read(mine, asked), read(theirs, asked)
        note = f"{own.tasks} tasks of {own.rooms} rooms; {own.score:.1f} and {taught.score:.1f}"
        wanted = _WANTED.get(part, 0.98)
        name = part.replace("-", " ")
        yield Claim.at_least(
            f"{name}: score, of the teacher's", own.score / taught.score, wanted, note
        )
        yield Claim.at_least(f"{name}: calls that are valid", own.valid, 0.995, f"of {own.calls}")
        if part == "held-out-workflows":
            yield Claim.at_least(f"{name}: episodes as the skill asks", own.adheres, 0.95)
    removed = folder / "compact-skill-removed"
    if (removed / "results.jsonl").exists():
        run = RunFolder.open(removed)
        own = read(run, {task.id for task, _ in run.scheduled()})
        note = f"{own.tasks} tasks of {own.rooms} rooms; score {own.score:.1f}"
        yield Claim.at_most("skill removed: episodes as it asks", own.adheres, 0.05, note)


PRICE = 0.05
"""Of a priced second, in score: what the recipe's GRPO was rewarded by."""


def reinforced(folder: Path) -> Iterator[Claim]:
    """What GRPO gained in utility on unseen rooms, where the recipe has played both agents
    (``eval-habits`` and ``eval-grpo`` beside the trained agent's folder)."""
    before, after = (
        folder.with_name(f"eval-{name}") / "compact-plain" for name in ("habits", "grpo")
    )
    if not all((run / "results.jsonl").exists() for run in (before, after)):
        return
    old, new = (_utilities(RunFolder.open(run)) for run in (before, after))
    both = sorted(old.keys() & new.keys())
    gain = clustered_mean([new[k][1] - old[k][1] for k in both], [new[k][0] for k in both])
    note = f"{len(both)} tasks; gain {gain.estimate:+.3f} to {gain.high or 0:+.3f}"
    yield Claim.at_least("GRPO: utility gained, low end of 95 %", gain.low or 0.0, 0.001, note)


def _utilities(run: RunFolder) -> dict[str, tuple[str, float]]:
    """Room and score less priced seconds of every task that was played."""
    scores = {score.task_id: score.value for score in run.results()}
    return {
        task.id: (task.scene_id, scores.get(task.id, 0.0) - PRICE * spend(episode).cost)
        for task, epoch in run.scheduled()
        if (episode := run.episode(task.id, epoch)) is not None
    }


def read(run: RunFolder, asked: set[str]) -> Played:
    """A run's figures over some of its tasks."""
    scores = {score.task_id: score.value for score in run.results()}
    drawn = str(run.record.config["skills"])
    rooms, values, calls, good, met = set(), [], 0, 0, []
    for task, epoch in run.scheduled():
        episode = run.episode(task.id, epoch)
        if task.id not in asked or episode is None:
            continue
        rooms.add(task.scene_id)
        values.append(scores.get(task.id, 0.0))
        calls += len(episode.calls)
        good += sum(outcome.status is ToolStatus.OK for outcome in episode.outcomes)
        skill = skill_for(drawn, task.id) if drawn else None
        if skill is not None and skill.workflow is not None:
            met.append(all(adherence(episode, skill.workflow).values()))
    score = 100 * sum(values) / max(len(values), 1)
    adheres = sum(met) / len(met) if met else 0.0
    return Played(score, len(rooms), len(values), calls, good / max(calls, 1), adheres)


if __name__ == "__main__":
    for claim in chain(trained(Path(sys.argv[1])), reinforced(Path(sys.argv[1]))):
        print(claim)

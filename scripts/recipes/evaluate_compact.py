"""What a compact agent does on rooms it never saw: beside its teacher, and with and without skills.

    python scripts/recipes/evaluate_compact.py MODEL TEST_DATASET OUT [--limit N]

Plays four runs through the real `chat` planner and loop, with reference experts in this process:
plain and with realistic experts, under drawn workflows that training never saw, and the same tasks
with the skill taken out of the prompt. The teacher's runs stand beside them. Every run is an
ordinary folder; the same command again goes on where it was.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.planner import Brief, Planner, Session
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.stats.intervals import clustered_mean
from surveyor.benchmarks.usage import spend
from surveyor.core.tasks import Task
from surveyor.memory.events import ToolStatus
from surveyor.memory.runs import RunFolder
from surveyor.training.compact.drawing import name_of, skill_for
from surveyor.training.compact.rollouts import play_run
from surveyor.training.rewards.adherence import adherence
from surveyor.training.serving.app import build_server
from surveyor.training.serving.load import backend_of

HELD_OUT = name_of(9, held_out=True)


@dataclass(frozen=True, slots=True)
class Part:
    """One row of the table."""

    name: str
    preset: str = "perfect"
    skills: str = ""
    told: bool = True


PARTS = (
    Part("plain"),
    Part("realistic", preset="realistic"),
    Part("held-out workflows", skills=HELD_OUT),
    Part("skill removed", skills=HELD_OUT, told=False),
)


@dataclass(frozen=True, slots=True)
class WithoutSkills:
    """A planner that is not told the skills."""

    inner: Planner

    @property
    def name(self) -> str:
        """The planner's own."""
        return f"{self.inner.name} without skills"

    def start(self, task: Task, brief: Brief) -> Session:
        """Begin with an empty shelf."""
        return self.inner.start(task, replace(brief, skills=()))


async def play(part: Part, model: Path, dataset: Path, out: Path, limit: int | None) -> None:
    """The teacher's run and the agent's, and one line about each."""
    slug = part.name.replace(" ", "-")
    config = RunConfig(
        dataset=str(dataset),
        skills=part.skills,
        expert_options={"preset": part.preset},
        concurrency=4,
        limit=limit,
    )
    work = out / f"experts-{part.preset}"
    if part.told:
        await play_run(out / f"teacher-{slug}", dataset, work, config)
        tell(f"teacher, {part.name}", RunFolder.open(out / f"teacher-{slug}"))
    chat = ChatConfig(
        model="compact",
        base_url="http://compact/v1",
        sampling={"temperature": 0},
        capabilities={"images": False},
    )
    app = build_server(backend_of(model), "compact")
    async with ChatPlanner(chat, [], transport=httpx2.ASGITransport(app=app)) as planner:
        told: Planner = planner if part.told else WithoutSkills(planner)
        config = config.changed(planner="chat")
        await play_run(out / f"compact-{slug}", dataset, work, config, told)
    tell(f"compact, {part.name}", RunFolder.open(out / f"compact-{slug}"))


def tell(name: str, run: RunFolder) -> None:
    """One line: score with an interval over rooms, calls, how many worked, priced seconds."""
    scores = {(score.task_id, score.epoch): score.value for score in run.results()}
    values, rooms, calls, good, effective, cost, met = [], [], 0, 0, 0, 0.0, []
    drawn = str(run.record.config["skills"])
    for task, epoch in run.scheduled():
        values.append(scores.get((task.id, epoch), 0.0))
        rooms.append(task.scene_id)
        episode = run.episode(task.id, epoch)
        if episode is None:
            continue
        spent = spend(episode)
        calls, effective, cost = calls + spent.calls, effective + spent.effective, cost + spent.cost
        good += sum(o.status is ToolStatus.OK for o in episode.outcomes)
        skill = skill_for(drawn, task.id) if drawn else None
        if skill is not None and skill.workflow is not None:
            met.append(all(adherence(episode, skill.workflow).values()))
    told = clustered_mean(values, rooms)
    low, high = (100 * (told.estimate if edge is None else edge) for edge in (told.low, told.high))
    number, made = len(values), max(calls, 1)
    parts = [
        f"{name:<30} n {number:<4} score {100 * told.estimate:5.1f} [{low:.1f}, {high:.1f}]",
        f"calls {calls / number:4.1f}",
        f"valid {100 * good / made:6.2f} %",
        f"effective {100 * effective / made:3.0f} %",
        f"seconds {cost / number:5.1f}",
    ]
    if met:
        parts.append(f"as the skill asks {100 * sum(met) / len(met):5.1f} %")
    print("  ".join(parts), flush=True)


def main() -> None:
    """Every part, in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--limit", type=int, help="only the first tasks")
    parser.add_argument("--only", help="only the part of this name")
    given = parser.parse_args()
    for part in PARTS:
        if given.only in (None, part.name):
            asyncio.run(play(part, given.model, given.dataset, given.out, given.limit))


if __name__ == "__main__":
    main()

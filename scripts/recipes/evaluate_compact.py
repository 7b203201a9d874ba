"""What a compact agent does on rooms it never saw: beside its teacher, and with and without skills.

    python scripts/recipes/evaluate_compact.py MODEL TEST_DATASET OUT [--limit N] [--workers N]
    python scripts/recipes/evaluate_compact.py REINFORCED TEST_DATASET OUT2 --only plain \\
        --beside OUT --price 0.02 --against OUT/compact-plain

Plays its runs through the real `chat` planner and loop, with reference experts in this process:
plain, with realistic experts, with every object called by a name that training never saw, with the
questions in other words (trained on, held out, and by somebody who had seen none of this), under
drawn workflows that training never saw, and the same tasks with the skill taken out of the prompt.
The teacher's runs stand beside them.
Every run is an ordinary folder; the same command again goes on where it was.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import random
import re
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

import httpx2

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.planner import Planner, PlannerInput, Session
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.stats.intervals import clustered_mean
from surveyor.benchmarks.usage import spend
from surveyor.core.tasks import Task
from surveyor.core.workers import in_processes
from surveyor.memory.events import ToolStatus
from surveyor.memory.runs import RunFolder
from surveyor.scenes.rooms.catalog import CATALOG
from surveyor.training.compact.drawing import name_of, skill_for
from surveyor.training.compact.held_out import COLLOQUIAL, HELD_OUT, STRANGER
from surveyor.training.compact.rollouts import play_run
from surveyor.training.compact.wordings import reworded
from surveyor.training.rewards.adherence import adherence
from surveyor.training.serving.app import build_server
from surveyor.training.serving.load import backend_of

NEW_WORKFLOWS = name_of(9, held_out=True)
AMONG = {"trained": None, "held out": HELD_OUT, "colloquial": COLLOQUIAL, "stranger": STRANGER}


@dataclass(frozen=True, slots=True)
class Part:
    """One row of the table."""

    name: str
    preset: str = "perfect"
    skills: str = ""
    told: bool = True
    names: bool = False
    words: str = ""

    @property
    def teacher(self) -> str:
        """Whose teacher's run this is compared with; other words and names change no task."""
        return "plain" if self.names or self.words else self.name


PARTS = (
    Part("plain"),
    Part("realistic", preset="realistic"),
    Part("unseen names", names=True),
    Part("other words", words="trained"),
    Part("held-out words", words="held out"),
    Part("colloquial words", words="colloquial"),
    Part("a stranger's words", words="stranger"),
    Part("held-out workflows", skills=NEW_WORKFLOWS),
    Part("skill removed", skills=NEW_WORKFLOWS, told=False),
)


@dataclass(frozen=True, slots=True)
class WithoutSkills:
    """A planner that is not told the skills."""

    inner: Planner

    @property
    def name(self) -> str:
        """The planner's own."""
        return f"{self.inner.name} without skills"

    def start(self, task: Task, brief: PlannerInput) -> Session:
        """Begin with an empty shelf."""
        return self.inner.start(task, replace(brief, skills=()))


@dataclass(frozen=True, slots=True)
class InOtherWords:
    """A planner that is asked in other words than the teacher was."""

    inner: Planner
    words: str

    @property
    def name(self) -> str:
        """The planner's own."""
        return f"{self.inner.name} in other words"

    def start(self, task: Task, brief: PlannerInput) -> Session:
        """Begin with the question reworded, always the same way for a task."""
        other = reworded(task.question, random.Random(task.id), AMONG[self.words])
        return self.inner.start(task.model_copy(update={"question": other}), brief)


_MADE_OF = ("copper", "velvet", "wicker", "marble", "bamboo", "enamel", "canvas", "cork", "felt")
_THINGS = ("gramophone", "tripod", "lantern", "globe", "easel", "samovar", "anvil", "harp", "loom")
UNSEEN = dict(
    zip(
        sorted({*CATALOG, "door", "window"}),
        (" ".join(pair) for pair in product(_MADE_OF, _THINGS)),
        strict=False,
    )
)
"""A name that no room has for every one that some room has."""


class OtherNames(httpx2.AsyncBaseTransport):
    """The wire to the model, on which every object goes by another name, there and back."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, names: Mapping[str, str]) -> None:
        self._inner = inner
        self._there, self._back = _changed(names), _changed({v: k for k, v in names.items()})

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the messages on in other names; the system's, and a tool's own, stay."""
        body = json.loads(await request.aread())
        for message in body.get("messages", ()):
            if message["role"] != "system" and isinstance(message.get("content"), str):
                message["content"] = self._there(message["content"])
            for call in message.get("tool_calls") or ():
                call["function"]["arguments"] = self._there(call["function"]["arguments"])
        headers = {"content-type": "application/json"}
        sent = httpx2.Request(request.method, request.url, headers=headers, json=body)
        answer = await self._inner.handle_async_request(sent)
        told = self._back((await answer.aread()).decode())
        return httpx2.Response(answer.status_code, headers=headers, text=told)


def _changed(names: Mapping[str, str]):  # type: ignore[no-untyped-def]
    longest = sorted(names, key=len, reverse=True)
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, longest))})\b")
    return lambda text: pattern.sub(lambda found: names[found[0]], text)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Whose agent is played, where, and how many tasks."""

    model: Path
    dataset: Path
    out: Path
    beside: Path
    limit: int | None
    temperature: float

    def config(self, part: Part) -> RunConfig:
        """The teacher's run; the agent's differs in the planner alone."""
        return RunConfig(
            dataset=str(self.dataset),
            skills=part.skills,
            expert_options={"preset": part.preset},
            concurrency=4,
            limit=self.limit,
        )

    def work(self, part: Part) -> Path:
        """Where experts' answers are kept."""
        return self.beside / f"experts-{part.preset}"

    def taught(self, part: Part) -> Path:
        """The teacher's run that this part is compared with."""
        return self.beside / f"teacher-{part.teacher.replace(' ', '-')}"


def teach(given: Evaluation, part: Part) -> None:
    """The teacher's run, unless it is there."""
    taught = given.taught(part)
    if not (taught / "results.jsonl").exists():
        asyncio.run(play_run(taught, given.dataset, given.work(part), given.config(part)))


def played(given: Evaluation, part: Part) -> str:
    """What is told of a part, played in this process."""
    with redirect_stdout(io.StringIO()) as said:
        asyncio.run(play(given, part))
    return said.getvalue()


async def play(given: Evaluation, part: Part) -> None:
    """The agent's run, and what it came to."""
    began = time.process_time()
    slug = re.sub("[^a-z-]", "", part.name.replace(" ", "-"))
    chat = ChatConfig(
        model="compact",
        base_url="http://compact/v1",
        sampling={"temperature": given.temperature},
        capabilities={"images": False},
    )
    app = build_server(backend_of(given.model), "compact")
    transport: httpx2.AsyncBaseTransport = httpx2.ASGITransport(app=app)
    if part.names:
        transport = OtherNames(transport, UNSEEN)
    async with ChatPlanner(chat, [], transport=transport) as planner:
        told: Planner = planner if part.told else WithoutSkills(planner)
        if part.words:
            told = InOtherWords(told, part.words)
        config = given.config(part).changed(planner="chat")
        run = given.out / f"compact-{slug}"
        await play_run(run, given.dataset, given.work(part), config, told)
    tell(f"compact, {part.name}", RunFolder.open(run))
    print(f"    {time.process_time() - began:.0f} CPU-seconds", flush=True)


def tell(name: str, run: RunFolder) -> None:
    """One line: score with an interval over rooms, calls, how many worked, priced seconds; and a
    second one with the score of each question type."""
    scores = {(score.task_id, score.epoch): score.value for score in run.results()}
    values, rooms, calls, good, effective, cost, met = [], [], 0, 0, 0, 0.0, []
    types: dict[str, list[float]] = defaultdict(list)
    drawn = str(run.record.config["skills"])
    for task, epoch in run.scheduled():
        values.append(scores.get((task.id, epoch), 0.0))
        rooms.append(task.scene_id)
        types[task.question_type].append(values[-1])
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
    each = (f"{name} {100 * sum(v) / len(v):.1f}" for name, v in sorted(types.items()))
    print("    " + "; ".join(each), flush=True)


def worth(run: RunFolder, price: float) -> dict[str, tuple[str, float]]:
    """Room and utility of every task: score less ``price`` a priced expert second."""
    scores = {score.task_id: score.value for score in run.results()}
    found = {}
    for task, epoch in run.scheduled():
        episode = run.episode(task.id, epoch)
        cost = spend(episode).cost if episode else 0.0
        found[task.id] = (task.scene_id, scores.get(task.id, 0.0) - price * cost)
    return found


def compare(run: RunFolder, other: RunFolder, price: float) -> None:
    """The mean difference in utility over the same tasks, with an interval over rooms."""
    mine, theirs = worth(run, price), worth(other, price)
    both = sorted(mine.keys() & theirs.keys())
    gains = [mine[name][1] - theirs[name][1] for name in both]
    told = clustered_mean(gains, [mine[name][0] for name in both])
    means = [sum(one[name][1] for name in both) / len(both) for one in (mine, theirs)]
    print(
        f"utility at {price} a second, n {len(both)}: {means[0]:.3f}, other {means[1]:.3f}, gain "
        f"{told.estimate:+.3f} [{told.low or 0:+.3f}, {told.high or 0:+.3f}]"
    )


def main() -> None:
    """Every part; ``--workers`` at a time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--limit", type=int, help="only the first tasks")
    parser.add_argument("--only", help="only the part of this name")
    parser.add_argument("--temperature", type=float, default=0.0, help="0: the likeliest token")
    parser.add_argument("--workers", type=int, default=1, help="parts played at a time")
    parser.add_argument("--price", type=float, default=0.02, help="of an expert second, in score")
    parser.add_argument("--against", type=Path, help="a run to compare the plain part with")
    parser.add_argument("--beside", type=Path, help="whose teacher's runs are shared; OUT's own")
    given = parser.parse_args()
    parts = [part for part in PARTS if given.only in (None, part.name)]
    folders = (given.model, given.dataset, given.out, given.beside or given.out)
    asked = Evaluation(*folders, given.limit, given.temperature)
    teachers = {part.name: part for part in PARTS}
    needed = {part.teacher for part in parts if part.told}
    taught = [teachers[name] for name in sorted(needed)]
    list(in_processes(partial(teach, asked), taught, given.workers))
    for part in taught:
        tell(f"teacher, {part.name}", RunFolder.open(asked.taught(part)))
    for said in in_processes(partial(played, asked), parts, given.workers):
        print(said, end="", flush=True)
    if given.against:
        run = RunFolder.open(given.out / "compact-plain")
        compare(run, RunFolder.open(given.against), given.price)


if __name__ == "__main__":
    main()

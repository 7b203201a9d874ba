"""The same lift by another planner: a chat model that follows its skills, beside the program.

Both answer the same questions of small rooms, once without skills and once with the seeds that
retrieval gives them. The chat model is scripted (`tests.claims.skills.follower`); everything
between it and the experts is the real path: prompt, HTTP, dialect, tools.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.planner import Planner
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.memory.episodes import fold
from surveyor.memory.log import EventList
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.skills.builtin import add_builtin
from surveyor.skills.entries import RetrievedSkill
from surveyor.skills.retrieve import Retriever
from surveyor.skills.store import SkillStore
from surveyor.tools.builtin import offered_tools
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.tools.workspace import Workspace
from surveyor.training.evolution.cases import Case, load_cases
from surveyor.training.evolution.inprocess_experts import experts_in_process
from surveyor.training.evolution.scoring import Scorer
from tests.claims.claim import Claim
from tests.claims.skills.follower import follow, readable
from tests.support.mock_endpoint import RehearsalServer

ROOMS = 4
FIRST_SEED = 53_000
TYPES = ("object_counting", "object_abs_distance", "object_rel_distance")
PRICE = 0.015
"""Points (0..1) that a priced second must buy, as at the gate."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One episode's answer, score and priced seconds."""

    answer: str | None
    score: float
    cost: float

    @property
    def utility(self) -> float:
        """Score less priced seconds."""
        return self.score - PRICE * self.cost


def measure(rooms: int = ROOMS, per_type: int = 3) -> Iterator[Claim]:
    """Lift of both planners, and on how many questions they differ."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = Path(folder) / "rooms"
        settings = RoomsSettings(
            n_frames=12,
            size=(160, 120),
            types=TYPES,
            per_type=per_type,
            conditions=("clean", "dark"),
        )
        seeds = range(FIRST_SEED, FIRST_SEED + rooms)
        make_rooms_dataset(dataset, seeds, settings=settings, name="chat")
        yield from claims(asyncio.run(_played(Path(folder), dataset)))


def claims(played: dict[tuple[str, bool], list[Outcome]]) -> Iterator[Claim]:
    """Rows from the outcomes of (planner, with skills), in the order of the tasks."""
    lifts = {
        planner: statistics.fmean(
            new.utility - old.utility
            for new, old in zip(played[planner, True], played[planner, False], strict=True)
        )
        for planner in ("chat", "program")
    }
    tasks = len(played["chat", True])
    apart = sum(
        chat != program
        for skilled in (True, False)
        for chat, program in zip(played["chat", skilled], played["program", skilled], strict=True)
    )
    moved = sum(
        new != old for new, old in zip(played["chat", True], played["chat", False], strict=True)
    )
    yield Claim.at_most(
        "chat: lift of a model that follows skills to the letter, less the program planner's",
        abs(lifts["chat"] - lifts["program"]),
        1e-9,
        f"chat {lifts['chat']:+.4f}, program {lifts['program']:+.4f}, {tasks} questions",
    )
    yield Claim.at_most(
        "chat: episodes whose answer, score or cost differs between the two",
        apart,
        0,
        f"of {2 * tasks}; skills changed {moved} of {tasks}",
    )


async def _played(folder: Path, dataset: Path) -> dict[tuple[str, bool], list[Outcome]]:
    cases = load_cases([dataset], split="test")
    with SkillStore(folder / "seeds.sqlite") as store:
        add_builtin(store)
        retriever = Retriever(store)
        skills = {c.id: _skills(retriever, c) for c in cases}
    played: dict[tuple[str, bool], list[Outcome]] = {}
    with RehearsalServer(follow, keep=False) as server:
        async with experts_in_process([dataset], folder) as client, Scorer([dataset]) as scorer:
            for name in ("chat", "program"):
                async with _planner(name, server.url) as planner:
                    for skilled in (False, True):
                        played[name, skilled] = [
                            await _one(c, planner, client, scorer, skills[c.id] if skilled else ())
                            for c in cases
                        ]
    return played


def _skills(retriever: Retriever, case: Case) -> tuple[RetrievedSkill, ...]:
    return retriever.retrieve(case.profile, case.task.question).skills


@asynccontextmanager
async def _planner(name: str, url: str) -> AsyncIterator[Planner]:
    if name == "program":
        yield ProgramPlanner()
        return
    config = ChatConfig(
        model="follower", base_url=url, capabilities={"images": False, "dialect": "native"}
    )
    async with ChatPlanner(config, ()) as planner:
        yield planner


async def _one(
    case: Case,
    planner: Planner,
    client: ExpertClient,
    scorer: Scorer,
    skills: Sequence[RetrievedSkill],
) -> Outcome:
    log = EventList()
    tools = offered_tools(frames=True)
    registry = Registry([readable(t) for t in tools] if planner.name != "program" else tools)
    workspace = Workspace(case.task, client)
    await run_episode(case.task, planner, registry, workspace, log, Limits(), tuple(skills))
    episode = fold(log)
    assert episode is not None
    scored = await scorer.score(case.id, episode.answer)
    return Outcome(episode.answer, scored.score, sum(o.cost for o in episode.outcomes))

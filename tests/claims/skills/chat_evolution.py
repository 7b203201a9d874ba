"""Evolving a chat model: one that follows its skills, and one that doesn't read them.

Both are scripted (`tests.claims.skills.follower`); prompt, HTTP, dialect, tools, experts, log, gate
are the real ones. For the first something that helps is promoted, for the second nothing is, and
the bill that was made from the first rung is held against what the rest really cost.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.chat.prices import Price
from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import BLOBS
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.documents import SkillDocument
from surveyor.skills.workflow import PLAIN, Frames, Join, Workflow
from surveyor.tools.builtin import default_tools
from surveyor.tools.registry import Registry
from surveyor.training.evolution.bill import bill
from surveyor.training.evolution.cases import load_cases
from surveyor.training.evolution.exploration import ExploreSettings
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.player import RolloutRequest
from surveyor.training.evolution.players import LoggedPlayer
from surveyor.training.evolution.records import EvolveReport, EvolveSettings, Plan
from surveyor.training.evolution.rounds import evolve
from surveyor.training.evolution.sessions import reference_player
from surveyor.training.evolution.styles import ReadingStyle
from tests.claims.claim import Claim
from tests.claims.skills.follower import follow, ignore, readable
from tests.support.mock_endpoint import RehearsalServer, Reply, Request

ROOMS = 30
FIRST_SEED = 55_000
TYPES = ("object_abs_distance",)
PRESET = "perfect:reconstruct.overlap=2"
"""No two views share enough to be joined, so that looking the plain way finds nothing, and what
measures in every view alone does."""
VOTED = Workflow(frames=Frames(number=6), join=Join.VOTE)
PRICES = Price(input=1.0, output=4.0)
"""US dollars a million tokens, made up."""


@dataclass(slots=True)
class _Counted:
    """A player that remembers what each stage was played for."""

    player: LoggedPlayer
    stages: dict[str, list[Rollout]]

    @property
    def behaviour(self) -> str:
        return self.player.behaviour

    def teach(self, documents: Mapping[str, SkillDocument]) -> None:
        self.player.teach(documents)

    async def play(self, stage: str, requests: Sequence[RolloutRequest]) -> Sequence[Rollout]:
        found = list(await self.player.play(stage, requests))
        self.stages[stage] = found
        return found


def measure(rooms: int = ROOMS) -> Iterator[Claim]:
    """Both models on the same rooms."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = Path(folder) / "rooms"
        settings = RoomsSettings(n_frames=8, size=(160, 120), types=TYPES, per_type=2)
        seeds = range(FIRST_SEED, FIRST_SEED + rooms)
        make_rooms_dataset(dataset, seeds, settings=settings, split="train", name="chat")
        for name, model in (("follows", follow), ("ignores", ignore)):
            report, stages, plan = asyncio.run(_evolved(Path(folder) / name, dataset, model))
            promoted = sum(r.count("promoted") for r in report.rounds)
            verdicts = [v.comparison for r in report.rounds for v in r.verdicts]
            note = "; ".join(f"lift {v.lift:+.4f}, {v.reason}" for v in verdicts)
            played = sum(map(len, stages.values()))
            yield Claim.holds(
                f"evolution: chat model that {name} its skills: "
                + ("what helps is promoted" if name == "follows" else "nothing is promoted"),
                (promoted > 0) is (name == "follows"),
                note=f"{played} rollouts; {note}",
            )
            if name == "follows":
                yield from _bills(dataset, plan, stages)


def _bills(dataset: Path, plan: Plan, stages: dict[str, list[Rollout]]) -> Iterator[Claim]:
    first = stages["round-1-rung-1"]
    lines = bill(load_cases([dataset]), plan, _settings(), first)
    rest = {stage: found for stage, found in stages.items() if found is not first and found}
    later = [r for found in rest.values() for r in found]
    for unit, of in (("model calls", _calls), ("dollars", _dollars)):
        each = {way: _mean([of(r) for r in first if r.workflow == way]) for way in (PLAIN, VOTED)}
        billed = math.fsum(each[r.workflow] for r in later)
        spent = math.fsum(of(r) for r in later)
        yield Claim.at_most(
            f"evolution: bill in {unit} by the first rung's prices, off by",
            round(abs(billed - spent) / spent, 3),
            0.05,
            f"billed {billed:.4g}, spent {spent:.4g} in {len(rest)} later stages",
        )
    most = sum(line.rollouts for line in lines)
    yield Claim.at_most(
        "evolution: rollouts played, of those on the bill",
        round(sum(map(len, stages.values())) / most, 3),
        1.0,
        f"{sum(map(len, stages.values()))} of at most {most}",
    )


def _calls(rollout: Rollout) -> float:
    return rollout.model_calls


def _dollars(rollout: Rollout) -> float:
    return rollout.dollars or 0.0


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _settings() -> EvolveSettings:
    return EvolveSettings(space=(VOTED,), explore=ExploreSettings(rungs=(0.5, 0.5), keep=(1.0,)))


async def _evolved(
    root: Path, dataset: Path, model: Callable[[Request], Reply]
) -> tuple[EvolveReport, dict[str, list[Rollout]], Plan]:
    library = Library(root / "library")
    stages: dict[str, list[Rollout]] = {}
    with RehearsalServer(model, keep=False) as server:
        config = ChatConfig(
            model="scripted",
            base_url=server.url,
            price=PRICES,
            capabilities={"images": False, "dialect": "native"},
        )
        stores = (BlobStore(dataset / BLOBS), BlobStore(root / "experts" / "blobs"))
        async with (
            ChatPlanner(config, stores) as chat,
            reference_player(
                [dataset],
                library.rollouts,
                root / "experts",
                preset=PRESET,
                style=ReadingStyle(chat, PLAIN),
                model="scripted",
            ) as player,
        ):
            player.registry = Registry([readable(tool) for tool in default_tools()])
            counted = _Counted(player, stages)
            report = await evolve(library, load_cases([dataset]), counted, _settings())
    (file,) = library.plans.glob("*.json")
    return report, stages, Plan.model_validate_json(file.read_bytes())

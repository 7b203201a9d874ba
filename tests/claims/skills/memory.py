"""What scene memory saves: later questions on a scene measure what earlier ones have found.

Real episodes: the `program` planner and reference experts on small rooms made for the purpose.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

from surveyor.agent.recall_tool import recall_tool
from surveyor.memory.scenes.store import SceneMemory
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.scenes.questions.vsi import GENERATORS
from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.memory_hook import remember
from surveyor.skills.workflow import PLAIN
from surveyor.training.evolution.cases import load_cases
from surveyor.training.evolution.player import RolloutRequest
from surveyor.training.evolution.sessions import reference_player
from tests.claims.claim import Claim
from tests.claims.skills.compare import contrast

ROOMS = 8
FIRST_SEED = 53_000
PRICE = 0.015
WORSE = 0.02
"""Score points (0..1) within which recalling counts as harmless: an object measured for one
question may be measured a little worse than for another."""


def measure(rooms: int = ROOMS) -> Iterator[Claim]:
    """Cost and score of the same questions, in the same order, with and without memory."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = Path(folder) / "rooms"
        settings = RoomsSettings(n_frames=16, size=(320, 240), types=tuple(GENERATORS), per_type=4)
        seeds = range(FIRST_SEED, FIRST_SEED + rooms)
        make_rooms_dataset(dataset, seeds, settings=settings, split="train", name="memory")
        yield from asyncio.run(_compared(Path(folder), dataset))


async def _compared(folder: Path, dataset: Path) -> list[Claim]:
    fresh, recalled = [await _played(folder, dataset, recalls) for recalls in (False, True)]
    found = contrast("recalled", recalled, "fresh", fresh, PRICE)
    free = sum(t.cost == 0 for t in recalled)
    note = (
        f"{len(recalled)} questions on {found.rooms} rooms, {free} answered without an expert;"
        f" score {found.score:+.4f} [{found.score_low:+.4f}, {found.score_high:+.4f}]"
    )
    return [
        Claim.at_most(
            "memory: cost of questions that may recall, share", found.cost_ratio, 0.7, note
        ),
        Claim.at_least("memory: score gained by recalling", found.score, -WORSE, note),
    ]


async def _played(folder: Path, dataset: Path, recalls: bool) -> tuple[Rollout, ...]:
    """One question after another, as they come."""
    played: list[Rollout] = []
    with SceneMemory(folder / f"memory-{recalls}.sqlite") as memory:
        tools = [recall_tool(memory)] if recalls else []
        async with reference_player(
            [dataset], folder / f"rollouts-{recalls}", folder / "work", tools=tools
        ) as player:
            for case in load_cases([dataset]):
                request = RolloutRequest(case, PLAIN)
                played += await player.play("memory", [request])
                episode = player.log.folder(request, "").episode(case.id, 0)
                assert episode is not None
                remember(memory, case.id, case.task, episode, case.profile)
    return tuple(played)

"""What builtin skills are worth in captured rooms: real clutter and holes, labels by hand.

Five rooms decide how wide the interval is, however often they are filmed and asked about: walks
and error seeds are pooled, and a room stands or falls as one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from surveyor.scenes.datasets.scans import ScanSettings, make_scans_dataset
from surveyor.scenes.questions.vsi import GENERATORS
from surveyor.scenes.scans.room import ScannedRoom
from surveyor.services.reference.base import WorldCache
from surveyor.skills.builtin import add_builtin
from surveyor.skills.retrieve import Retriever
from surveyor.skills.store import SkillStore
from surveyor.skills.workflow import PLAIN
from surveyor.training.evolution.cases import load_cases
from surveyor.training.evolution.policy import LibraryPolicy, always
from surveyor.training.evolution.records import EvolveSettings
from surveyor.training.evolution.sessions import reference_player
from tests.claims.claim import Claim
from tests.claims.skills.compare import Played, by_tag, contrast, evaluate, pooled

WALKS = 3
PER_TYPE = 24
SEEDS = {"perfect": (0,), "realistic": (0, 1, 2)}


def lift(folder: Path, rooms: Sequence[ScannedRoom]) -> Iterator[Claim]:
    """Builtin skills less none, by the score and by what it costs, for each kind of experts."""
    paths = [make_walk(folder / f"walk{k}", rooms, k) for k in range(WALKS)]
    price = EvolveSettings().price
    for preset, seeds in SEEDS.items():
        played = pooled(
            [asyncio.run(_played(path, folder, preset, seed)) for path in paths for seed in seeds]
        )
        found = contrast("builtin", played["builtin"], "plain", played["plain"], price)
        types = by_tag(played, "builtin", "plain", lambda one: [one.profile.question_type], price)
        told = ", ".join(f"{name} {one.score:+.3f}" for name, one in sorted(types.items()))
        note = (
            f"[{found.score_low:+.3f}, {found.score_high:+.3f}] by {found.rooms} rooms; "
            f"{len(played['plain'])} episodes, {WALKS} walks, {len(seeds)} error seeds, the skills "
            f"choose otherwise in {found.differ}; cost {found.cost_ratio:.2f}, utility "
            f"{found.utility:+.3f} [{found.utility_low:+.3f}, {found.utility_high:+.3f}]; {told}"
        )
        name = f"captured rooms, {preset} experts: lift of builtin skills, score"
        yield Claim.at_least(name, found.score, 0.0, note)


def make_walk(path: Path, rooms: Sequence[ScannedRoom], walk: int) -> Path:
    """The rooms filmed along one way each, asked as often as the official rules can."""
    settings = ScanSettings(per_type=PER_TYPE, types=tuple(GENERATORS), walk=walk)
    make_scans_dataset(path, rooms, settings=settings, name=f"webxr-{path.name}", seed=walk)
    return path


async def _played(path: Path, folder: Path, preset: str, seed: int) -> Played:
    work = folder / f"{path.name}-{preset}-{seed}"
    with SkillStore(folder / "builtin.sqlite") as store:
        add_builtin(store)
        choosers = {
            "plain": always(PLAIN),
            "builtin": LibraryPolicy(Retriever(store), PLAIN).workflow,
        }
        shelf = WorldCache((path,), keep_frames=128, keep_sights=50_000)
        async with reference_player(
            [path], work / "played", work / "experts", preset=preset, seed=seed, shelf=shelf
        ) as player:
            return await evaluate(choosers, load_cases([path], split="test"), player)

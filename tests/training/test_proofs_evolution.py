"""Evolving and judging on small real rooms, for two error seeds that share their pictures."""

from __future__ import annotations

import asyncio

import pytest

from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.training.evolution.exploration import ExploreSettings
from surveyor.training.evolution.records import EvolveSettings
from tests.claims.skills.evolution import (
    EvolutionPlan,
    evolve_seed,
    judge_seed,
    play_defaults,
    shelf_of,
)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> EvolutionPlan:
    root = tmp_path_factory.mktemp("evolution")
    for split, seeds in (("train", range(11, 19)), ("test", range(21, 23))):
        settings = RoomsSettings(n_frames=6, size=(128, 96), types=("object_counting",), per_type=1)
        make_rooms_dataset(root / split, seeds, settings=settings, split=split, name=split)
    return EvolutionPlan(
        train=(root / "train",),
        test=(root / "test",),
        work=root / "work",
        error_seeds=(0, 1),
        curve=(1,),
        oracle_rooms=1,
        settings=EvolveSettings(explore=ExploreSettings(episodes=4)),
    )


def test_both_seeds_are_judged_and_nothing_is_played_twice(plan: EvolutionPlan) -> None:
    async def judge() -> list[set[str]]:
        training, testing = shelf_of(plan.train), shelf_of(plan.test)
        policies, played = [], []
        for seed in plan.error_seeds:
            evolved = await evolve_seed(plan, seed, training)
            await play_defaults(plan, seed, testing)
            watch = lambda stage, done, total: played.append(stage)  # noqa: E731
            again = await evolve_seed(plan, seed, training, watch)
            assert again == evolved
            assert not played
            result = await judge_seed(plan, seed, evolved, testing)
            assert (result.hindsight is not None) == (seed == 0)
            assert {len(rollouts) for rollouts in result.played.values()} == {2}
            policies.append(set(result.played))
        return policies

    first, second = asyncio.run(judge())
    assert first == second >= {"plain", "guarded", "seeds", "evolved 1", "per type"}

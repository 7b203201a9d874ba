"""Everything that a player needs, opened together: experts, scorer, planner, log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from surveyor.benchmarks.run.config import RunConfig
from surveyor.core.dataset import read_manifest
from surveyor.core.producer import Producer
from surveyor.memory.manifest import DatasetIdentity
from surveyor.services.reference.base import WorldCache
from surveyor.services.registry import experts_of
from surveyor.tools.builtin import default_tools
from surveyor.tools.experts import ExpertClient
from surveyor.tools.prices import PriceList
from surveyor.tools.registry import Registry
from surveyor.tools.spec import Tool
from surveyor.tools.workspace import Workspace
from surveyor.training.evolution.inprocess_experts import experts_in_process
from surveyor.training.evolution.players import LoggedPlayer, Progress, Style
from surveyor.training.evolution.rollout_log import RolloutLog
from surveyor.training.evolution.scoring import Scorer
from surveyor.training.evolution.styles import ProgramStyle
from surveyor.training.evolution.versions import behaviour_of


@asynccontextmanager
async def reference_player(
    datasets: Sequence[Path],
    rollouts: Path,
    work: Path,
    *,
    preset: str = "realistic",
    seed: int = 0,
    shelf: WorldCache | None = None,
    tools: Sequence[Tool[Any]] = (),
    style: Style | None = None,
    model: str = "",
    progress: Progress | None = None,
    prices: PriceList | None = None,
) -> AsyncIterator[LoggedPlayer]:
    """A player whose reference experts know these datasets and no others, in this process.

    ``rollouts`` holds the run folders, ``work`` blobs and cached answers; ``tools`` are offered
    beside the builtin ones. Without a ``style`` the `program` planner plays.
    """
    async with experts_in_process(
        datasets, work, preset=preset, seed=seed, shelf=shelf, prices=prices
    ) as client:
        names = experts_of("reference")
        producers = tuple([(await client.info(name)).producer for name in names])
        options = {"preset": preset, "seed": seed}
        async with player(
            datasets,
            rollouts,
            client,
            producers,
            options=options,
            tools=tools,
            style=style,
            model=model,
            progress=progress,
        ) as made:
            yield made


@asynccontextmanager
async def player(
    datasets: Sequence[Path],
    rollouts: Path,
    client: ExpertClient,
    producers: tuple[Producer, ...],
    *,
    options: dict[str, Any] | None = None,
    tools: Sequence[Tool[Any]] = (),
    style: Style | None = None,
    model: str = "",
    progress: Progress | None = None,
) -> AsyncIterator[LoggedPlayer]:
    """A player with whatever experts ``client`` reaches; ``producers`` say who they are and
    ``options`` how they were asked for."""
    style = style or ProgramStyle()
    kind = "program" if isinstance(style, ProgramStyle) else "chat"
    reading = " ".join(tool.name for tool in tools)
    log = RolloutLog(
        rollouts,
        RunConfig(
            dataset=",".join(path.name for path in datasets),
            planner=kind,
            planner_options={"model": model} if model else {},
            expert_options=options or {},
        ),
        behaviour_of(kind, model, producers, reading=reading),
        _identities(datasets),
        producers,
    )
    async with Scorer(datasets) as scorer:
        yield LoggedPlayer(
            log,
            style,
            Registry([*default_tools(), *tools]),
            lambda case: Workspace(case.task, client),
            scorer,
            progress=progress,
        )


def _identities(datasets: Sequence[Path]) -> dict[str, DatasetIdentity]:
    manifests = [read_manifest(path) for path in datasets]
    return {m.name: DatasetIdentity(name=m.name, content_hash=m.content_hash) for m in manifests}

"""What `surveyor evolve` does: the player that was asked for, then rounds."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.benchmarks.run.preflight import check_place
from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import BLOBS
from surveyor.core.errors import UserError
from surveyor.memory.runs import RunFolder
from surveyor.services.reference.presets import preset as preset_of
from surveyor.skills.distil.base import Distiller
from surveyor.skills.distil.chat import ChatDistiller
from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.distil.rules import RulesDistiller
from surveyor.tools.cache import ResultCache
from surveyor.tools.endpoints import EndpointsFile
from surveyor.tools.experts import ExpertClient
from surveyor.training.evolution.bill import bill, told
from surveyor.training.evolution.cases import Case, load_cases
from surveyor.training.evolution.given import rollouts_of
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.players import LoggedPlayer, Style
from surveyor.training.evolution.records import (
    EvolveReport,
    EvolveSettings,
    Plan,
    RoundReport,
    plot,
    round_line,
)
from surveyor.training.evolution.rounds import evolve, plan_rooms
from surveyor.training.evolution.scoring import Scorer
from surveyor.training.evolution.sessions import player, reference_player
from surveyor.training.evolution.styles import ProgramStyle, ReadingStyle
from surveyor.training.evolution.textual import TextualSkill, textual_skills, tried_in

PLANNERS, DISTILLERS = ("program", "chat"), ("rules", "chat")


@dataclass(frozen=True, slots=True)
class EvolveRequest:
    """What the user asked for. ``experts`` is an endpoints file; without one the reference experts
    answer in this process. ``runs`` are finished runs to learn from instead of exploring."""

    datasets: tuple[Path, ...]
    library: Path
    settings: EvolveSettings
    planner: str = "program"
    chat: ChatConfig | None = None
    experts: Path | None = None
    distiller: str = "rules"
    runs: tuple[Path, ...] = ()
    preset: str = "realistic"

    def checked(self) -> EvolveRequest:
        """Itself; `UserError` for what can't be."""
        for value, known in ((self.planner, PLANNERS), (self.distiller, DISTILLERS)):
            if value not in known:
                raise UserError(f"{value!r} is none of {', '.join(known)}; choose one of them")
        if self.chat is None and "chat" in (self.planner, self.distiller):
            raise UserError("a chat planner or distiller needs a model; name it with --model")
        if not self.datasets:
            raise UserError("name a dataset of split train to learn from")
        check_place(self.library, "choose another place with --library")
        return self


def evolve_library(request: EvolveRequest, *, dry_run: bool = False) -> None:
    """Evolve, telling each round on stderr, and print the learning curve and the snapshot; or print
    the bill and play nothing."""
    request = request.checked()
    if dry_run:
        print(asyncio.run(_bill(request)))
        return
    report = asyncio.run(_evolve(request))
    print(plot(report.rounds))
    print(f"snapshot: {request.library / 'snapshots' / report.snapshot}")


async def _evolve(request: EvolveRequest) -> EvolveReport:
    def tell(round_: RoundReport) -> None:
        print(round_line(round_, request.settings.rounds), file=sys.stderr, flush=True)

    # Refused in a sentence before anything is made.
    preset_of(request.preset)
    if request.experts is not None:
        EndpointsFile.named(request.experts)
    cases = load_cases(request.datasets)
    given, texts, _ = await _evidence(request, cases)
    async with open_player(request) as who:
        return await evolve(
            Library(request.library),
            cases,
            who,
            request.settings,
            distiller=_distiller(request, who),
            given=given,
            texts=texts,
            on_round=tell,
        )


async def _bill(request: EvolveRequest) -> str:
    cases = load_cases(request.datasets)
    given, _, plan = await _evidence(request, cases)
    lines = bill(cases, plan, request.settings, given)
    return told(lines[-1:] if given else lines)


async def _evidence(
    request: EvolveRequest, cases: Sequence[Case]
) -> tuple[tuple[Rollout, ...], tuple[TextualSkill, ...], Plan]:
    """What the given runs hold, and which rooms are left to teach and judge beside theirs."""
    given: tuple[Rollout, ...] = ()
    texts: tuple[TextualSkill, ...] = ()
    if folders := [RunFolder.open(path) for path in request.runs]:
        async with Scorer(request.datasets) as scorer:
            given = await rollouts_of(folders, cases, scorer)
            texts = textual_skills(await tried_in(folders, cases, scorer))
    taught = {scene for text in texts for scene in text.provenance.scenes}
    known = frozenset(
        {rollout.room for rollout in given} | {c.room for c in cases if c.task.scene_id in taught}
    )
    return given, texts, plan_rooms(cases, known, request.settings)


@asynccontextmanager
async def open_player(request: EvolveRequest) -> AsyncIterator[LoggedPlayer]:
    """The player: planner, experts, log, scorer."""
    library = Library(request.library)
    work = library.root / "experts"
    async with AsyncExitStack() as stack:
        style: Style = ProgramStyle()
        model = ""
        if request.planner == "chat" and request.chat is not None:
            stores = (*(BlobStore(p / BLOBS) for p in request.datasets), BlobStore(work / "blobs"))
            chat = await stack.enter_async_context(ChatPlanner(request.chat, stores))
            style, model = ReadingStyle(chat, request.settings.default), request.chat.model
        opened = (
            reference_player(
                request.datasets,
                library.rollouts,
                work,
                preset=request.preset,
                seed=request.settings.seed,
                style=style,
                model=model,
                progress=_progress,
            )
            if request.experts is None
            else _elsewhere(request, request.experts, work, style, model)
        )
        yield await stack.enter_async_context(opened)


@asynccontextmanager
async def _elsewhere(
    request: EvolveRequest, endpoints: Path, work: Path, style: Style, model: str
) -> AsyncIterator[LoggedPlayer]:
    """A player with running experts."""
    file = EndpointsFile.named(endpoints)
    client = ExpertClient(
        file,
        BlobStore(work / "blobs"),
        ResultCache(work / "answers.sqlite"),
        originals=tuple(BlobStore(path / BLOBS) for path in request.datasets),
    )
    try:
        infos = [await client.info(endpoint.expert) for endpoint in file.read().experts]
        async with player(
            request.datasets,
            Library(request.library).rollouts,
            client,
            tuple(info.producer for info in infos),
            style=style,
            model=model,
            progress=_progress,
        ) as made:
            yield made
    finally:
        await client.aclose()


def _progress(stage: str, done: int, total: int) -> None:
    if done == total or done % 50 == 0:
        print(f"{stage}: {done} of {total} rollouts", file=sys.stderr, flush=True)


def _distiller(request: EvolveRequest, who: LoggedPlayer) -> Distiller:
    if request.distiller == "rules" or request.chat is None:
        return RulesDistiller()
    config = request.chat

    def ask(prompt: str) -> str:
        """From a thread of its own: rounds run in an event loop already."""
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(lambda: asyncio.run(_ask(config, prompt))).result()

    archive = Library(request.library).distil
    return ChatDistiller(ask, config.model, archive, who.trajectories)


async def _ask(config: ChatConfig, prompt: str) -> str:
    from surveyor.agent.chat.endpoint import Endpoint

    endpoint = Endpoint(config)
    try:
        body = {
            "model": config.model,
            "messages": [{"role": "user", "content": prompt}],
            **config.sampling,
        }
        completion = await endpoint.complete(json.dumps(body).encode())
        return str(completion.message.get("content") or "")
    finally:
        await endpoint.aclose()

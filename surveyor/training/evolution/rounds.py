"""Evolving skills round by round: rollouts, a bundle, the gate, a snapshot.

Everything a round does is a function of the library, the settings and the rollouts, and rollouts
are ordinary logged episodes. So a process killed anywhere continues where it was and arrives at the
same snapshot: a round is written to the library in one transaction, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from surveyor.core.errors import UserError
from surveyor.core.wording import many
from surveyor.services.plan import write_atomically
from surveyor.skills.distil.base import Distiller
from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.distil.rules import RulesDistiller
from surveyor.skills.embed import Embedder
from surveyor.skills.provenance import Status, digest
from surveyor.skills.retrieve import Retriever
from surveyor.skills.snapshot import take_snapshot
from surveyor.skills.store import SkillStore
from surveyor.training.evolution.cases import Case, blocks, shuffled_rooms
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.one_round import Round
from surveyor.training.evolution.player import Player
from surveyor.training.evolution.policy import LibraryPolicy
from surveyor.training.evolution.promotion import idle
from surveyor.training.evolution.records import (
    EvolveReport,
    EvolveSettings,
    Plan,
    RoundReport,
    run_id,
)
from surveyor.training.evolution.textual import TextualSkill

MIN_ROOMS = 16


async def evolve(
    library: Library,
    cases: Sequence[Case],
    player: Player,
    settings: EvolveSettings | None = None,
    *,
    distiller: Distiller | None = None,
    embedder: Embedder | None = None,
    given: Sequence[Rollout] = (),
    texts: Sequence[TextualSkill] = (),
    on_round: Callable[[RoundReport], None] | None = None,
) -> EvolveReport:
    """Evolve the library on these training cases and take a snapshot.

    ``given`` rollouts teach in place of the first round's exploration; the gate is played on rooms
    that they don't touch. ``texts`` are kept as candidates that a person may vouch for. Rounds that
    are complete are kept. Raises `UserError` when a case isn't of a training split, another process
    evolves this library or the rooms are too few or not fresh, and `InfrastructureError` when
    experts stay unreachable; the same call resumes after either.
    """
    settings = (settings or EvolveSettings()).consistent()
    distiller = distiller or RulesDistiller()
    _check(cases)
    told = [*(r.model_dump_json() for r in given), *(t.document.version for t in texts)]
    evidence = digest(sorted(told)) if told else ""
    tasks = tuple(c.id for c in cases)
    run = run_id(settings, tasks, f"{player.behaviour}{evidence}", distiller.name)
    with library.locked(), library.open(builtin=settings.builtin) as store:
        work = _Evolution(
            library, store, player, settings, distiller, embedder, run, tuple(given), tuple(texts)
        )
        return await work.rounds(cases, on_round)


def plan_rooms(cases: Sequence[Case], known: frozenset[str], settings: EvolveSettings) -> Plan:
    """Which rooms teach and which judge. Rooms in ``known`` taught or judged before, so they may
    teach again, but every gate needs fresh ones.

    Raises `UserError` when there are too few.
    """
    rooms = shuffled_rooms(cases, settings.seed)
    fresh = [room for room in rooms if room not in known]
    judging = round(settings.gate_share * len(rooms))
    if len(rooms) < MIN_ROOMS:
        raise UserError(f"{len(rooms)} rooms are too few to learn and judge on; give {MIN_ROOMS}")
    if len(fresh) < judging:
        raise UserError(
            f"this library has learned from {len(rooms) - len(fresh)} of these "
            f"{many(len(rooms), 'room')} already, and {judging} fresh ones are needed to "
            "judge on; give another dataset, or another --library"
        )
    gates = fresh[len(fresh) - judging :]
    teaching = [room for room in rooms if room not in set(gates)]
    return Plan(
        rungs=blocks(teaching, settings.explore.rungs),
        gates=blocks(gates, [1.0] * settings.rounds),
    )


def _check(cases: Sequence[Case]) -> None:
    wrong = next((c for c in cases if c.task.split != "train"), None)
    if wrong is not None:
        raise UserError(
            f"task {wrong.id} is of split {wrong.task.split}; skills are learned from train only"
        )


@dataclass(slots=True)
class _Evolution:
    """One evolution in progress."""

    library: Library
    store: SkillStore
    player: Player
    settings: EvolveSettings
    distiller: Distiller
    embedder: Embedder | None
    run: str
    given: tuple[Rollout, ...]
    texts: tuple[TextualSkill, ...]

    async def rounds(
        self, cases: Sequence[Case], on_round: Callable[[RoundReport], None] | None
    ) -> EvolveReport:
        """All rounds that are still to do."""
        plan = self._plan(cases)
        done = [RoundReport.model_validate_json(r) for r in self.store.rounds(self.run)]
        self._tidy(cases)
        while len(done) < self.settings.rounds:
            round_ = Round(
                run=self.run,
                number=len(done) + 1,
                library=self.library,
                store=self.store,
                player=self.player,
                settings=self.settings,
                distiller=self.distiller,
                embedder=self.embedder,
                given=self.given,
                texts=self.texts,
            )
            report = await round_.play(cases, plan)
            done.append(report)
            self._tidy(cases)
            if on_round is not None:
                on_round(report)
        snapshot = take_snapshot(self.store, self.library.snapshots, self.embedder, empty=True)
        snapshot.store.close()
        return EvolveReport(run=self.run, rounds=tuple(done), snapshot=snapshot.id)

    def _tidy(self, cases: Sequence[Case]) -> None:
        """Retire distilled skills that better ones have taken every turn from. Doing it again
        changes nothing, so it need not be part of a round's transaction."""
        policy = LibraryPolicy(Retriever(self.store, self.embedder), self.settings.default)
        why: dict[str, JsonValue] = {"reason": "better skills do all that it did"}
        for skill in idle(self.store.skills(Status.ACTIVE), cases, policy):
            self.store.record(skill.document.version, "merged", Status.RETIRED, detail=why)

    def _plan(self, cases: Sequence[Case]) -> Plan:
        """This evolution's plan: drawn when it begins, read when it goes on."""
        file = self.library.plans / f"{self.run}.json"
        if file.exists():
            return Plan.model_validate_json(file.read_bytes())
        scenes = {scene.scene_id for scene in self.store.scenes()}
        scenes |= {rollout.scene_id for rollout in self.given}
        scenes |= {scene for text in self.texts for scene in text.provenance.scenes}
        known = frozenset(case.room for case in cases if case.task.scene_id in scenes)
        plan = plan_rooms(cases, known, self.settings)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, plan.model_dump_json())
        return plan

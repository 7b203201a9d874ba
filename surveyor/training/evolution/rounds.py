"""Evolving skills round by round: rollouts, distil, gate, snapshot.

Everything a round does is a function of the library, the settings and the trials, and trials are
kept as soon as they end. So a process killed anywhere continues where it was and arrives at the
same snapshot: a round is written to the library in one transaction, or not at all.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from surveyor.core.errors import UserError
from surveyor.skills.distil.base import Candidate, Distiller
from surveyor.skills.distil.rollouts import Trial, table
from surveyor.skills.distil.rules import RulesDistiller
from surveyor.skills.embed import Embedder
from surveyor.skills.provenance import Origin, Status, mark
from surveyor.skills.retrieve import Retriever
from surveyor.skills.snapshot import take_snapshot
from surveyor.skills.statements import append_ledger, append_round, insert_scenes, insert_version
from surveyor.skills.store import SkillStore
from surveyor.training.evolution.cases import Case, split_rooms
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.one_round import Judged, Round, Watch
from surveyor.training.evolution.policy import LibraryPolicy
from surveyor.training.evolution.promotion import refused, wealth
from surveyor.training.evolution.records import (
    EvolveReport,
    EvolveSettings,
    RoundReport,
    Verdict,
    run_id,
)
from surveyor.training.evolution.removal import removal_weights
from surveyor.training.evolution.rollout_store import Play, TrialStore

MIN_ROOMS = 8

_STATUS = {
    "promoted": Status.ACTIVE,
    "kept": Status.CANDIDATE,
    "retired": Status.RETIRED,
    "merged": Status.RETIRED,
    "stays": None,
}


async def evolve(
    library: Library,
    cases: Sequence[Case],
    play: Play,
    settings: EvolveSettings | None = None,
    *,
    distiller: Distiller | None = None,
    embedder: Embedder | None = None,
    watch: Watch | None = None,
    on_round: Callable[[RoundReport], None] | None = None,
) -> EvolveReport:
    """Evolve a library by ``settings.rounds`` rounds, or finish an evolution that was killed.

    Raises `UserError` when another process evolves this library or the cases are too few, and
    `InfrastructureError` when experts stay unreachable; the same call resumes after either.
    """
    settings = (settings or EvolveSettings()).consistent()
    distiller = distiller or RulesDistiller()
    _check(cases)
    run = run_id(settings, tuple(c.id for c in cases), play.world, distiller.name)
    with library.locked(), library.open(seeds=settings.seeds) as store:
        trials = TrialStore(library.trials)
        try:
            work = _Evolution(library, store, trials, play, settings, distiller, embedder, run)
            return await work.rounds(cases, watch, on_round)
        finally:
            trials.close()


def _check(cases: Sequence[Case]) -> None:
    wrong = next((c for c in cases if c.task.split != "train"), None)
    if wrong is not None:
        raise UserError(
            f"task {wrong.id} is of split {wrong.task.split}; skills are learned from train only"
        )
    rooms = len({c.room for c in cases})
    if rooms < MIN_ROOMS:
        raise UserError(f"{rooms} rooms are too few to learn and judge on; give {MIN_ROOMS}")


@dataclass(slots=True)
class _Evolution:
    """One evolution in progress."""

    library: Library
    store: SkillStore
    trials: TrialStore
    play: Play
    settings: EvolveSettings
    distiller: Distiller
    embedder: Embedder | None
    run: str

    async def rounds(
        self,
        cases: Sequence[Case],
        watch: Watch | None,
        on_round: Callable[[RoundReport], None] | None,
    ) -> EvolveReport:
        """All rounds that are still to do."""
        explore, gate = split_rooms(cases, self.settings.gate_share, self.settings.seed)
        done = [RoundReport.model_validate_json(r) for r in self.store.rounds(self.run)]
        while len(done) < self.settings.rounds:
            report = await self._round(done, explore, gate, watch)
            done.append(report)
            if on_round is not None:
                on_round(report)
        snapshot = take_snapshot(self.store, self.library.snapshots, self.embedder, empty=True)
        snapshot.store.close()
        return EvolveReport(run=self.run, rounds=tuple(done), snapshot=snapshot.id)

    async def _round(
        self,
        done: Sequence[RoundReport],
        explore: Sequence[Case],
        gate: Sequence[Case],
        watch: Watch | None,
    ) -> RoundReport:
        retriever = Retriever(self.store, self.embedder, cache=self.library.index)
        round_ = Round(
            run=self.run,
            serial=self.store.rounds_so_far() + 1,
            number=len(done) + 1,
            policy=LibraryPolicy(retriever, self.settings.default),
            active=self.store.skills(Status.ACTIVE),
            settings=self.settings,
            trials=self.trials,
            play=self.play,
            wealth=wealth(self.store),
            authored=tuple(
                s.document.scope
                for s in self.store.skills(None)
                if s.provenance.origin is not Origin.DISTILLED
            ),
            refused=refused(self.store, done),
            watch=watch,
        )
        tried = await round_.explore(explore)
        made = round_.distil(explore, tried, self.distiller)
        weights = removal_weights(explore, tried, round_.policy, self.settings.price)
        judged = await round_.judge(made, gate, weights)
        report = self._report(round_, explore, tried, made, judged)
        self._commit(round_, made, judged, [*explore, *gate], report)
        return report

    def _commit(
        self,
        round_: Round,
        made: Sequence[Candidate],
        judged: Sequence[Judged],
        cases: Sequence[Case],
        report: RoundReport,
    ) -> None:
        """Write the whole round in one transaction."""
        scenes = {c.task.scene_id: mark(c.task) for c in cases}
        with self.store.writing() as db:
            heard = {item.change.version for item in judged}
            for candidate in [c for c in made if c.document.version in heard]:
                insert_version(db, candidate.document, candidate.provenance)
            for item in judged:
                found = item.comparison
                append_ledger(
                    db,
                    item.change.version,
                    item.action,
                    _STATUS[item.action],
                    lift=item.change.proven(item.action, found),
                    round_=round_.serial,
                    detail=found.model_dump(mode="json"),
                )
            insert_scenes(db, (scenes[s] for s in sorted(scenes)))
            append_round(db, self.run, round_.number, report.model_dump_json())

    def _report(
        self,
        round_: Round,
        cases: Sequence[Case],
        tried: Sequence[Trial],
        made: Sequence[Candidate],
        judged: Sequence[Judged],
    ) -> RoundReport:
        rows = table(tried)
        now = [
            row
            for case in cases
            if (row := rows.get((case.id, round_.policy.choose(case).workflow.key))) is not None
        ]
        score = statistics.fmean(t.score for t in now) if now else 0.0
        cost = statistics.fmean(t.cost for t in now) if now else 0.0
        return RoundReport(
            round=round_.number,
            tried=len(tried),
            incomplete=sum(t.incomplete for t in tried),
            findings=len(made),
            verdicts=tuple(
                Verdict(
                    skill=j.change.skill,
                    version=j.change.version,
                    action=j.action,
                    comparison=j.comparison,
                )
                for j in judged
            ),
            active=len(round_.active),
            utility=score - self.settings.price * cost,
            score=score,
            cost=cost,
        )

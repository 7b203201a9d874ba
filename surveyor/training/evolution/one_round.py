"""One round of evolution: explore, propose a bundle, bring it to the gate, write it down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from surveyor.skills.distil.base import Candidate, Distiller, candidates
from surveyor.skills.distil.lessons import learn
from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.embed import Embedder
from surveyor.skills.gate import Comparison
from surveyor.skills.provenance import Status, mark
from surveyor.skills.retrieve import Retriever
from surveyor.skills.statements import append_ledger, append_round, insert_scenes, insert_version
from surveyor.skills.store import SkillStore
from surveyor.skills.workflow import Workflow
from surveyor.training.evolution.bundle import Bundle, propose, thrift
from surveyor.training.evolution.cases import Case, in_rooms
from surveyor.training.evolution.exploration import (
    Arm,
    ArmEvidence,
    Rung,
    arms_of,
    explore,
    rung_of,
)
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.player import Player, RolloutRequest
from surveyor.training.evolution.policy import LibraryPolicy
from surveyor.training.evolution.promotion import Change, base_of, judge, proven, wealth
from surveyor.training.evolution.records import EvolveSettings, Plan, RoundReport, Verdict
from surveyor.training.evolution.space import SPACE, neighbours
from surveyor.training.evolution.textual import TextualSkill

THRIFT_SHARE = 0.1
"""Of a round's error budget: for equal answers at lower cost, which need hardly any."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Skills that are one change, and what the gate found."""

    made: tuple[Candidate, ...]
    found: Comparison
    base: float

    @property
    def action(self) -> str:
        """What becomes of them."""
        return "promoted" if self.found.passed else "kept"


@dataclass(slots=True)
class Round:
    """The state that a round works from, and what it has played."""

    run: str
    number: int
    library: Library
    store: SkillStore
    player: Player
    settings: EvolveSettings
    distiller: Distiller
    embedder: Embedder | None
    given: tuple[Rollout, ...] = ()
    texts: tuple[TextualSkill, ...] = ()
    played: list[Rollout] = field(default_factory=list)
    looked_at: list[Case] = field(default_factory=list)

    async def play(self, cases: Sequence[Case], plan: Plan) -> RoundReport:
        """The whole round; nothing is written to the library before its end."""
        policy = self._policy()
        arms = arms_of(self._workflows(policy, cases), policy.workflow)
        rungs = [in_rooms(cases, rooms) for rooms in plan.rungs]
        if self.given and self.number == 1:
            evidence, finalists, told = self._from_given(arms, rungs)
        else:
            keep = frozenset({self.settings.default.key})
            evidence, finalists, told = await explore(
                arms, keep, rungs, self._play, self.settings.explore, self.settings.price
            )
        gate = plan.gates[self.number - 1]
        bundle = propose(evidence, arms, finalists, self.settings.explore)
        careful = thrift(evidence, arms, self.settings.explore)
        judged = await self._judged(bundle, evidence, policy, in_rooms(cases, gate), gate, 1.0)
        if careful.findings != bundle.findings and not any(j.found.passed for j in judged):
            judged += await self._judged(
                careful, evidence, policy, in_rooms(cases, gate), gate, THRIFT_SHARE
            )
        report = self._report(arms, evidence, told, judged)
        self._commit(judged, report)
        return report

    def _policy(self) -> LibraryPolicy:
        retriever = Retriever(self.store, self.embedder, cache=self.library.index)
        return LibraryPolicy(retriever, self.settings.default)

    def _workflows(self, policy: LibraryPolicy, cases: Sequence[Case]) -> list[Workflow]:
        """The whole space at first; then the neighbours of what the library does most."""
        default = self.settings.default
        if self.given and self.number == 1:
            return [default, *{r.workflow.key: r.workflow for r in self.given}.values()]
        if self.number == 1:
            return [default, *(self.settings.space or SPACE)]
        used: dict[str, tuple[int, Workflow]] = {}
        for case in cases:
            way = policy.workflow(case)
            used[way.key] = used.get(way.key, (0, way))[0] + 1, way
        _, most = max(used.values(), key=lambda entry: (entry[0], entry[1].key))
        return [default, most, *neighbours(most)]

    def _from_given(
        self, arms: Sequence[Arm], rungs: Sequence[Sequence[Case]]
    ) -> tuple[ArmEvidence, tuple[Arm, ...], tuple[Rung, ...]]:
        """What given rollouts of teaching rooms say, as if exploration had played them."""
        teaching = [case for rung in rungs for case in rung]
        ids = {case.id for case in teaching}
        mine = [rollout for rollout in self.given if rollout.task_id in ids]
        done = {rollout.task_id for rollout in mine}
        evidence = ArmEvidence(self.settings.price)
        evidence.add([case for case in teaching if case.id in done], mine)
        self.looked_at.extend(evidence.cases)
        finalists = tuple(a for a in arms if a is arms[0] or evidence.pairs(a, arms[0]))
        return evidence, finalists, (rung_of(evidence, finalists, finalists),)

    async def _play(self, stage: str, requests: Sequence[RolloutRequest]) -> Sequence[Rollout]:
        found = await self.player.play(f"round-{self.number}-{stage}", requests)
        self.played.extend(found)
        self.looked_at.extend(request.case for request in requests)
        return found

    async def _judged(
        self,
        bundle: Bundle,
        evidence: ArmEvidence,
        policy: LibraryPolicy,
        cases: Sequence[Case],
        rooms: Sequence[str],
        share: float,
    ) -> list[Judged]:
        """The gate's verdict on a bundle, if it is worth bringing there."""
        if bundle.worth <= 0:
            return []
        active = self.store.skills(Status.ACTIVE)
        made = candidates(self.distiller, bundle.findings, active, learn(evidence.rollouts))
        if len(made) < len(bundle.findings):
            return []  # a frozen bundle is brought whole or not at all
        self.player.teach({c.finding.workflow.key: c.document for c in made})
        chosen = {k: c.finding.workflow for c in made for k in c.finding.scope.question_types}
        mine = [case for case in cases if case.profile.question_type in chosen]
        change = Change(
            tuple(mine),
            new=lambda case: chosen[case.profile.question_type],
            old=policy.workflow,
            base=base_of([policy.choose(case) for case in mine]),
        )
        level = share * wealth(self.store).budget(self.settings.gate.alpha) / (1 + THRIFT_SHARE)
        stage = "gate" if share == 1.0 else "thrift"
        found, _ = await judge(change, rooms, self._play, self.settings.gate, level, stage)
        return [Judged(made, found, change.base)]

    def _commit(self, judged: Sequence[Judged], report: RoundReport) -> None:
        """Write the whole round in one transaction."""
        texts = self.texts if self.number == 1 else ()
        looked_at = [*(c.task for c in self.looked_at), *(t for text in texts for t in text.tasks)]
        scenes = {task.scene_id: mark(task) for task in looked_at}
        serial = self.store.rounds_so_far() + 1
        with self.store.writing() as db:
            for item in judged:
                status = Status.ACTIVE if item.found.passed else Status.CANDIDATE
                for position, candidate in enumerate(item.made):
                    insert_version(db, candidate.document, candidate.provenance)
                    append_ledger(
                        db,
                        candidate.document.version,
                        item.action,
                        status,
                        lift=proven(item.base, item.found),
                        round_=serial,
                        detail=_booked(item.found, position).model_dump(mode="json"),
                    )
            for text in texts:
                version = text.document.version
                if insert_version(db, text.document, text.provenance):
                    append_ledger(
                        db, version, "kept as text", Status.CANDIDATE, round_=serial, detail={}
                    )
            insert_scenes(db, (scenes[s] for s in sorted(scenes)))
            append_round(db, self.run, self.number, report.model_dump_json())

    def _report(
        self,
        arms: Sequence[Arm],
        evidence: ArmEvidence,
        rungs: Sequence[Rung],
        judged: Sequence[Judged],
    ) -> RoundReport:
        library = [row for c in evidence.cases if (row := evidence.row(arms[0], c)) is not None]
        score = math.fsum(r.score for r in library) / max(1, len(library))
        cost = math.fsum(r.cost for r in library) / max(1, len(library))
        last = rungs[-1].utilities
        return RoundReport(
            round=self.number,
            played=len(self.played),
            incomplete=sum(r.incomplete for r in self.played),
            findings=sum(len(item.made) for item in judged),
            verdicts=tuple(
                Verdict(
                    skill=c.document.name,
                    version=c.document.version,
                    action=item.action,
                    comparison=_booked(item.found, position),
                )
                for item in judged
                for position, c in enumerate(item.made)
            ),
            active=len(self.store.skills(Status.ACTIVE)),
            utility=score - self.settings.price * cost,
            score=score,
            cost=cost,
            plain=last.get(self.settings.default.key, 0.0),
            best=max(last.values()),
            rungs=tuple(rungs),
        )


def _booked(found: Comparison, position: int) -> Comparison:
    """The comparison as it is booked with the member of a bundle at this position: the error budget
    is charged once."""
    return found if position == 0 else found.model_copy(update={"level": 0.0})

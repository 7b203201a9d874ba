"""Judging single skills on demand: `surveyor skills gate` and leave-one-skill-out."""

from __future__ import annotations

from collections.abc import Sequence

from surveyor.core.errors import UserError
from surveyor.skills.entries import StoredSkill
from surveyor.skills.gate import GateSettings
from surveyor.skills.provenance import Status, mark
from surveyor.skills.retrieve import Retriever
from surveyor.skills.statements import append_ledger, append_round, insert_scenes
from surveyor.skills.store import SkillStore
from surveyor.skills.workflow import Workflow
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.policy import LibraryPolicy
from surveyor.training.evolution.promotion import Change, addition, decide, needed, removals, wealth
from surveyor.training.evolution.records import Verdict
from surveyor.training.evolution.rollout_store import Play, TrialStore, trials_of


async def gate_skill(
    library: Library,
    name: str,
    cases: Sequence[Case],
    play: Play,
    default: Workflow,
    settings: GateSettings | None = None,
) -> Verdict:
    """Judge one candidate (or untrusted) version on these held-out training cases, and act on it.

    Raises `UserError` when it is active already, has no workflow, or learned from these scenes.
    """
    settings = settings or GateSettings()
    with library.locked(), library.open(seeds=False) as store:
        skill = store.find(name)
        workflow = _judgeable(skill, cases)
        policy = LibraryPolicy(Retriever(store, cache=library.index), default)
        covered = [c for c in cases if skill.document.scope.covers(c.card)]
        change = addition(skill.document, workflow, covered, policy.choose)
        verdict = (await _judged(library, store, [change], play, settings))[0]
        _write(store, skill, verdict, covered, change.proven(verdict.action, verdict.comparison))
        return verdict


async def leave_one_out(
    library: Library,
    cases: Sequence[Case],
    play: Play,
    default: Workflow,
    settings: GateSettings | None = None,
) -> tuple[Verdict, ...]:
    """What each active skill adds on these cases, the others kept; changes nothing.

    ``comparison`` is of the library *without* the skill against the library with it, so a useful
    skill has a negative lift.
    """
    with library.open(seeds=False) as store:
        policy = LibraryPolicy(Retriever(store), default)
        changes = removals(store.skills(Status.ACTIVE), cases, policy)
        return tuple(await _judged(library, store, changes, play, settings or GateSettings()))


async def _judged(
    library: Library,
    store: SkillStore,
    changes: list[Change],
    play: Play,
    settings: GateSettings,
) -> list[Verdict]:
    trials = TrialStore(library.trials)
    try:
        tried = await trials_of(trials, play, needed(changes))
    finally:
        trials.close()
    found = decide(changes, tried, settings, wealth(store).budget(settings.alpha))
    return [
        Verdict(
            skill=change.skill,
            version=change.version,
            action=("promoted" if comparison.passed else "kept") if change.adds else "left out",
            comparison=comparison,
        )
        for change, comparison in zip(changes, found, strict=True)
    ]


def _judgeable(skill: StoredSkill, cases: Sequence[Case]) -> Workflow:
    if skill.status is Status.ACTIVE:
        raise UserError(f"{skill.ref} is active already; `surveyor skills report` says its worth")
    if skill.document.workflow is None:
        raise UserError(f"{skill.ref} has no workflow block, so there is nothing to judge")
    learned = set(skill.provenance.scenes)
    known = next((c.task.scene_id for c in cases if c.task.scene_id in learned), None)
    if known is not None:
        raise UserError(f"{skill.ref} was learned from {known}; judge it on other training scenes")
    wrong = next((c.id for c in cases if c.task.split != "train"), None)
    if wrong is not None:
        raise UserError(f"{wrong} is not a training task; the gate judges on training scenes only")
    return skill.document.workflow


def _write(
    store: SkillStore,
    skill: StoredSkill,
    verdict: Verdict,
    cases: Sequence[Case],
    lift: float | None,
) -> None:
    promoted = verdict.action == "promoted"
    scenes = {c.task.scene_id: mark(c.task) for c in cases}
    serial = store.rounds_so_far() + 1
    with store.writing() as db:
        append_ledger(
            db,
            skill.document.version,
            verdict.action,
            Status.ACTIVE if promoted else None,
            lift=lift,
            round_=serial,
            detail=verdict.comparison.model_dump(mode="json"),
        )
        insert_scenes(db, (scenes[s] for s in sorted(scenes)))
        # A gate asked for by hand spends error probability like any other round.
        append_round(db, f"by hand {serial}", 1, verdict.model_dump_json())

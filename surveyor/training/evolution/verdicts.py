"""Judging single skills on demand: `surveyor skills gate` and leave-one-skill-out."""

from __future__ import annotations

from collections.abc import Sequence

from surveyor.core.errors import UserError
from surveyor.skills.entries import StoredSkill
from surveyor.skills.gate import Comparison, GateSettings
from surveyor.skills.provenance import Status, mark
from surveyor.skills.retrieve import Retriever
from surveyor.skills.statements import append_ledger, append_round, insert_scenes
from surveyor.skills.store import SkillStore
from surveyor.skills.workflow import Workflow
from surveyor.training.evolution.cases import Case, shuffled_rooms
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.player import Player
from surveyor.training.evolution.policy import LibraryPolicy, always
from surveyor.training.evolution.promotion import Change, base_of, judge, proven, wealth
from surveyor.training.evolution.records import Verdict


async def gate_skill(
    library: Library,
    name: str,
    cases: Sequence[Case],
    player: Player,
    default: Workflow,
    settings: GateSettings | None = None,
) -> Verdict:
    """Judge one candidate (or untrusted) version on these held-out training cases, and act on it.

    Raises `UserError` when it is active already, has no workflow, or learned from these scenes.
    """
    settings = settings or GateSettings()
    with library.locked(), library.open(builtin=False) as store:
        skill = store.find(name)
        workflow = _judgeable(skill, cases)
        policy = LibraryPolicy(Retriever(store, cache=library.index), default)
        covered = tuple(c for c in cases if skill.document.scope.covers(c.profile))
        base = base_of([policy.choose(case) for case in covered])
        player.teach({workflow.key: skill.document})
        level = wealth(store).budget(settings.alpha)
        change = Change(covered, always(workflow), policy.workflow, base)
        found = await _judged(change, player, settings, level, f"gate-{skill.document.name}")
        action = "promoted" if found.passed else "kept"
        verdict = _verdict(skill, action, found)
        _write(store, skill, verdict, covered, proven(base, found))
        return verdict


async def leave_one_out(
    library: Library,
    cases: Sequence[Case],
    player: Player,
    default: Workflow,
    settings: GateSettings | None = None,
) -> tuple[Verdict, ...]:
    """What each active skill adds on these cases, the others kept; changes nothing.

    ``comparison`` is of the library *without* the skill against the library with it, so a useful
    skill has a negative lift.
    """
    settings = settings or GateSettings()
    whole = settings.model_copy(update={"looks": (settings.looks[-1],)})  # a report, not a test
    found = []
    with library.open(builtin=False) as store:
        policy = LibraryPolicy(Retriever(store), default)
        for skill in store.skills(Status.ACTIVE):
            version = skill.document.version
            mine = tuple(case for case in cases if policy.choose(case).version == version)
            change = Change(
                mine,
                new=lambda case, v=version: policy.choose(case, without=v).workflow,  # type: ignore[misc]
                old=policy.workflow,
            )
            stage = f"without-{skill.document.name}"
            if change.differing():
                comparison = await _judged(change, player, whole, settings.alpha / 2, stage)
                found.append(_verdict(skill, "left out", comparison))
    return tuple(found)


async def _judged(
    change: Change, player: Player, settings: GateSettings, level: float, stage: str
) -> Comparison:
    rooms = shuffled_rooms(change.cases, seed=0)
    found, _ = await judge(change, rooms, player.play, settings, level, stage)
    return found


def _verdict(skill: StoredSkill, action: str, found: Comparison) -> Verdict:
    return Verdict(
        skill=skill.document.name,
        version=skill.document.version,
        action=action,
        comparison=found,
    )


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

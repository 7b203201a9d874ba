"""What the gate plays, what it spends error probability on, and who goes first afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.skills.distil.rollouts import Trial
from surveyor.skills.gate import Comparison, GateSettings, compare
from surveyor.skills.provenance import Origin, Provenance, Status
from surveyor.skills.retrieve import Retriever
from surveyor.skills.store import SkillStore
from surveyor.skills.workflow import GUARDED, PLAIN, Workflow
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.policy import LibraryPolicy
from surveyor.training.evolution.promotion import (
    CLEAREST,
    LEAST_WEIGHT,
    Change,
    half_of,
    hopeless,
    needed,
    refused,
    removals,
)
from surveyor.training.evolution.records import RoundReport, Verdict
from surveyor.training.evolution.removal import removal_weights
from tests.skills.conftest import make_skill
from tests.training.synthetic import SyntheticPlay, cases

COUNTING = "object_counting"
GATE = GateSettings(price=0.0)


def counting(rooms: int = 24) -> list[Case]:
    return [c for c in cases(rooms) if c.card.question_type == COUNTING]


def change(mine: list[Case], new: Workflow = PLAIN, old: Workflow = GUARDED) -> Change:
    return Change("count", "v1", True, tuple((c, new, old) for c in mine))


def trial(case: Case, workflow: Workflow, score: float) -> Trial:
    return SyntheticPlay()._trial(case, workflow).model_copy(update={"score": score})


def played(mine: list[Case], gain: float) -> list[Trial]:
    return [trial(c, w, s) for c in mine for w, s in ((GUARDED, 0.5), (PLAIN, 0.5 + gain))]


def test_half_of_a_change_is_half_of_its_rooms() -> None:
    mine = counting()
    half = half_of(change(mine))
    rooms = {case.room for case, _, _ in half.tries}
    assert len(rooms) == len({c.room for c in mine}) // 2
    assert {case.id for case, _, _ in half.tries} == {c.id for c in mine if c.room in rooms}
    assert len(needed([half])) == 2 * len(half.tries)


def test_only_what_gains_nothing_on_enough_rooms_is_hopeless() -> None:
    mine = counting()
    half = half_of(change(mine))
    assert hopeless(half, played(mine, -0.1), GATE)
    assert not hopeless(half, played(mine, 0.1), GATE)
    few = [c for c in mine if c.room in sorted({c.room for c in mine})[:6]]
    assert not hopeless(change(few), played(few, -0.1), GATE), "too few rooms to give up on"
    same = Change("count", "v1", False, tuple((c, PLAIN, PLAIN) for c in mine))
    assert hopeless(same, [], GATE), "taking it away changes nothing"


def report(*verdicts: tuple[str, str]) -> RoundReport:
    found = compare([], GATE, 0.1)
    rows = tuple(Verdict(skill="s", version=v, action=a, comparison=found) for v, a in verdicts)
    numbers = {"round": 1, "tried": 0, "incomplete": 0, "findings": 0, "active": 0}
    return RoundReport.model_validate(
        numbers | {"verdicts": rows, "utility": 0.0, "score": 0.0, "cost": 0.0}
    )


def test_what_was_refused_is_barred_until_the_library_changes(tmp_path: Path) -> None:
    store = SkillStore(tmp_path / "skills.sqlite")
    skill = make_skill("count-things")
    store.add_many(
        [(skill, Provenance(origin=Origin.DISTILLED))], status=Status.CANDIDATE, action="made"
    )
    assert skill.workflow is not None
    kept, other = report((skill.version, "kept")), report(("another", "stays"))
    barred = {(skill.scope, skill.workflow.key)}
    assert refused(store, [kept, other]) == barred
    assert refused(store, [kept, report(("another", "promoted"))]) == frozenset()
    assert refused(store, [report(("another", "retired")), kept]) == barred
    store.close()


def comparison(lower: float | None) -> Comparison:
    return compare([], GATE, 0.1).model_copy(update={"lower": lower, "upper": -0.2})


def test_a_promotion_is_put_above_what_it_replaced() -> None:
    late = Change("count", "v2", True, (), base=0.05)
    assert late.proven("promoted", comparison(0.01)) == pytest.approx(0.06)
    assert late.proven("kept", comparison(-0.01)) is None
    assert late.proven("stays", comparison(0.3)) is None


def library(path: Path, lifts: dict[str, float], origin: Origin) -> SkillStore:
    store = SkillStore(path / "skills.sqlite")
    for number, (name, lift) in enumerate(lifts.items()):
        workflow = PLAIN.model_copy(update={"scale_frames": number + 1})
        skill = make_skill(name, workflow=workflow)
        store.add_many([(skill, Provenance(origin=origin))], status=Status.ACTIVE, action="planted")
        store.record(skill.version, "planted", lift=lift)
    return store


def test_what_the_gate_put_above_another_is_not_overtaken_by_words(tmp_path: Path) -> None:
    """The newcomer's text says nothing of what is asked; only the gate speaks for it."""
    store = library(tmp_path, {"count-objects-of-a-kind": 0.0}, Origin.SEED)
    stranger = make_skill(
        "zzz", "Nothing that anybody would ask for, in words of its own.", workflow=GUARDED
    )
    store.add_many(
        [(stranger, Provenance(origin=Origin.DISTILLED))], status=Status.ACTIVE, action="made"
    )
    store.record(stranger.version, "promoted", lift=0.001)
    policy = LibraryPolicy(Retriever(store), PLAIN)
    assert {policy.choose(c).version for c in counting()} == {stranger.version}
    assert {policy.choose(c).lift for c in counting()} == {0.001}
    store.close()


@pytest.mark.parametrize(
    ("origin", "goes"), [(Origin.DISTILLED, {"count-second"}), (Origin.SEED, set())]
)
def test_a_distilled_skill_that_lost_its_turn_everywhere_goes(
    tmp_path: Path, origin: Origin, goes: set[str]
) -> None:
    store = library(tmp_path, {"count-first": 0.2, "count-second": 0.1}, origin)
    policy = LibraryPolicy(Retriever(store), GUARDED)
    changes = removals(store.skills(), counting(), policy)
    idle = {c.skill for c in changes if all(new == old for _, new, old in c.tries)}
    assert idle == goes
    assert "count-first" in {c.skill for c in changes}
    store.close()


@pytest.mark.parametrize(
    ("loss", "expected"), [(0.1, LEAST_WEIGHT), (-0.1, CLEAREST**2 + LEAST_WEIGHT)]
)
def test_a_removal_weighs_what_exploration_says(
    tmp_path: Path, loss: float, expected: float
) -> None:
    """Where the skill earns its place, taking it away is worth next to no error probability."""
    store = library(tmp_path, {"count-first": 0.2}, Origin.SEED)
    policy = LibraryPolicy(Retriever(store), GUARDED)
    mine = counting()
    own = policy.choose(mine[0]).workflow
    tried = [
        trial(case, workflow, score + 0.01 * (index % 2))
        for index, case in enumerate(mine)
        for workflow, score in ((own, 0.5), (GUARDED, 0.5 - loss + 0.01 * (index % 3)))
    ]
    weights = removal_weights(mine, tried, policy, price=0.0)
    assert list(weights.values()) == [pytest.approx(expected)]
    assert removal_weights(mine[:2], tried, policy, price=0.0) == {}
    store.close()

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.embed import LexicalEmbedder
from surveyor.skills.retrieve import Retriever
from surveyor.skills.workflow import GUARDED, PLAIN
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.policy import LibraryPolicy, always
from surveyor.training.evolution.records import EvolveReport, RoundReport
from surveyor.training.evolution.space import SPACE
from tests.claims.groups.skills import simulated_pairs
from tests.claims.skills import chat as chat_claims
from tests.claims.skills import damage as damage_claims
from tests.claims.skills import gate_power, procedure
from tests.claims.skills import killed as killed_claims
from tests.claims.skills.compare import Played, by_tag, contrast, evaluate, pooled, row
from tests.claims.skills.gate import random_labels
from tests.claims.skills.lift import Evolved, Lift, claims
from tests.claims.skills.policies import shuffled
from tests.claims.skills.recall import QUESTIONS, questions, recall
from tests.claims.skills.scale import retrieval
from tests.training.synthetic import DrawnPlayer, cases, suited

PRICE = 0.005
WIDE = next(w for w in SPACE if w.frames.number == 32)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    root = tmp_path_factory.mktemp("policies")
    unseen = cases(40, first=700, split="test")
    with Library(root).open() as store:
        builtin = Retriever(store)
        choosers = {
            "plain": always(PLAIN),
            "wide": always(WIDE),
            "builtin": LibraryPolicy(builtin, GUARDED).workflow,
            "shuffled": shuffled(builtin, GUARDED, unseen),
        }
        return asyncio.run(evaluate(choosers, unseen, DrawnPlayer(suited())))


def test_policies_are_told_on_the_same_tasks(played: Played) -> None:
    rows = {name: row(name, rollouts, PRICE) for name, rollouts in played.items()}
    assert rows["wide"].utility > rows["plain"].utility
    assert {found.tasks for found in rows.values()} == {120}


def test_contrasts_are_paired_and_their_intervals_hold_them(played: Played) -> None:
    gain = contrast("wide", played["wide"], "plain", played["plain"], PRICE)
    assert gain.utility_low < gain.utility < gain.utility_high
    assert gain.utility_low > 0
    assert gain.differ > 0


def test_pooled_seeds_do_not_pretend_to_be_more_rooms(played: Played) -> None:
    """The same seed three times says nothing new, so its interval must not shrink."""
    thrice = pooled([played, played, played])
    once = contrast("wide", played["wide"], "plain", played["plain"], PRICE)
    many = contrast("wide", thrice["wide"], "plain", thrice["plain"], PRICE)
    assert many.rooms == once.rooms
    assert many.utility_low == pytest.approx(once.utility_low)
    assert many.differ == 3 * once.differ


def test_a_contrast_can_be_split_by_kinds(played: Played) -> None:
    found = by_tag(played, "wide", "plain", lambda t: [t.profile.question_type], PRICE)
    assert set(found) == {
        "object_counting", "obj_appearance_order", "object_size_estimation",
    }  # fmt: skip
    assert found["obj_appearance_order"].score > 0.2


def test_a_policy_against_itself_gains_nothing(played: Played) -> None:
    same = played["plain"]
    found = contrast("a", same, "b", same, PRICE)
    assert (found.score, found.utility, found.differ, found.cost_ratio) == (0, 0, 0, 1)


def _lift(evolved: tuple[Rollout, ...], played: Played) -> Lift:
    only = RoundReport(
        round=1,
        played=1,
        incomplete=0,
        findings=0,
        verdicts=(),
        active=0,
        utility=0,
        score=0,
        cost=0,
        plain=0,
        best=0,
    )
    report = EvolveReport(run="r", snapshot="s", rounds=(only,))
    whole = Evolved(0, Library(Path("library")), report, 60.0)
    return Lift(whole, {**played, "evolved": evolved})


@pytest.mark.parametrize(("name", "gained"), [("plain", False), ("wide", True)])
def test_claims_hold_only_where_something_was_gained(
    played: Played, name: str, gained: bool
) -> None:
    found = {c.name: c for c in claims([_lift(played[name], played)], PRICE)}
    assert found["evolution: evolved less plain, utility"].ok is gained


def test_the_procedure_is_judged_in_drawn_worlds() -> None:
    (false,) = procedure.false_promotions(3, rooms=48)
    assert false.ok
    (strong,) = procedure.power(2, rooms=80, points=(12,))
    assert strong.value == 1.0
    (bad,) = procedure.planted(1, rooms=48)
    assert bad.ok


def test_the_gate_of_one_bundle_has_the_power_of_all_its_tasks() -> None:
    (large,) = gate_power.power(4, rooms=160, points=(8,))
    assert large.value == 1.0
    (nothing,) = gate_power.power(4, rooms=160, points=(-8,))
    assert nothing.value == 0.0


def test_random_labels_open_the_gate_as_often_as_promised() -> None:
    (claim,) = random_labels(simulated_pairs(), gates=100)
    assert claim.ok
    assert isinstance(claim.value, int | float)
    assert claim.value > 0, "a gate that never opens proves nothing"


def test_recall_is_asked_in_words_that_no_skill_uses() -> None:
    asked = list(questions())
    assert len(asked) == QUESTIONS
    assert len({q for _, q in asked}) > 250
    at_six, first, _ = recall(LexicalEmbedder())
    assert at_six >= 0.8
    assert 0.3 < first < at_six


def test_a_chat_model_reads_the_strategy_of_its_skills() -> None:
    (claim,) = chat_claims.measure()
    assert claim.ok
    assert "```workflow" not in chat_claims.system_prompt([])


def test_scale_is_measured_at_any_size() -> None:
    names = [c.name for c in retrieval(300, 1000.0)]
    assert any("p50" in n for n in names)
    assert any("opening" in n for n in names)


def test_no_file_of_a_library_is_emptied_in_silence() -> None:
    found = list(damage_claims.measure())
    assert len(found) == 7
    assert [c.name for c in found if not c.ok] == []


def test_killed_evolutions_end_like_one_that_was_left_alone() -> None:
    killed, two = killed_claims.measure(kills=2, rooms=16)
    assert killed.ok, killed.note
    assert two.ok, two.note

from __future__ import annotations

import asyncio

import pytest
from surveyor.training.evolution.rollout_store import RolloutStore

from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.embed import LexicalEmbedder
from surveyor.skills.retrieve import Retriever
from surveyor.skills.workflow import GUARDED, PLAIN
from surveyor.training.evolution.exploration import SPACE
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.records import EvolveReport, RoundReport
from tests.claims.groups.skills import simulated_pairs
from tests.claims.skills import chat as proofs_skills_chat
from tests.claims.skills import damage as proofs_skills_damage
from tests.claims.skills import killed as proofs_skills_killed
from tests.claims.skills.claims import claims
from tests.claims.skills.compare import Played, by_tag, contrast, evaluate, pooled, row
from tests.claims.skills.evolution import SeedResult
from tests.claims.skills.gate import random_labels
from tests.claims.skills.oracle import hindsight
from tests.claims.skills.policies import baselines, library, per_type, shuffled, single
from tests.claims.skills.recall import QUESTIONS, questions, recall
from tests.claims.skills.scale import retrieval
from tests.training.synthetic import SyntheticPlay, cases

PRICE = 0.005


@pytest.fixture(scope="module")
def trained() -> list[Rollout]:
    play = SyntheticPlay()
    tries = [(c, w) for c in cases(40) for w in SPACE]
    return list(asyncio.run(play.play(tries)))


@pytest.fixture(scope="module")
def played(trained: list[Rollout], tmp_path_factory: pytest.TempPathFactory) -> Played:
    root = tmp_path_factory.mktemp("policies")
    unseen = cases(40, first=700, split="test")
    with Library(root).open() as store:
        seeds = Retriever(store)
        choosers = baselines(trained, PRICE) | {
            "seeds": library(seeds, GUARDED),
            "shuffled": shuffled(seeds, GUARDED, unseen),
        }
        rollouts = RolloutStore(root / "t.sqlite")
        return asyncio.run(evaluate(choosers, unseen, SyntheticPlay(), rollouts))


def test_the_best_per_type_beats_the_best_single_beats_plain(played: Played) -> None:
    rows = {name: row(name, rollouts, PRICE) for name, rollouts in played.items()}
    assert rows["per type"].utility > rows["best single"].utility
    assert rows["best single"].utility > rows["plain"].utility
    assert rows["per type"].workflows > 1
    assert {found.tasks for found in rows.values()} == {120}


def test_contrasts_are_paired_and_their_intervals_hold_them(played: Played) -> None:
    gain = contrast("per type", played["per type"], "plain", played["plain"], PRICE)
    assert gain.utility_low < gain.utility < gain.utility_high
    assert gain.utility_low > 0
    assert gain.differ > 0


def test_pooled_seeds_do_not_pretend_to_be_more_rooms(played: Played) -> None:
    """The same seed three times says nothing new, so its interval must not shrink."""
    thrice = pooled([played, played, played])
    once = contrast("per type", played["per type"], "plain", played["plain"], PRICE)
    many = contrast("per type", thrice["per type"], "plain", thrice["plain"], PRICE)
    assert many.rooms == once.rooms
    assert many.utility_low == pytest.approx(once.utility_low)
    assert many.differ == 3 * once.differ


def test_a_contrast_can_be_split_by_kinds(played: Played) -> None:
    found = by_tag(played, "per type", "plain", lambda t: [t.profile.question_type], PRICE)
    assert set(found) == {
        "object_counting", "obj_appearance_order", "object_size_estimation",
    }  # fmt: skip
    assert found["obj_appearance_order"].score > 0.2


def test_hindsight_is_shown_beside_its_luck(trained: list[Rollout]) -> None:
    """Where light decides, the oracle leaves its chance level; where labels say nothing, not."""
    two = [t for t in trained if t.workflow in (PLAIN, GUARDED)]
    decided = [
        t.model_copy(update={"score": float((t.workflow == PLAIN) == (t.profile.poor_share < 0.5))})
        for t in two
    ]
    light = {t.scene_id: "poor" if t.profile.poor_share > 0.5 else "good" for t in two}
    real = hindsight(decided, light, 0.0)
    assert real.single <= real.per_type <= real.chance < real.chance_high < real.oracle == 1.0
    alike = hindsight(decided, dict.fromkeys(light, "x"), 0.0)
    assert alike.oracle == pytest.approx(alike.chance) == pytest.approx(alike.per_type)


def _result(played: Played) -> SeedResult:
    only = RoundReport(
        round=1,
        tried=1,
        incomplete=0,
        findings=0,
        verdicts=(),
        active=10,
        utility=0,
        score=0,
        cost=0,
    )
    report = EvolveReport(run="r", snapshot="s", rounds=(only,))
    return SeedResult(0, report, played, {0: "seeds", 1: "evolved 1"})


def test_claims_fail_where_nothing_was_gained(played: Played) -> None:
    names = (*played, "evolved 1", "evolved, cards shuffled")
    nothing = dict.fromkeys(names, played["plain"])
    found = {c.name: c for c in claims([_result(nothing)], PRICE, lambda t: ["all"])}
    for base in ("plain default", "guarded default", "best per question type"):
        assert not found[f"skills: evolved less {base}, utility"].ok
    assert not found["skills: evolved less plain default, score"].ok


def test_claims_hold_where_something_was_gained(played: Played) -> None:
    best = played["per type"]
    gained = {**played, "evolved 1": best, "evolved, cards shuffled": played["plain"]}
    found = {c.name: c for c in claims([_result(gained)], PRICE, lambda t: ["all"])}
    assert found["skills: evolved less plain default, utility"].ok
    assert not found["skills: evolved less best per question type, utility"].ok


def test_a_policy_against_itself_gains_nothing(trained: list[Rollout]) -> None:
    same = [t for t in trained if t.workflow == PLAIN]
    found = contrast("a", same, "b", same, PRICE)
    assert (found.score, found.utility, found.differ, found.cost_ratio) == (0, 0, 0, 1)


def test_choices_come_from_training_trials(trained: list[Rollout]) -> None:
    assert single(trained, PRICE) in SPACE
    choose = per_type(trained, PRICE)
    order = next(c for c in cases(1) if c.profile.question_type == "obj_appearance_order")
    assert choose(order).frames.number >= 32


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
    (claim,) = proofs_skills_chat.measure()
    assert claim.ok
    assert "```workflow" not in proofs_skills_chat.system_prompt([])


def test_scale_is_measured_at_any_size() -> None:
    names = [c.name for c in retrieval(300, 1000.0)]
    assert any("p50" in n for n in names)
    assert any("opening" in n for n in names)


def test_no_file_of_a_library_is_emptied_in_silence() -> None:
    claims = list(proofs_skills_damage.measure())
    assert len(claims) == 8
    assert [c.name for c in claims if not c.ok] == []


def test_killed_evolutions_end_like_one_that_was_left_alone() -> None:
    killed, two = proofs_skills_killed.measure(kills=2, rooms=60)
    assert killed.ok, killed.note
    assert two.ok, two.note

from __future__ import annotations

import asyncio

import pytest

from skills.distil.trials import Trial
from skills.embed import LexicalEmbedder
from skills.retrieve import Retriever
from skills.workflow import GUARDED, PLAIN
from tests.training.synthetic import SyntheticPlay, cases
from training import proofs_skills_chat
from training.evolve_library import Library
from training.evolve_trials import TrialStore
from training.explore import SPACE
from training.proofs_skills import simulated_pairs
from training.proofs_skills_gate import random_labels
from training.proofs_skills_policies import (
    Evaluation,
    baselines,
    contrast,
    evaluate,
    library,
    per_type,
    shuffled,
    single,
)
from training.proofs_skills_recall import QUESTIONS, questions, recall
from training.proofs_skills_scale import retrieval

PRICE = 0.005


@pytest.fixture(scope="module")
def trained() -> list[Trial]:
    play = SyntheticPlay()
    tries = [(c, w) for c in cases(40) for w in SPACE]
    return list(asyncio.run(play.play(tries)))


@pytest.fixture(scope="module")
def evaluation(trained: list[Trial], tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    root = tmp_path_factory.mktemp("policies")
    unseen = cases(40, first=700, split="test")
    with Library(root).open() as store:
        seeds = Retriever(store)
        choosers = baselines(trained, PRICE) | {
            "seeds": library(seeds, GUARDED),
            "shuffled": shuffled(seeds, GUARDED, unseen),
        }
        trials = TrialStore(root / "t.sqlite")
        return asyncio.run(evaluate(choosers, unseen, SyntheticPlay(), trials, price=PRICE))


def test_the_best_per_type_beats_the_best_single_beats_plain(evaluation: Evaluation) -> None:
    by_name = {row.policy: row for row in evaluation.rows}
    assert by_name["per type"].utility > by_name["best single"].utility
    assert by_name["best single"].utility > by_name["plain"].utility
    assert by_name["per type"].workflows > 1
    assert {row.tasks for row in evaluation.rows} == {120}


def test_contrasts_are_paired_and_their_intervals_hold_them(evaluation: Evaluation) -> None:
    found = {(c.policy, c.baseline): c for c in evaluation.contrasts}
    gain = found["per type", "plain"]
    assert gain.utility_low < gain.utility < gain.utility_high
    assert gain.utility_low > 0
    assert gain.differ > 0
    assert ("plain", "plain") not in found


def test_a_policy_against_itself_gains_nothing(trained: list[Trial]) -> None:
    same = [t for t in trained if t.workflow == PLAIN]
    found = contrast("a", same, "b", same, PRICE)
    assert (found.score, found.utility, found.differ, found.cost_ratio) == (0, 0, 0, 1)


def test_choices_come_from_training_trials(trained: list[Trial]) -> None:
    assert single(trained, PRICE) in SPACE
    choose = per_type(trained, PRICE)
    order = next(c for c in cases(1) if c.card.question_type == "obj_appearance_order")
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

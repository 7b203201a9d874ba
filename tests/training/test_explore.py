from __future__ import annotations

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.skills.workflow import GUARDED, PLAIN, Workflow
from surveyor.training.evolution.exploration import SPACE, ExploreSettings, Question, mutate, plan
from tests.training.synthetic import SyntheticPlay, cases

FAMILY = ("object_counting",)
SETTINGS = ExploreSettings(episodes=200, rivals=3)


def questions(n: int = 40) -> list[Question]:
    mine = [c for c in cases(n) if c.card.question_type == FAMILY[0]]
    return [Question(c.id, FAMILY, GUARDED) for c in mine]


def test_the_space_is_small_and_has_both_defaults() -> None:
    assert 10 <= len(SPACE) <= 15
    assert len({w.key for w in SPACE}) == len(SPACE)
    assert {PLAIN, GUARDED} <= set(SPACE)


def test_every_comparison_is_paired_and_the_budget_holds() -> None:
    attempts = plan(questions(), [], 1, SETTINGS)
    assert len(attempts) <= SETTINGS.episodes
    by_task: dict[str, set[str]] = {}
    for attempt in attempts:
        by_task.setdefault(attempt.task_id, set()).add(attempt.workflow.key)
    assert all(GUARDED.key in keys and len(keys) == 4 for keys in by_task.values())


def test_plans_depend_on_their_arguments_alone() -> None:
    assert plan(questions(), [], 1, SETTINGS) == plan(questions(), [], 1, SETTINGS)
    other = SETTINGS.model_copy(update={"seed": 1})
    assert plan(questions(), [], 1, SETTINGS) != plan(questions(), [], 1, other)


def test_the_second_round_tries_what_the_first_did_not_and_then_the_promising() -> None:
    play, mine = SyntheticPlay(), {c.id: c for c in cases(40)}
    first = plan(questions(), [], 1, SETTINGS)
    trials = [play._trial(mine[a.task_id], a.workflow) for a in first]
    second = plan(questions(), trials, 2, SETTINGS)
    tried = {a.workflow.key for a in first}
    fresh = Counter(a.workflow.key for a in second if a.workflow.key != GUARDED.key)
    assert set(fresh) - tried
    assert not {(a.task_id, a.workflow.key) for a in second} & {
        (a.task_id, a.workflow.key) for a in first
    }


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(SPACE))
def test_mutants_stay_in_the_grammar_and_differ(seed: int, workflow: Workflow) -> None:
    mutant = mutate(workflow, random.Random(seed))
    assert mutant != workflow
    assert Workflow.model_validate_json(mutant.model_dump_json()) == mutant

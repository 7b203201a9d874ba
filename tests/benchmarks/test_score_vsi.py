"""VSI-Bench's scorer on the predictions that tell one parser from another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.benchmarks.scorers.base import Outcome
from surveyor.benchmarks.scorers.lenient import find_choice
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.benchmarks.scorers.relative import tolerances
from surveyor.benchmarks.scorers.vsi import (
    LETTER_TYPES,
    NUMBER_TYPES,
    mean_relative_accuracy,
)
from surveyor.core.errors import UserError

VSI = metric_named("vsi")


def letter(prediction: object, profile: str, truth: object = "A") -> float:
    row = {
        "question_type": "object_rel_distance",
        "options": ["A. chair", "B. front-left table", "C. table"],
        "ground_truth": truth,
        "prediction": prediction,
    }
    return VSI.score(row, profile).values["score"]


def number(prediction: object, truth: object, profile: str = "official") -> float:
    row = {
        "question_type": "object_abs_distance",
        "options": None,
        "ground_truth": truth,
        "prediction": prediction,
    }
    return VSI.score(row, profile).values["score"]


@pytest.mark.parametrize("profile", ["official", "lmms-eval"])
@pytest.mark.parametrize(
    "prediction",
    ["A", "a", "A.", "A..", "A because", "A. left", "A\n", "A or B", "\nA"],
)
def test_published_letter_rule_accepts(prediction: str, profile: str) -> None:
    assert letter(prediction, profile) == 1.0


@pytest.mark.parametrize("profile", ["official", "lmms-eval"])
@pytest.mark.parametrize(
    "prediction",
    [
        *("(A)", "A)", "A,", "A:", "**A**", "<answer>A</answer>", "Answer: A"),
        *("The answer is A", " A", "A.\n", "A\nbecause", "", "B"),
    ],
)
def test_published_letter_rule_rejects(prediction: str, profile: str) -> None:
    assert letter(prediction, profile) == 0.0


@pytest.mark.parametrize(
    ("prediction", "truth"),
    [
        *(("nan", "2"), ("inf", "2"), ("-inf", "2"), ("1e400", "2"), ("", "2"), ("3,2", "3.2")),
        *(("2m", "2"), ("two", "2"), ("about 2", "2"), (" 5", "5"), ("²", "2"), ("½", "0.5")),
        *(("**3**", "3"), ("3/4", "3")),
    ],
)
def test_official_reads_no_number(prediction: str, truth: str) -> None:
    assert number(prediction, truth) == 0.0


@pytest.mark.parametrize(
    ("prediction", "value"),
    [
        ("1e1", 10),
        ("1_000", 1000),
        (".5", 0.5),
        ("5.", 5),
        ("5.\n", 5),
        ("5\n", 5),
        ("3.2 meters", 3.2),
        ("12.5.", 12.5),
        ("2.5e1 m", 25),
        ("３", 3),
        ("٣", 3),
    ],
)
def test_official_reads_numbers_as_python_does(prediction: str, value: float) -> None:
    assert number(prediction, str(value)) == 1.0


@pytest.mark.parametrize(
    ("prediction", "value"),
    [
        *(("two", 2), ("2m", 2), ("about 2", 2), ("**3**", 3), ("The answer is 3", 3), ("3,2", 3)),
        *(("1e1", 1), (".5", 5), ("-.5", 5), ("1_000", 1), ("1e400", 1), ("2.5e1 m", 2.5)),
        *((3, 3), (3.5, 3.5), ([4], 4), ("one apple, room 2", 1), ("twenty-one", 21)),
        *(("three hundred and twenty-one", 321), ("two thousand", 2000), ("hundred", 100)),
        *(("two 7 three", 5), ("one box two", 1)),
    ],
)
def test_lmms_eval_reads_the_first_number_anywhere(prediction: object, value: float) -> None:
    assert number(prediction, str(value), "lmms-eval") == 1.0
    assert number(prediction, str(3 * value), "lmms-eval") < 1.0


def test_tolerances_are_the_published_array_to_the_last_bit() -> None:
    assert tolerances() == (
        *(0.5, 0.44999999999999996, 0.4, 0.35, 0.30000000000000004),
        *(0.25, 0.19999999999999996, 0.15000000000000002),
        *(0.10000000000000009, 0.050000000000000044),
    )


@pytest.mark.parametrize(
    ("prediction", "truth", "score"),
    [
        (15.0, 10.0, 0.1),  # error 0.5 exactly: `<=` keeps the first tolerance
        (14.5, 10.0, 0.1),  # 0.45 is above 0.44999999999999996
        (6.0, 10.0, 0.3),
        (10.5, 10.0, 1.0),
        (9.0, 10.0, 0.9),
        (20.1, 10.0, 0.0),
    ],
)
def test_mra_at_exact_boundaries(prediction: float, truth: float, score: float) -> None:
    assert mean_relative_accuracy(prediction, truth) == score


def test_mra_divides_by_the_signed_truth() -> None:
    assert number("1000", "-5") == 1.0
    assert number("nan", "-5") == 0.0


@pytest.mark.parametrize(
    ("row", "profile"),
    [
        ({"question_type": "object_counting", "ground_truth": "0", "prediction": "3"}, "official"),
        ({"question_type": "object_counting", "ground_truth": "0", "prediction": "3"}, "lmms-eval"),
        ({"question_type": "object_counting", "ground_truth": "3", "prediction": 3}, "official"),
        ({"question_type": "route_planning", "ground_truth": "A", "prediction": 3}, "lmms-eval"),
        ({"question_type": "route_planning", "ground_truth": 3, "prediction": "A"}, "official"),
        ({"question_type": "object_rel_direction", "ground_truth": "A", "prediction": "A"}, None),
        ({"question_type": "object_counting", "ground_truth": "3", "prediction": None}, None),
        ({"question_type": "object_counting", "ground_truth": "3"}, None),
    ],
)
def test_rows_that_the_published_code_raises_on_fail_and_count_zero(
    row: dict[str, object], profile: str | None
) -> None:
    score = VSI.score(row, profile)
    assert score.values == {"score": 0.0}
    assert score.outcome is Outcome.FAILED
    assert score.failure


def test_an_unreadable_prediction_to_a_truth_of_zero_is_wrong_not_failed() -> None:
    row = {"question_type": "object_counting", "ground_truth": "0", "prediction": "none"}
    assert VSI.score(row, "official").outcome is Outcome.SCORED


@pytest.mark.parametrize(
    "prediction",
    [
        *("(A)", "A)", "**A**", "<answer>A</answer>", "Answer: A", "The answer is (A).", " A"),
        *("<think>B or C? C.</think>A", r"\boxed{A}", "A\nbecause it is near", "the chair"),
        *("It must be A rather than the others", "Option A"),
    ],
)
def test_lenient_reads_the_usual_forms_of_a_letter(prediction: str) -> None:
    assert letter(prediction, "lenient") == 1.0


@pytest.mark.parametrize("prediction", ["A or B", "A/B", "", "because", "the chair or table"])
def test_lenient_reads_no_undecided_letter(prediction: str) -> None:
    assert find_choice(prediction, ("chair", "front-left table", "table")) is None
    assert letter(prediction, "lenient") == letter(prediction, "official")


def test_lenient_does_not_find_an_option_inside_another() -> None:
    assert letter("the front-left table", "lenient", truth="B") == 1.0
    assert letter("the front-left table", "lenient", truth="C") == 0.0


@pytest.mark.parametrize(
    ("prediction", "truth"),
    [
        *(("1,200", "1200"), ("about 2 m", "2"), ("two", "2"), ("1.2e1", "12"), (".5", "0.5")),
        *(("I count 2, 3 and 4 chairs, so the answer is 9.", "9"), ("-3", "-3"), ("0", "0")),
        *(("<think>7</think><answer>3.5 m</answer>", "3.5"),),
    ],
)
def test_lenient_reads_the_usual_forms_of_a_number(prediction: str, truth: str) -> None:
    assert number(prediction, truth, "lenient") == 1.0


@given(
    prediction=st.one_of(st.text(), st.none(), st.integers(), st.floats(), st.lists(st.text())),
    truth=st.one_of(st.text(), st.none(), st.floats(), st.sampled_from(["A", "3.2", "0", "-1"])),
    kind=st.sampled_from(sorted(LETTER_TYPES | NUMBER_TYPES)),
    profile=st.sampled_from(VSI.profiles),
)
def test_any_row_gets_a_score_in_tenths(
    prediction: object, truth: object, kind: str, profile: str
) -> None:
    row = {"question_type": kind, "ground_truth": truth, "prediction": prediction}
    assert VSI.score(row, profile).values["score"] in {k / 10 for k in range(11)}


@given(truth=st.floats(min_value=0.01, max_value=1e6), error=st.floats(0.0, 0.6))
def test_mra_is_the_share_of_tolerances_reached(truth: float, error: float) -> None:
    prediction = truth * (1 + error)
    expected = (abs(prediction - truth) / truth <= 1 - np.linspace(0.5, 0.95, 10)).mean()
    assert mean_relative_accuracy(prediction, truth) == expected


def test_unknown_profile_and_missing_target_field_are_the_users_mistakes() -> None:
    with pytest.raises(UserError, match="official, lmms-eval, easi, lenient"):
        VSI.profile("strict")
    with pytest.raises(UserError, match="ground_truth"):
        VSI.score({"question_type": "object_counting", "prediction": "3"})

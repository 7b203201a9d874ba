"""ScanQA and SQA3D exact match: three published variants and a strict one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.benchmarks.scorers.base import Outcome
from surveyor.benchmarks.scorers.qa_cleaning import clean_answer, prepare_prediction
from surveyor.benchmarks.scorers.registry import metric_named

QA = metric_named("qa-em")


def em(prediction: object, reference: object, profile: str) -> tuple[float, float]:
    references = reference if isinstance(reference, list) else [reference]
    values = QA.score({"references": references, "prediction": prediction}, profile).values
    return values["em"], values["em_refined"]


@pytest.mark.parametrize(
    ("answer", "cleaned"),
    [
        ("2.0", "twenty"),
        ("3.5", "35"),
        ("Café", "caf"),
        ("ça", "a"),
        ("none", "zero"),
        ("tv", "TV"),
        ("let", "left"),
        ("rght", "right"),
        ("21", "21"),
        ("23", "twenty-three"),
        ("mat2", "mat"),
        ("the left", "left"),
        ("the  a chair", "chair"),
        ("a 2", "two"),
        ("a 21", "a 21"),
        ("a a b", "a b"),
        ("o' clock", "o'clock"),
        ("L-shaped, couch: it's", "l-shaped, couch: it's"),
        ("backwards", "backward"),
        ("on\tthe\nleft", "on\tthe\nleft"),
    ],
)
def test_cleaning(answer: str, cleaned: str) -> None:
    assert clean_answer(answer) == cleaned


def test_a_reply_loses_one_full_stop_and_its_capital() -> None:
    assert prepare_prediction("Left..") == "left."
    assert prepare_prediction("A") == "A"
    assert prepare_prediction("A.") == "a"
    assert prepare_prediction("") == ""


@pytest.mark.parametrize(
    ("prediction", "reference", "as_published", "both_cleaned"),
    [
        ("2", "2", (0, 0), (1, 1)),
        ("the left", "the left", (0, 1), (1, 1)),
        ("L-shaped couch", "L-shaped couch", (0, 0), (1, 1)),
        ("on the left", "on the left.", (0, 0), (1, 1)),
        ("brown", "Brown", (0, 0), (1, 1)),
        ("b", "brown", (0, 1), (0, 1)),
        ("no", "know", (0, 1), (0, 1)),
        ("table", "vegetable", (0, 1), (0, 1)),
        ("a", "chair", (0, 1), (0, 1)),
        ("", "chair", (0, 0), (0, 0)),
        ("?", "chair", (0, 0), (0, 0)),
        ("\n", "chair", (0, 1), (0, 1)),
        ("\u00a0", "chair", (0, 1), (0, 1)),
        ("sofa", "?", (0, 0), (0, 1)),
        ("sofa", "", (0, 1), (0, 1)),
    ],
)
def test_published_variants(
    prediction: str,
    reference: str,
    as_published: tuple[int, int],
    both_cleaned: tuple[int, int],
) -> None:
    assert em(prediction, reference, "as-published") == as_published
    assert em(prediction, reference, "both-cleaned") == both_cleaned


def test_v21_has_no_guard_for_an_empty_prediction() -> None:
    assert em("", "chair", "both-cleaned-v2.1") == (0, 1)
    assert em("!", "?", "both-cleaned-v2.1") == (1, 1)
    assert em("!", "?", "both-cleaned") == (0, 0)


@pytest.mark.parametrize(
    ("prediction", "references"),
    [(3, ["a"]), (["a"], ["a"]), ("a", "abc"), ("a", [None, "a"]), ("a", [3]), (None, ["a"])],
)
@pytest.mark.parametrize("profile", QA.profiles)
def test_rows_that_are_not_text_fail(prediction: object, references: object, profile: str) -> None:
    score = QA.score({"references": references, "prediction": prediction}, profile)
    assert score.outcome is Outcome.FAILED
    assert score.values == {"em": 0.0, "em_refined": 0.0}


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [
        ("Two", "2", (1, 1)),
        ("2.0", "2", (1, 1)),
        ("3.5", "35", (0, 0)),
        ("3.50", "3.5", (1, 1)),
        ("1234567.25", "1234567.75", (0, 0)),
        ("-3", "3", (0, 0)),
        ("2-3", "2 3", (1, 1)),
        ("9" * 5000, "9", (0, 0)),
        ("the TV", "tv", (1, 1)),
        ("L-shaped couch.", "l shaped couch", (1, 1)),
        ("it is brown", "brown", (0, 1)),
        ("brown", "dark brown", (0, 1)),
        ("to the left of it", "left", (0, 1)),
        ("white", "brown and white striped pillow", (0, 0)),
        ("is", "is it", (0, 0)),
        ("?", "?", (1, 1)),
        ("?", "chair", (0, 0)),
        ("café", "café", (1, 1)),
        ("a", "a", (1, 1)),
        ("no", "know", (0, 0)),
    ],
)
def test_strict_compares_whole_words(
    prediction: str, reference: str, expected: tuple[int, int]
) -> None:
    assert em(prediction, reference, "strict") == expected


@given(st.text(min_size=1).filter(lambda text: bool(text.strip())))
def test_strict_accepts_every_reference_verbatim(reference: str) -> None:
    assert em(reference, ["other", reference], "strict") == (1, 1)


@given(st.text(), st.lists(st.text(), max_size=3), st.sampled_from(QA.profiles))
def test_exact_match_implies_refined(prediction: str, references: list[str], profile: str) -> None:
    exact, refined = em(prediction, references, profile)
    assert exact <= refined

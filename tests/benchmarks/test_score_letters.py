"""MMSI-Bench, CV-Bench and BLINK: which letter is read out of which reply."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.benchmarks.scorers.base import Outcome
from surveyor.benchmarks.scorers.letters import leading_letter, mmsi_letter
from surveyor.benchmarks.scorers.registry import metric_named


@pytest.mark.parametrize(
    ("prediction", "lmms_eval", "repo"),
    [
        ("A", "a", "a"),
        ("``B``", "b", "b"),
        ("A chair", None, None),
        ("C because", None, None),
        ("B or D", "d", "d"),
        ("Let me think. C is wrong. D is right.", None, None),
        ("`B` `A`", "b", "b"),
        ("``C`` not `A`", "c", "c"),
        ("(B) is wrong\n\nso (A) it is", "b", "b"),
        ("a", "a", None),
        ("option d", "d", None),
        ("(a)", "a", None),
        ("I'd. C", "d", "c"),
        ("e", "e", None),
        ("F", "f", None),
        ('{"answer": "a", "letter": "B"}', "a", "b"),
        (r"\text{a chair} B", None, "b"),
        ("A 1", "a", "a"),
        ("``", None, None),
        ("", None, None),
    ],
)
def test_mmsi_reads_one_lone_letter(
    prediction: str, lmms_eval: str | None, repo: str | None
) -> None:
    assert mmsi_letter(prediction, "lmms-eval") == lmms_eval
    assert mmsi_letter(prediction, "repo") == repo


@pytest.mark.parametrize(
    ("prediction", "score"),
    [(["A"], 1.0), ({"letter": "A"}, 1.0), (True, 0.0), (3.5, 0.0), (1e22, 0.0)],
)
def test_mmsi_reads_the_text_of_a_prediction_that_is_none(prediction: object, score: float) -> None:
    row = {"ground_truth": "A", "prediction": prediction}
    for profile in ("lmms-eval", "repo"):
        assert metric_named("mmsi").score(row, profile).values == {"score": score}


def test_mmsi_rows_without_a_usable_truth_fail() -> None:
    mmsi = metric_named("mmsi")
    assert mmsi.score({"ground_truth": None, "prediction": "A"}, "repo").outcome is Outcome.FAILED
    assert mmsi.score({"ground_truth": 3, "prediction": "A"}).outcome is Outcome.FAILED
    assert mmsi.score({"ground_truth": 3, "prediction": "A"}, "repo").outcome is Outcome.SCORED
    assert mmsi.score({"ground_truth": " a\n", "prediction": "A"}).values == {"score": 1.0}


@pytest.mark.parametrize(
    ("prediction", "letter"),
    [
        *(("because", "B"), ("both", "B"), ("Beyond", "B"), ("a chair", "A"), ("armchair", "A")),
        *(("Apparently", "A"), ("The answer is B", "T"), ("Answer: A", "A"), (" \n((B", "B")),
        *(("(B) left", "B"), ("A)", "A"), ("**A**", ""), ('"A"', ""), ("[A]", ""), ("-A", "")),
        *((r"\boxed{A}", ""), ("<answer>A</answer>", ""), ("Ａ", ""), ("", ""), ("1 A", "")),
        *(("\u0130", "\u0130"), ("\u017f", "S"), ("\u212a", "\u212a")),
    ],
)
def test_cvbench_and_blink_read_the_leading_letter(prediction: str, letter: str) -> None:
    assert leading_letter(prediction) == letter


@pytest.mark.parametrize("name", ["cvbench", "blink"])
def test_leading_letter_is_compared_with_the_truth_in_brackets(name: str) -> None:
    metric = metric_named(name)
    row = {"choices": ["left", "right"], "ground_truth": "(B)"}
    assert metric.score({**row, "prediction": "b."}).values == {"score": 1.0}
    assert metric.score({**row, "prediction": "A"}).values == {"score": 0.0}
    assert metric.score({**row, "prediction": 3}).outcome is Outcome.FAILED
    assert metric.score({**row, "ground_truth": None, "prediction": "B"}).failure


@given(
    st.sampled_from(["mmsi", "cvbench", "blink"]),
    st.one_of(st.text(), st.none(), st.floats(), st.lists(st.text())),
    st.one_of(st.text(max_size=4), st.none(), st.integers()),
    st.data(),
)
def test_any_reply_is_right_or_wrong(
    name: str, prediction: object, truth: object, data: st.DataObject
) -> None:
    metric = metric_named(name)
    profile = data.draw(st.sampled_from(metric.profiles))
    row = {"ground_truth": truth, "choices": [], "prediction": prediction}
    assert metric.score(row, profile).values["score"] in (0.0, 1.0)

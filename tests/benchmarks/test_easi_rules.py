"""Rules E and M, quirk by quirk, and the profile `easi` of metrics that had others before."""

from __future__ import annotations

import pytest

from surveyor.benchmarks.scorecard import ScheduledRow, judge, summarize
from surveyor.benchmarks.scorers.easi_rules import (
    easi_choice_score,
    easi_letter,
    easi_number,
    easi_number_score,
    older_letter,
)
from surveyor.benchmarks.scorers.registry import metric_named


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("<answer>chair</answer>", "C"),  # even where the letter begins a word
        ("<answer>behind</answer>", "B"),
        ("< Answer id=1 >\n h) x</ ANSWER >", "H"),  # A-J, any case, attributes, blanks
        ("<answer>chair", None),  # the block must be closed
        ("I take (b) </answer>", "B"),  # a letter directly before a closing tag
        ("first a </think> then", "A"),
        ("<answer>the left, b</answer>", "B"),  # no leading letter A-J, so the anchor reads it
        ("x\u200b\n\u200bD\ufeff", "D"),  # zero-width characters go
        ("A or B\n**c**", "C"),  # a line that is one letter, any case
        ("`[D]`", "D"),
        ("b) the jar", "B"),  # a line that starts with a label and a blank, any case
        ("A chair", "A"),
        ("So C", "C"),
        ("A or B", None),  # two letters say nothing
        ("So C\nA or B", "C"),  # and the search goes on upwards
        ("Option A: no\nB it is", "B"),
        ("Option B: no", None),  # a line of an option is skipped
        ("B\n1\n2\n3\n4\n5\n6", "B"),  # beyond six lines, by the only letter of the text
        ("<think>A</think> hm <think> so\nD", "A"),  # anchored before the closing tag
        ("<think>maybe A or C\nso B", "B"),  # no closing tag: after the last opening one
        ("my final answer: e, not A or B\nA or B", "E"),  # a phrase, any case, once lines say none
        ("答案：c。A 和 B", "C"),
        ("G", None),  # A-F alone
        ("", None),
        ("the left one", None),
    ],
)
def test_letters_of_rule_e(reply: str, letter: str | None) -> None:
    assert easi_letter(reply) == letter


def test_both_sides_are_read_by_rule_e() -> None:
    assert easi_choice_score("(B)", "B. left") == {"score": 1.0, "unread": 0.0}
    assert easi_choice_score("no idea", "H") == {"score": 1.0, "unread": 1.0}
    assert easi_choice_score("<answer>H</answer>", "H") == {"score": 0.0, "unread": 0.0}


@pytest.mark.parametrize(
    ("reply", "number"),
    [
        ("[3, 4]", 3.0),  # a list gives its first item
        ("[about 3]", None),
        ("There are twenty-one", -1.0),  # 20-1
        ("<answer>4 chairs</answer> 9", 4.0),
        ("<answer>about 4</answer> 9", 9.0),
        ("5 </think> 6 or 7", 7.0),
        ("5 of </think> them", 5.0),
        ("1,200", 200.0),
        ("1e2", 100.0),
        (".5", 0.5),
        ("one point five", 5.0),
        ("thirty", None),
        ("-3.2 m", -3.2),
        ("none", None),
    ],
)
def test_numbers_of_rule_e(reply: str, number: float | None) -> None:
    assert easi_number(reply) == number


def test_the_error_is_absolute_in_the_target_and_at_zero() -> None:
    assert easi_number_score("-2", "-2")["score"] == 1.0
    assert easi_number_score("0.08", "0")["score"] == 0.9
    assert easi_number_score("2", "two")["score"] == 0.0
    assert easi_number_score("none", "2") == {"score": 0.0, "unread": 1.0}


OPTIONS = ("left of it", "right of it", "behind it")


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("**B**", "B"),
        ("[B]", "B"),
        (r"\boxed{B}", "B"),
        ("<answer>A</answer>", None),
        ("`A`", None),
        ('"A"', None),
        ("A/", None),
        ("I think B is what fits here best of all", None),  # not among the last four words
        ("I think B fits here best", "B"),
        ("A or B", None),
        ("D", None),  # not an option
        ("b", None),
        ("the correct answer is **b** as it stands there all the time", "B"),
        ("answer is apple, or so I would say in the end here", "A"),  # no word boundary
        ("It is RIGHT of it", "B"),  # the only option whose text occurs
        ("left of it or right of it", None),
        ("behind it, because I can see that the other things are all in front", None),  # too long
        ("Cannot determine the answer. A", None),
        ("I can't process this file. B", None),
        ("", None),
    ],
)
def test_rule_m(reply: str, letter: str | None) -> None:
    assert older_letter(reply, OPTIONS) == letter


def test_profile_easi_of_vsi_mmsi_and_blink() -> None:
    vsi, mmsi, blink = (metric_named(name) for name in ("vsi", "mmsi", "blink"))
    row = {"question_type": "route_planning", "ground_truth": "B", "prediction": "So (B)."}
    assert vsi.score(row, "official").values == {"score": 0.0}
    assert vsi.score(row, "official").marks == {"unread"}
    assert vsi.score(row, "easi").values == {"score": 1.0}
    count = {"question_type": "object_counting", "ground_truth": "4", "prediction": "2 or 4"}
    assert [vsi.score(count, p).values["score"] for p in ("lmms-eval", "easi")] == [0.1, 1.0]
    row = {"ground_truth": "A", "prediction": "A chair"}
    assert [mmsi.score(row, p).values["score"] for p in mmsi.profiles] == [0.0, 0.0, 1.0]
    jar = {"ground_truth": "(B)", "choices": ["the cup", "the jar"], "prediction": "the jar"}
    assert [blink.score(jar, p).values["score"] for p in blink.profiles] == [0.0, 1.0]
    row = {"ground_truth": "(A)", "prediction": "A"}
    assert "no options" in str(blink.score(row, "easi").failure)


def test_blink_is_averaged_over_rows_by_easi_and_over_subtasks_by_lmms_eval() -> None:
    target = {"ground_truth": "(A)", "choices": ["a cup", "a jar"]}
    rows = [ScheduledRow(str(i), str(i), "ab"[i > 2], target) for i in range(4)]
    replies: dict[str, object] = {**dict.fromkeys("012", "(A)"), "3": "(B)"}
    blink = metric_named("blink")
    means = {
        name: summarize(blink, judge(blink, rows, replies, name), name).headline
        for name in blink.profiles
    }
    assert means == {"lmms-eval": 50.0, "easi": 75.0}

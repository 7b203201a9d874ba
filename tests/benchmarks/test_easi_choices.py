"""Letters by each benchmark's own rule, quirk by quirk, and what their figures are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from surveyor.benchmarks.scorecard import ScheduledRow, Scorecard, judge, summarize
from surveyor.benchmarks.scorers import choice_rules as rules
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.benchmarks.scorers.rows import RowCounts, score_rows
from surveyor.cli.main import app


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("in the USA. It", "A"),  # before a full stop, no word boundary
        ("A. Left B. Right C. Behind", "C"),  # the last one, so the last option of a list
        ("<Answer>My answer is B</Answer> C", "B"),
        ("<answer>x C</answer> B", "C"),  # capital A only: the tag is none, and C stands first
        ("Answer: B \nC or D", "C"),  # the last of the letters at a line start
        ('"D" C', "D"),
        ("the answer is Bright", "B"),
        ("N/A", "A"),  # from the bottom, the first stand-alone letter of a line
        ("A chair", "A"),
        ("see B\nor C, D", "C"),
        ("b", None),
        ("", None),
        ("E", "E"),
        ("F", None),
    ],
)
def test_mindcube(reply: str, letter: str | None) -> None:
    assert rules.mindcube(reply) == letter


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("it is on a shelf", "A"),  # any case, any word of one letter
        ("N/A", "A"),
        ("B\n", None),  # a reply that ends in a line break
        ("A\nthe c", "C"),  # after the last line break
        ("B. left", "B"),
        ("E", None),
    ],
)
def test_viewspatial(reply: str, letter: str | None) -> None:
    assert rules.viewspatial(reply) == letter


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("(A) or (B)", "A"),  # none between blanks: first of the alphabet
        ("(B) then (A) B .", "B"),  # the one that is last between blanks
        ("B", "B"),
        ("so A it is B in the end", "B"),
        ("B. yes A. no", "A"),
        ("B: because", "B"),
        ("answer:C", "C"),
        ("(D)", None),  # three options
        *((reply, None) for reply in ("**A**", "<answer>A</answer>", '"A"', r"\boxed{A}")),
        *((reply, None) for reply in ("b", "A,", "A\nbecause")),
    ],
)
def test_site(reply: str, letter: str | None) -> None:
    assert rules.site(reply, 3) == letter


@pytest.mark.parametrize(
    ("reply", "official", "lmms"),
    [
        ("(A)", None, "A"),
        ("**A**", None, None),
        ("A) left", None, None),
        ("Option A", None, "A"),
        ('{"answer": "A"}', None, None),
        ('{"answer": "A", "why": 1}', "A", "A"),
        ("A. left", "A", "A"),
        ("Answer: A. left", "A", "A"),
        (r"\boxed{ 'B' }", "B", "B"),
        (r"\boxed{left} (C)", None, "C"),  # the harness goes on where the box holds no letter
        ("<answer>D</answer>", "D", "D"),
        ("no answer. A", None, None),
        ("Answer: X answer is B", "B", "B"),  # the first marker of the list that occurs
        ("The answer is unclear, maybe B or A here", None, "A"),  # first of the alphabet
    ],
)
def test_mmsi_video(reply: str, official: str | None, lmms: str | None) -> None:
    assert (rules.mmsi_video(reply), rules.mmsi_video_lmms(reply)) == (official, lmms)


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ("A. cup", "A"),
        ("So answer: B", "B"),
        ("I say (C) or D.", "C"),
        ("D. or so", "D"),
        ("see B and C", "B"),
        ("b", None),
    ],
)
def test_lmms_eval_of_3dsrbench(reply: str, letter: str | None) -> None:
    assert rules.threedsr_lmms(reply) == letter


def score(metric: str, row: Mapping[str, object], profile: str) -> tuple[float, set[str]]:
    found = metric_named(metric).score(row, profile)
    return found.values["score"], set(found.marks)


def test_a_random_draw_counts_0_and_is_marked_as_guessed() -> None:
    row = {"options": ["four", "five"], "ground_truth": "A", "prediction": "**A**"}
    assert score("site", row, "official") == (0.0, {"unread", "guessed"})
    assert score("site", row, "easi") == (1.0, set())
    counts = RowCounts()
    printed = list(score_rows([json.dumps({"id": 1, **row})], "site", None, counts))
    assert printed == [{"id": 1, "score": 0.0, "guessed": True, "unread": True}]
    assert (counts.scored, counts.unread) == (1, 1)


def test_omnispatial_takes_a_by_default() -> None:
    for reply, marks in (("I cannot say", {"unread", "guessed"}), ("x\nAnswer : A", set())):
        row = {"ground_truth": 0, "prediction": reply}
        assert score("omnispatial", row, "official") == (1.0, marks)
    for reply in ("answer: a", "Answer: B"):  # found in any case, compared as typed
        row = {"ground_truth": 0, "prediction": reply}
        assert score("omnispatial", row, "official") == (0.0, set())
    hidden = {"ground_truth": 1, "prediction": "Answer: **B**"}
    assert score("omnispatial", hidden, "official") == (0.0, {"unread", "guessed"})
    assert score("omnispatial", hidden, "easi") == (1.0, set())
    fenced = {"ground_truth": 1, "prediction": '```json\n{"answer": "b, left"}\n```'}
    assert score("omnispatial", fenced, "json") == (1.0, set())
    assert score("omnispatial", {"ground_truth": 0, "prediction": "[1]"}, "json")[0] == 1.0
    assert score("omnispatial", {"ground_truth": 1, "prediction": " because"}, "direct")[0] == 1.0


@pytest.mark.parametrize(
    ("reply", "easi", "lmms"),
    [
        ("The answer is B", 1.0, 0.0),  # the harness reads T
        ("(b", 1.0, 1.0),
        ("Bears", 0.0, 1.0),
        ("**B**", 1.0, 0.0),
        ("<answer>B</answer>", 1.0, 0.0),
    ],
)
def test_embspatial(reply: str, easi: float, lmms: float) -> None:
    row = {"options": ["a", "b"], "ground_truth": 1, "prediction": reply}
    assert score("embspatial", row, "easi")[0] == easi
    assert score("embspatial", row, "lmms-eval")[0] == lmms


def card(metric: str, rows: list[ScheduledRow], replies: list[str], profile: str) -> Scorecard:
    chosen = metric_named(metric)
    said: dict[str, object] = {row.id: reply for row, reply in zip(rows, replies, strict=True)}
    return summarize(chosen, judge(chosen, rows, said, profile), profile)


def test_caa_is_a_ratio_of_sums_over_all_rows_and_stays_negative() -> None:
    two, five = ["x", "y"], ["v", "w", "x", "y", "z"]
    rows = [
        ScheduledRow(str(i), str(i), group, {"options": options, "ground_truth": "A"})
        for i, (group, options) in enumerate(
            [("counting", two), ("counting", five), ("location", five), ("location", two)]
        )
    ]
    found = card("site", rows, ["A", "A", "B", "B"], "official")
    chance = 2 / 2 + 2 / 5
    assert found.headline == pytest.approx(100 * (2 - chance) / (4 - chance))
    assert found.overall["accuracy"] == 50.0
    groups = {group.name: group.means["caa"] for group in found.groups}
    assert groups["counting"] == pytest.approx(100.0)
    assert groups["location"] == pytest.approx(100 * -0.7 / 1.3)
    assert found.interval.low is not None
    assert found.interval.low < 0


def test_3dsrbench_groups_of_rows_that_must_all_be_right() -> None:
    names = ("K7QW2ABC", "K7QW2ABC-1", "K7QW2ABC-flip", "K7QW2ABC-flip-1", "OTHER123", "OTHER123-1")
    target = {"options": ["the cup", "the jar"], "ground_truth": "A"}
    rows = [ScheduledRow(name, name, "height_higher", {"qid": name, **target}) for name in names]
    replies = ["A", "A", "A", "B", "B", "A"]
    found = card("3dsrbench", rows, replies, "official")
    assert found.overall == pytest.approx(
        {"circ_eval": 100 / 3, "vanilla": 400 / 6, "flip_eval": 50.0, "flip_circ_eval": 0.0}
    )
    assert card("3dsrbench", rows, replies, "easi").headline == pytest.approx(400 / 6)
    family = next(group for group in found.groups if group.name == "height")
    assert family.means["circ_eval"] == pytest.approx(100 / 3)
    assert family.counts.scheduled == 6
    owed = judge(metric_named("3dsrbench"), rows[:2], {"K7QW2ABC": "A"}, "official")
    assert summarize(metric_named("3dsrbench"), owed).overall["circ_eval"] == 0.0


def test_mindcube_leaves_translation_out_of_the_overall_figure() -> None:
    rows = [
        ScheduledRow(str(i), str(i), group, {"ground_truth": "A"})
        for i, group in enumerate(("among", "translation"))
    ]
    official = card("mindcube", rows, ["A", "B"], "official")
    assert official.headline == 100.0
    assert {group.name: group.means["score"] for group in official.groups}["translation"] == 0.0
    assert card("mindcube", rows, ["A", "B"], "lmms-eval").headline == 50.0


def test_omnispatial_families_are_over_rows() -> None:
    groups = ("Manipulation", "Manipulation", "Motion_Analysis")
    rows = [
        ScheduledRow(str(i), str(i), group, {"ground_truth": 1}) for i, group in enumerate(groups)
    ]
    found = card("omnispatial", rows, ["Answer: B"] * 2 + ["Answer: C"], "official")
    means = {group.name: group.means["score"] for group in found.groups}
    assert means["Dynamic_Reasoning"] == pytest.approx(200 / 3)


def test_rows_of_ones_own_tell_the_published_figures(tmp_path: Path) -> None:
    rows = [
        {"id": k, "qid": qid, "category": "height_higher", "options": ["the cup", "the jar"]}
        | {"ground_truth": "A", "prediction": said}
        for k, (qid, said) in enumerate([("K7QW2ABC", "A"), ("K7QW2ABC-1", "B"), ("OTHER123", "A")])
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    done = CliRunner().invoke(app, ["score", "--rows", str(path), "--metric", "3dsrbench"])
    assert [json.loads(line)["score"] for line in done.stdout.splitlines()] == [1.0, 0.0, 1.0]
    assert "overall circ_eval 50.0  (3dsrbench/official)" in done.stderr
    assert "overall vanilla 66.7" in done.stderr
    moved = [{"question_id": f"{part}_1", "ground_truth": "A"} for part in ("among", "translation")]
    lines = [json.dumps({**row, "prediction": said}) for row, said in zip(moved, "AB", strict=True)]
    path.write_text("\n".join(lines))
    done = CliRunner().invoke(app, ["score", "--rows", str(path), "--metric", "mindcube"])
    assert "overall score 100.0  (mindcube/official)" in done.stderr

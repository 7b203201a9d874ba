"""Questions in other words ask the same thing, and those held out are never trained on."""

from __future__ import annotations

import random
import re

from surveyor.training.compact.held_out import COLLOQUIAL, HELD_OUT, STRANGER
from surveyor.training.compact.table import Table
from surveyor.training.compact.vocabulary import Vocabulary
from surveyor.training.compact.wordings import (
    ASKED,
    in_other_words,
    reworded,
    said,
    with_strange_words,
)

TEMPLATES = (
    "How many chair(s) are in this room?",
    "Measuring from the closest point of each object, what is the direct distance between the "
    "coffee table and the tv (in meters)?",
    "What is the length of the longest dimension (length, width, or height) of the tv, measured in "
    "centimeters?",
    "What is the size of this room (in square meters)? \nIf multiple rooms are shown, add them.",
    "Measuring from the closest point of each object, which of these objects (bed, coffee table) "
    "is the closest to the tv?\nMeasure to the closest.",
    "If I am standing by the bed and facing the tv, is the cup to the left or the right of the tv?",
    "If I am standing by the bed and facing the tv, is the cup to my left, right, or back?\nBack.",
    "If I am standing by the bed and facing the tv, is the cup to my front-left, front-right, "
    "back-left, or back-right?\nQuadrants.",
)
NAMES = re.compile(r"\b(?:chair|coffee table|tv|bed|cup)\b")


def test_every_template_has_other_words_for_the_same_things() -> None:
    for template in TEMPLATES:
        for among in (None, HELD_OUT, COLLOQUIAL, STRANGER):
            told = {reworded(template, random.Random(k), among) for k in range(30)}
            assert template not in told
            assert len(told) >= 2
            for other in told:
                assert set(NAMES.findall(other)) == set(NAMES.findall(template))
                assert other.split("\n")[1:] == template.split("\n")[1:], "explanations stay"
    assert reworded("Where is my hat?", random.Random(0)) == "Where is my hat?"


def test_no_wording_is_both_trained_on_and_held_out() -> None:
    for asked in ASKED:
        assert not set(asked.wordings) & {
            *HELD_OUT[asked.kind],
            *COLLOQUIAL[asked.kind],
            *STRANGER[asked.kind],
        }


def test_made_up_words_stand_for_template_words_and_leave_names_alone() -> None:
    known = frozenset(re.findall(r"[a-z-]+", " ".join(TEMPLATES).lower())) - {
        "chair", "coffee", "table", "tv", "bed", "cup",
    }  # fmt: skip
    for k, template in enumerate(TEMPLATES):
        said = ({"role": "user", "content": f"Question: {template}"},)
        other = str(with_strange_words(said, known, random.Random(k))[0]["content"])
        before, after = said[0]["content"].split(), other.split()
        apart = [j for j, (one, two) in enumerate(zip(before, after, strict=True)) if one != two]
        assert 1 <= len(apart) <= 2
        for j in apart:
            beside = " ".join(before[max(1, j - 1) : j + 2])
            assert not NAMES.search(beside), "beside a name it would be a part of it"
            assert after[j].strip("(),?.:") not in known


def test_the_words_of_all_wordings_are_told_from_things() -> None:
    for template in TEMPLATES:
        for k in range(200):
            other = reworded(template, random.Random(k)).split("\n")[0]
            table = Table(Vocabulary.of([]).known)
            table.say(other)
            named = set(table.names) - {"chair", "coffee table", "tv", "bed", "cup"}
            assert all(re.fullmatch(r"([bdfgklmprstvz][aeiou]){2}[a-z]", one) for one in named), (
                f"only made-up words may look like things, not {named} of {other}"
            )


def test_there_are_thousands_of_wordings_of_every_kind_and_none_is_held_out() -> None:
    apart = {
        one
        for kinds in (HELD_OUT, COLLOQUIAL, STRANGER)
        for asked in kinds.values()
        for one in asked
    }
    for asked in ASKED:
        told = {said(dice.choice(asked.wordings), dice) for dice in map(random.Random, range(1500))}
        assert len(told) > 80
        assert not {one.rstrip("?.").lower() for one in told} & {
            one.rstrip("?.").lower() for one in apart
        }


def test_a_conversation_in_other_words_differs_in_its_question_alone() -> None:
    said = (
        {"role": "system", "content": "Look."},
        {"role": "user", "content": f"3 frames.\nQuestion: {TEMPLATES[4]}\nOptions:\nA. bed"},
        {"role": "assistant", "content": "<answer>A</answer>"},
    )
    other = in_other_words(said, random.Random(1))
    assert other[0] == said[0]
    assert other[2] == said[2]
    assert str(other[1]["content"]).startswith("3 frames.\nQuestion: ")
    assert str(other[1]["content"]).endswith("\nMeasure to the closest.\nOptions:\nA. bed")
    assert other[1] != said[1]

"""Phrases as models write them: with punctuation at their end or around them."""

from __future__ import annotations

import pytest

from surveyor.services.reference.visible import best_phrase, matches
from tests.scenes.worlds import living_room


@pytest.mark.parametrize("written", ["{}.", "{} .", "a {},", '"{}"', "({})", "the {}!", "{}s."])
def test_punctuation_is_no_part_of_a_name(written: str) -> None:
    thing = living_room("living", 3).objects[0]
    phrase = written.format(thing.category)
    assert matches(thing, phrase)
    assert best_phrase(thing, ("piano.", phrase)) == phrase, "told as it was asked"
    assert not matches(thing, "piano.")


@pytest.mark.parametrize("phrase", [".", "", " . ", "the."])
def test_a_phrase_without_words_names_nothing(phrase: str) -> None:
    assert not any(matches(thing, phrase) for thing in living_room("living", 3).objects)

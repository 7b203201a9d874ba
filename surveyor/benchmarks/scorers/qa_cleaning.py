"""How published 3D question answering cleans an answer before it is compared.

The rules come from LEO and are shared by Chat-Scene, GPT4Scene and others. They are kept with
their faults (3.5 becomes 35, "let" becomes "left"), because published exact match rests on them.
"""

from __future__ import annotations

import re
from typing import Final

from surveyor.benchmarks.scorers.number_words import VALUES

_NUMBERS: Final = {str(value): word for word, value in VALUES.items() if value <= 20} | {
    "23": "twenty-three"
}

_SPELLING: Final = {
    "letf": "left",
    "let": "left",
    "tehre": "there",
    "rigth": "right",
    "rght": "right",
    "behine": "behind",
    "tv": "TV",
    "chai": "chair",
    "wasing": "washing",
    "waslked": "walked",
    "oclock": "o'clock",
}

_NOT_KEPT: Final = re.compile(r"[^a-zA-Z0-9,'\s\-:]+")
_MISSPELT: Final = re.compile(rf"\b({'|'.join(_SPELLING)})\b")
_SPLIT_CLOCK: Final = re.compile(r"\bo' +clock\b")
_NUMERAL: Final = re.compile(rf"\b({'|'.join(_NUMBERS)}|none)\b")
_DIGIT_ENDING: Final = re.compile(r"\b([a-zA-Z]+)[0-9]\b")
_ARTICLES: Final = tuple(re.compile(rf"\b{word} ([a-zA-Z]+)") for word in ("a", "an", "the"))


def clean_answer(answer: str) -> str:
    """The answer as published comparisons see it.

    Lower case; outer spaces off, inner ones single; only ASCII letters, digits, comma, colon,
    hyphen, apostrophe and any white space kept; some misspellings and "none" replaced; 0-20 and 23
    in words; one digit at a word's end dropped; an article dropped where one space and a letter
    follow.
    """
    text = re.sub(" +$", "", answer.lower())
    text = re.sub(" {2,}", " ", text.lstrip(" "))
    text = _NOT_KEPT.sub("", text)
    text = _MISSPELT.sub(lambda match: _SPELLING[match.group(1)], text)
    text = _SPLIT_CLOCK.sub("o'clock", text)
    text = _NUMERAL.sub(lambda match: _NUMBERS.get(match.group(1), "zero"), text)
    text = _DIGIT_ENDING.sub(r"\1", text)
    for article in _ARTICLES:
        text = article.sub(r"\1", text)
    return re.sub(r"\bbackwards\b", "backward", text)


def prepare_prediction(prediction: str) -> str:
    """What published scripts do to a reply first: a final full stop off, first letter lower case.

    A reply of one character is left as it is.
    """
    if len(prediction) < 2:
        return prediction
    trimmed = prediction.removesuffix(".")
    return trimmed[0].lower() + trimmed[1:]

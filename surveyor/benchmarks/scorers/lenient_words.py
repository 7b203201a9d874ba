"""Numbers in words as digits: "two and a half metres" is "2.5 metres", "half a dozen" is "6".

Unlike `surveyor.benchmarks.scorers.number_words`, which reads as lmms-eval does, "one" is a number
only where it counts ("one chair", not "one end" or "no one"), and only words that belong together
add up ("twenty-one", not "two three").
"""

from __future__ import annotations

import re
from typing import Final

from surveyor.benchmarks.scorers.number_words import VALUES, value_of

_METRE: Final = r"(?:met(?:er|re)s?)"
_SINGLE: Final = "|".join(word for word in VALUES if word != "one")
_TENS: Final = "|".join(word for word, value in VALUES.items() if value >= 20)
_ONES: Final = "|".join(word for word, value in VALUES.items() if 0 < value < 10)
_ONE: Final = (
    r"(?<!no )(?<!this )(?<!that )(?<!the )(?<!each )(?<!every )(?<!other )(?<!another )"
    r"(?<!which )(?<!third )(?<!last )(?<!next )(?<!second )(?<!first )(?<!by )"
    r"\bone\b(?! (?:end|side|corner|can|could|may|might|would|should|sees|of|another|by)\b)"
)
_BIG: Final = re.compile(
    rf"\b(?:(?:{'|'.join(VALUES)})[ -])*(?:hundred|thousand)"
    rf"(?:[ -](?:and )?(?:hundred|thousand|{'|'.join(VALUES)}))*\b"
)
_RULES: Final = (
    (re.compile(rf"\b({_TENS})[ -]({_ONES})\b"), lambda m: str(VALUES[m[1]] + VALUES[m[2]])),
    (re.compile(r"\bhalf a dozen\b"), lambda m: "6"),
    (re.compile(r"\b(?:a|one) dozen\b"), lambda m: "12"),
    (re.compile(r"\ba (?:couple|pair)(?: of)?\b"), lambda m: "2"),
    (re.compile(r"\ba single\b"), lambda m: "1"),
    (
        re.compile(rf"(?<!and a )\b(?:one )?half (?:of )?(?:an? |one )?({_METRE})\b"),
        lambda m: f"0.5 {m[1]}",
    ),
    (re.compile(rf"\bthree[ -]quarters of (?:an? |one )?({_METRE})\b"), lambda m: f"0.75 {m[1]}"),
    (re.compile(rf"\b(?:a|one) quarter of (?:an? |one )?({_METRE})\b"), lambda m: f"0.25 {m[1]}"),
    (re.compile(rf"\b(?:an?|one) ({_METRE}) and a half\b"), lambda m: f"1.5 {m[1]}"),
    (re.compile(rf"\b(?:an?|one) ({_METRE}) ({_TENS})\b"), lambda m: f"1.{VALUES[m[2]]} {m[1]}"),
    (re.compile(rf"\ban? ({_METRE})\b"), lambda m: f"1 {m[1]}"),
    (re.compile(rf"\b({_SINGLE})\b"), lambda m: str(VALUES[m[1]])),
    (re.compile(_ONE), lambda m: "1"),
    (re.compile(r"\b(\d+) and a half\b"), lambda m: f"{m[1]}.5"),
    (re.compile(rf"\b(\d+) ({_METRE}) and a half\b"), lambda m: f"{m[1]}.5 {m[2]}"),
    (re.compile(r"\b(\d+) point ((?:\d\b ?)+)"), lambda m: f"{m[1]}.{m[2].replace(' ', '')} "),
)
"""In this order: longer forms before the words that they are made of."""

_CHINESE: Final = {digit: value for value, digit in enumerate("零一二三四五六七八九十")} | {"两": 2}
_CHINESE_RUN: Final = re.compile(
    r"(?<!第)([二两三四五六七八九]?十[一二三四五六七八九]?|[零二两三四五六七八九]|一(?=[个把张盏台只件块扇米]))"
)
# fmt: off
_FOREIGN: Final = {
    "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9,
    "zehn": 10, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "sept": 7, "huit": 8, "neuf": 9,
    "dix": 10, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8,
    "nueve": 9, "diez": 10, "tre": 3, "quattro": 4, "cinque": 5, "sette": 7, "otto": 8,
}
# fmt: on
"""Words of German, French, Spanish and Italian that are no English words."""
_FOREIGN_WORD: Final = re.compile(rf"\b({'|'.join(_FOREIGN)})\b")


def digits_for_words(text: str) -> str:
    """A lower-case text with its English number words as digits."""
    text = _BIG.sub(lambda m: str(value_of(_counting(m.group()))), text)
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


def digits_for_foreign_words(text: str) -> str:
    """A text without digits with number words of some other languages as digits."""
    text = _CHINESE_RUN.sub(lambda m: f" {_chinese(m[1])} ", text)
    return _FOREIGN_WORD.sub(lambda m: str(_FOREIGN[m[1]]), text)


def _counting(run: str) -> list[str]:
    return [word for word in re.findall("[a-z]+", run) if word != "and"]


def _chinese(digits: str) -> int:
    if "十" not in digits:
        return _CHINESE[digits]
    tens, _, ones = digits.partition("十")
    return 10 * _CHINESE.get(tens, 1) + _CHINESE.get(ones, 0)

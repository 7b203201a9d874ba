"""Reading the number that a reply settles on.

Numbers that only label something ("frame 12"), are taken back ("3... no, 4") or are given as a
reason do not count. Of those that are left the conclusion counts, or the one that is the sum or the
product of the others; a range and two candidates are no answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from surveyor.benchmarks.scorers.lenient_words import digits_for_foreign_words, digits_for_words
from surveyor.benchmarks.scorers.quantities import (
    METRE_AND,
    Quantity,
    distinct,
    one_numeral_form,
    quantities,
)
from surveyor.benchmarks.scorers.stated import final_part, last_line

_D: Final = r"\d+(?:\.\d+)?"
_LABELS: Final = re.compile(
    r"(?:\b(?:frame|image|picture|photo|view|step|second|minute|video|object|id|no)s?\.?\s*#?|#)"
    rf"\d+(?:\s*(?:,|and|-|to|&)+\s*\d+)*(?![\d.]*\s*(?:m|cm)\b)"
    r"|\b[a-z]+_\d+|\b\d+:\d\d\b|\b\d+(?:st|nd|rd|th)\b"
    rf"|\(\s*-?{_D}(?:\s*,\s*-?{_D})+\s*\)"
    rf"|^\s*\d+\)\s|\(?±\s*{_D}\s*(?:c?m)?\)?"
    r"|\b\d+ (?:frame|image|picture|photo|view|video)s?\b"
)
_TAKEN_BACK: Final = (
    re.compile(rf"\b(?:at first|initially|thought)\b[^\d.,;\n]*{_D}"),
    re.compile(
        rf"\b(?:not|rather than|instead of|thought|nicht|pas|said|counted) {_D}(?: at first)?\b"
    ),
    re.compile(r"[^.!?\n]*\?"),
)
_BOUND: Final = re.compile(
    r"(?<!\bbit )(?<!little )(?<!slightly )"
    rf"\b(?:(?:less|more|fewer|longer|shorter|greater|larger) than|at most) {_D}"
    r"(?: ?c?m\b| met\w+)?"
)
"""A bound is no value, also where nothing else is said."""
_CORRECTED: Final = re.compile(r"\bno,|\b(?:wait|correction|actually|sorry)\b")
_REASON: Final = re.compile(
    r"\b(?:because|since|(?<=, )as|given|judging|considering|of which|weil|parce que"
    r"|porque)\b.*|因为.*",
    re.DOTALL,
)
_ASIDE: Final = re.compile(r"\([^()]*\)")
_CONCLUDED: Final = re.compile(
    r"=|≈|\b(?:so|thus|therefore|hence|total|altogether|i\.e\.|makes|making|in all|gives|equals"
    r"|yields|leaves|is (?:about|roughly|approximately|around)"
    r"|(?:distance|area|size|length|dimension|side|number|sum|count)"
    r"(?: of (?:\w+ ){0,4}\w+)?(?: is| at|:)|plus [\d.]+ is"
    r"|i (?:estimate|count|see|counted)|answer)\b"
)
_LEADING: Final = re.compile(
    rf"\W*{_D}(?: ?[a-z]{{1,2}}\b)?\s*(?:\.(?!\d)|;|\n|:)\s*\w+ .*[a-z]{{2}}", re.DOTALL
)
"""A number alone, and then a sentence about it."""
_SIDES: Final = re.compile(
    rf"({_D}) ?(?:m|met(?:er|re)s?)? ?(?:by|x) ?({_D}) ?(?:m|met(?:er|re)s?)?\W*$"
)
_OTHERS: Final = re.compile(
    r"^([^,;]*\d[^,;]*)[,;].*\b(?:others?|rest|width|height|depth|while|whereas)\b", re.DOTALL
)
_NONE: Final = re.compile(
    r"\b(?:don't|do not|can't|cannot|didn't|not) (?:see|find|count|spot|detect|notice) any\b"
    r"|\b(?:aren't|are not|isn't|is not|wasn't) (?:any|an?)\b"
    r"|\W*none\b|\bno (?!idea|one\b|answer|way|information)[a-z]+|\bzero\b"
)


def find_number(text: str, unit: str | None = None) -> float | None:
    """The number that a reply settles on, or None.

    ``unit`` is what was asked for: "m", "cm", "m2", or None for a count. A length or an area in
    another unit is converted into it.
    """
    part = _readable(final_part(text))
    stretches = [part] if (line := last_line(final_part(text))) is None else [_readable(line), part]
    if len(stretches) > 1:
        alone = re.fullmatch(rf"\W*(?:about |approximately )?{_D}[\s\w²^.]*\W*", stretches[0])
        found = quantities(stretches[0], unit)
        if alone and len(found) == 1:
            return found[0].value
    return _settled(part, unit)


def _readable(part: str) -> str:
    """Lower case, numbers in digits and in one form, labels off."""
    lower = re.sub(r"[`]|\*(?! ?10\b)", "", part.lower())
    lower = re.sub(r"\"([^\"\n]*)\"", r"\1", lower)  # what is left of the marks are inches
    lower = re.sub(r"\.\.\.|…", ", ", lower)
    text = digits_for_words(one_numeral_form(lower))
    if not re.search(r"\d", text):
        text = digits_for_foreign_words(text)
    text = re.sub(r"(?<![a-z\d])x ?(?=\d)|(?<=\d) ?x$", " ", text) if len(text) < 8 else text
    text = METRE_AND.sub(r"\1.\2 m", _without_numbering(text))
    rest = _LABELS.sub(" ", text).strip()
    return rest if re.search(r"\d", rest) else re.sub(r"^\W*#", "", text)


def _without_numbering(text: str) -> str:
    """The text without the numbers that count the lines of a list."""
    heads = re.findall(r"(?m)^\s*(\d+)[.)]\s+(?=\S)", text)
    counts = [str(k + 1) for k in range(len(heads))]
    return re.sub(r"(?m)^\s*\d+[.)]\s+", "", text) if len(heads) > 1 and heads == counts else text


def _settled(part: str, unit: str | None) -> float | None:
    tails = [part[match.end() :] for match in _CORRECTED.finditer(part)]
    part = next((tail for tail in reversed(tails) if quantities(tail, unit)), part)
    part = _BOUND.sub(" ", part)
    for pattern in _TAKEN_BACK:
        shorter = pattern.sub(" ", part)
        part = shorter if quantities(shorter, unit) else part
    if not quantities(part, unit):
        return 0.0 if unit is None and _NONE.search(part) else None
    found = _candidates(part, unit)
    if len(found) > 1:
        part = _without_reasons(part, unit)
        found = _candidates(part, unit)
    if len(found) > 1 and _LEADING.match(part):
        return found[0].value
    if unit == "m2" and (sides := _SIDES.search(part)) and not any(one.exact for one in found):
        return float(sides[1]) * float(sides[2])
    if len(found) > 1 and (whole := _whole_of(quantities(part, unit))) is not None:
        return whole
    if len(found) > 1:
        part = _conclusion(part, unit)
        found = _candidates(part, unit)
    return found[0].value if len(found) == 1 else None


def _conclusion(part: str, unit: str | None) -> str:
    """What follows the last word that concludes, where it holds one number; else the part."""
    ends = [match.end() for match in _CONCLUDED.finditer(part)]
    after = next((part[end:] for end in reversed(ends) if quantities(part[end:], unit)), part)
    if len(_candidates(after, unit)) > 1 and (first := _OTHERS.match(after)):
        after = first[1]
    return after if len(_candidates(after, unit)) == 1 else part


def _without_reasons(part: str, unit: str | None) -> str:
    """The part without what follows a reason word, and asides, where a number stands before."""
    for pattern in (_REASON, _ASIDE):
        for match in pattern.finditer(part):
            if quantities(part[: match.start()], unit):
                part = part[: match.start()] + " " + part[match.end() :]
                break
    return part


def _candidates(part: str, unit: str | None) -> list[Quantity]:
    """Different numbers of a text. Beside an area lengths are what it was computed from."""
    found = distinct(quantities(part, unit))
    if unit == "m2" and any(one.exact for one in found):
        found = [one for one in found if one.exact or not one.scale]
    return found


def _whole_of(found: Sequence[Quantity]) -> float | None:
    """The last or the first of several numbers where it is the sum or the product of the rest."""
    values = [one.value for one in found]
    if len(values) < 3:
        return None
    for whole, rest in ((values[-1], values[:-1]), (values[0], values[1:])):
        if any(math.isclose(whole, of(rest), rel_tol=0.01) for of in (sum, math.prod)):
            return whole
    return None

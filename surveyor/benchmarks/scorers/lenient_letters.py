"""Reading the letter that a reply settles on.

A letter stands alone or leads the answer; else whatever the reply mentions counts, without what it
rejects ("not A"), asks ("A?") and gives as a reason. Two letters left over are no answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from surveyor.benchmarks.scorers.lenient_verdicts import settled_by_verdict
from surveyor.benchmarks.scorers.lenient_words import digits_for_words
from surveyor.benchmarks.scorers.stated import final_part, last_line

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MARKS: Final = r"[\s*_`'\"()\[\]{}<>.!:#,;$>~-]"
_WHOLE: Final = re.compile(
    rf"{_MARKS}*(?:(?:option|choice|answer)\b{_MARKS}*)?([A-Z]){_MARKS}*", re.I
)
_REASON: Final = (
    r"(?:because|since|as|due to|given|for|judging|considering|weil|denn|parce que|car|porque|"
    r"perché|porquê|因为|因為)"
)
_LETTER: Final = r"(?<![A-Za-z0-9'/_-])[A-Z](?![A-Za-z0-9'/_]|-\w)"
_LIST: Final = (
    rf"{_LETTER}[)\"'*]*(?:(?:\s*,\s*\W*{_LETTER}\W*?)*"
    rf"[\s,]*(?:\b(?:and|or|nor|not|und|oder|et|ou|y|o|e)\b|&|/|和)[\s(\"'*]*{_LETTER}[)\"'*]*)?"
)
"""One letter, or several of which the last is joined by a word."""
_LEADING: Final = re.compile(
    rf"{_MARKS}*(?:(?:option|choice)\b{_MARKS}*)?([A-Z])(?:\*\*|[)\]}}])*"
    rf"(?P<next>[.:;\n]|,|\s*[-=(]|\s+(?={_REASON}\b|rather\b|instead\b|not\b))(?P<rest>.*)",
    re.I | re.DOTALL,
)
_ANOTHER: Final = re.compile(rf"\W*(?:(?:or|and)\W+)?{_LETTER}(?!\s+(?!(?:and|or)\b)[a-z])")
_REJECTED: Final = (
    re.compile(
        r"(?:\b(?:not|neither|nor|never|isn't|rather than|instead of|unlike|except|than|nicht|pas|"
        r"wouldn't|don't|won't|(?:initial|first) (?:guess|thought|impression|answer) was|"
        r"can't be|cannot be|exclud\w+|eliminat\w+|reject\w*|discard\w*|"
        r"rul(?:e|ed|es|ing) out|at first|initially|first thought|thought)\b|不是|排除)"
        rf"[\s(\"'*:]*(?:(?:it|was|be|option|choice|choose|pick|select|say)\s+)*{_LIST}",
        re.I,
    ),
    re.compile(
        rf"{_LIST}[\s)\"'*]*(?:(?:is|are|was|were|can|could|must|both|all|be|also|clearly|seems?|"
        r"looks?|sont|est|sind|ist|would)\s+)*(?:wrong|incorrect|false|out\b|not\b|ruled out|"
        r"excluded|eliminated|impossible|unlikely|isn't|aren't|can't|cannot|doesn't|do not|"
        r"fau(?:x|sse)s?|falsch|不正确|不对|错误|可以排除)",
    ),
)
_QUESTION: Final = re.compile(rf"[^.!?\n]*\?|\bbetween {_LIST}", re.I)
_LABELS: Final = re.compile(rf"(?:(?<=^)|(?<=[\n,;.]))\s*[(*-]*({_LETTER})[):*]+\s")
"""Letters that head what is said of each option."""
_OPENING_REASON: Final = re.compile(rf"(?:^|(?<=[.;\n]))\s*{_REASON}\b[^,.\n]*,", re.I)
_SENTENCE_REASON: Final = re.compile(rf"(?<=\w)\W+{_REASON}(?:\b|(?<=[为為]))[^.\n]*", re.I)
_CLOSING_REASON: Final = re.compile(rf"(?<=\w)\W+{_REASON}(?:\b|(?<=[为為])).*", re.I | re.DOTALL)
_ASIDE: Final = re.compile(r"\([^()]{2,}\)")
_CONCLUDED: Final = re.compile(
    r"\b(?:so|thus|therefore|hence|leaving|leaves|finally|but|conclude|"
    r"i'd say|i would say|go with|going with|closest is|donc|also|daher|因此|所以)\b",
    re.I,
)
_CHOSEN: Final = re.compile(
    r"(?:\b(?:option|choice|choose|pick|select|say|go with|is|be|it's)\s+[*\"(]*|\()"
    r"([a-z])(?=[)*\".,;:!]|\s*$|\s+(?:because|since|as)\b)"
)
_ARTICLE: Final = re.compile(
    r"A\s+(?!(?:is|was|or|and|but|can|could|must|may|might|because|since|as|rather|instead|"
    r"fits|seems|if|due|given|would|oder|ou|o|not)\b)[a-z]"
)
_FILLERS: Final = frozenset(
    {
        *("the", "a", "an", "then", "and", "first", "second", "third", "fourth", "finally"),
        *(
            "appears",
            "appear",
            "comes",
            "come",
            "seen",
            "lastly",
            "last",
            "next",
            "followed",
            "by",
            "after",
            "that",
            "und",
            "dann",
        ),
    }
)
_CORRECTED: Final = re.compile(r"\b(?:actually|in fact|correction)\b", re.I)
_TAKEN_BACK: Final = re.compile(
    r"\b(?:wait|scratch that|i meant|sorry|correction|on second thoughts?|on reflection)\b", re.I
)
_STRUCK: Final = re.compile(r"~~[^~\n]*~~")
_DECIDED: Final = re.compile(
    r"\b(?:pick|choose|chose|select|go with|going with|settle on|opt for|only)\s+"
    r"(?:option\s+|choice\s+)?[*\"(]*([A-Z])\b"
)
_CONCEDED: Final = re.compile(r"\b(?:although|though|while|whereas)\b[^.;\n]*", re.I)
_AGREED: Final = re.compile(r"\b(?:you're|you are|that's|that is|all) right\b", re.I)
_ORDINAL: Final = re.compile(
    r"\b(first|second|third|fourth|fifth|last)\s+(?:option|choice|one|answer)\b", re.I
)
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth")
_CLAUSE: Final = re.compile(r"[.;:!?,\n]+")
_NOT_WORDS: Final = (
    r"(?:not|isn t|wasn t|doesn t|neither|rather than|instead of|never|nor|nicht)(?: \w+){0,3}? "
)


def find_choice(text: str, options: Sequence[str] = ()) -> str | None:
    """The letter that a reply settles on, or None. ``options`` are texts without letters."""
    valid = _ALPHABET[: len(options) or 26]
    part = _STRUCK.sub(" ", final_part(text))
    judged = settled_by_verdict(_without_echo(part, options, r"\1:"), valid)
    if judged is not None:
        return judged
    part = _without_heads(_without_echo(part, options))
    whole = _whole(part, valid)
    if whole is None and (line := last_line(part)) is not None:
        alone = {letter for one in part.splitlines() if (letter := _whole(one, valid))}
        if len(alone) > 1:
            return None
        whole = _whole(line, valid)
    if whole is not None:
        return whole
    taken_back = _TAKEN_BACK.split(part)[1:]
    if taken_back and len(corrected := _letters(taken_back[-1], valid)) == 1:
        return corrected.pop()
    leading, settled = _leading(part, options, valid)
    return leading if settled else _mentioned(part, options, valid)


def _whole(text: str, valid: str) -> str | None:
    """The letter, where the text holds nothing else."""
    found = _WHOLE.fullmatch(text)
    letter = found.group(1).upper() if found is not None else ""
    return letter if letter and letter in valid else None


def _leading(part: str, options: Sequence[str], valid: str) -> tuple[str | None, bool]:
    """The letter that opens the answer, and whether the opening settles it."""
    found = re.match(rf"{_MARKS}*([A-Z])\b{_MARKS}*", part)
    if found is not None and found.group(1) in valid:
        index = valid.index(found.group(1))
        if index < len(options) and _words(part[found.end() :]) == _words(options[index]):
            return found.group(1), True
    found = _LEADING.match(part)
    if found is None or found.group(1).upper() not in valid:
        return None, False
    if found.group(1) == "a" and found.group("next").strip() in ("", "-"):
        return None, False
    if re.match(r"\W*(?:no|wait|not quite)\b", found.group("rest"), re.I):
        return None, False
    if _ANOTHER.match(found.group("rest")) and found.group("next").strip() != "(":
        return None, True
    return found.group(1).upper(), True


def _mentioned(part: str, options: Sequence[str], valid: str) -> str | None:
    """The one letter that is mentioned and not rejected, else the one option that is named."""
    kept = part
    for pattern in _REJECTED:
        kept = pattern.sub(" ", kept)
    stretches = _CORRECTED.split(kept)
    if len(stretches) > 1 and len(corrected := _letters(stretches[-1], valid)) == 1:
        return corrected.pop()
    decided: set[str] = set(_DECIDED.findall(kept)) & set(valid)
    if len(decided) == 1 and len(_letters(kept, valid)) > 1:
        return decided.pop()
    for pattern in (_QUESTION, _OPENING_REASON, _SENTENCE_REASON, _CLOSING_REASON):
        if len(_letters(kept, valid)) > 1 and _letters(shorter := pattern.sub(" ", kept), valid):
            kept = shorter
    found = _letters(kept, valid)
    for pattern in (_CONCEDED, _ASIDE):
        if len(found) > 1:
            found = _letters(pattern.sub(" ", kept), valid) or found
    if len(found) > 1 and len(concluded := _CONCLUDED.split(kept)) > 1:
        found = _letters(concluded[-1], valid)
    if not found and not _letters(part, valid):
        part = _AGREED.sub(" ", part)
        found = _named(_CLOSING_REASON.sub(" ", part), options) or _named(part, options)
        found = found or _counted(part, valid) or _in_pieces(part, options)
    if not found and 2 < len(valid) <= len(options):
        off = {
            letter
            for pattern in _REJECTED
            for one in pattern.finditer(part)
            for letter in re.findall(r"\b[A-Z]\b", one.group())
        }
        found = set(valid) - off if off >= set(re.findall(r"\b[A-HJ-Z]\b", part)) else set()
    return found.pop() if len(found) == 1 else None


def _counted(part: str, valid: str) -> set[str]:
    """The options that are named by their places: "the second option"."""
    said = {word.lower() for word in _ORDINAL.findall(part)}
    return {valid[-1] if word == "last" else valid[_ORDINALS.index(word)] for word in said}


def _in_pieces(part: str, options: Sequence[str]) -> set[str]:
    """Options all of whose words are said, if not together: "in front and to the left"."""
    said = set(_words(part).split())
    return {
        letter
        for letter, option in zip(_ALPHABET, options, strict=False)
        if (words := set(_words(option).split())) and len(words) > 1 and words <= said
    }


def _letters(text: str, valid: str) -> set[str]:
    """Letters that stand for options. "A" before a noun is an article, "I" is mostly a pronoun."""
    found = {
        match.group()
        for match in re.finditer(_LETTER, text)
        if match.group() in valid and not _ARTICLE.match(text, match.start())
    }
    if len(valid) < 9 or len(found) > 1:
        found -= {"I"}
    return found | ({one.upper() for one in _CHOSEN.findall(text)} & set(valid))


def _without_heads(part: str) -> str:
    """The part without the letters that head what is said of each of several options."""
    return _LABELS.sub(" ", part) if len(set(_LABELS.findall(part))) > 1 else part


def _without_echo(part: str, options: Sequence[str], instead: str = " ") -> str:
    """The part without a list of the options themselves, where two or more are repeated."""
    echoes = [
        rf"\(?({letter})[.):]\s*{re.escape(text.strip())}(?!\w)"
        for letter, text in zip(_ALPHABET, options, strict=False)
        if text.strip()
    ]
    told = [echo for echo in echoes if re.search(echo, part, re.I)]
    if len(told) < 2:
        return part
    for echo in told:
        part = re.sub(echo, instead, part, flags=re.I)
    return part


def _named(part: str, options: Sequence[str]) -> set[str]:
    """Letters of the options whose text the reply names, longest texts first.

    A text that only occurs inside a longer named option ("left" in "front-left") is not named,
    nor is one that is rejected ("not on the right").
    """
    named: set[str] = set()
    if all(option.strip(" .").isdecimal() for option in options):
        part = digits_for_words(part.lower())
    clauses = " | ".join(_words(clause) for clause in _CLAUSE.split(part))
    rest = {True: _words(part, listed=True), False: clauses}
    for index in sorted(range(len(options)), key=lambda i: -len(options[i])):
        listed = _CLAUSE.search(options[index].strip(" .")) is not None
        wanted = _words(options[index], listed=listed)
        if not wanted:
            continue
        pattern = rf"(?<!\w){re.escape(wanted)}(?!\w)"
        without = re.sub(rf"(?<!\w){_NOT_WORDS}{re.escape(wanted)}(?!\w)", " ", rest[listed])
        if re.search(pattern, without):
            named.add(_ALPHABET[index])
        rest[listed] = re.sub(pattern, " ", without)
    return named


def _words(text: str, *, listed: bool = False) -> str:
    """Comparable words. Of a list, the words that only tell its order and numbering are off."""
    words = re.findall(r"[^\W_]+", text.casefold())
    if listed:
        words = [word for word in words if word not in _FILLERS and not word.isdigit()]
    return " ".join(words)

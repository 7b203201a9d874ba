"""How EASI reads replies without a judge: rules E (letters, numbers) and M (older multiple choice).

EASI 0c1a41e runs VLMEvalKit; rule E is its ``spatial_bench`` matching (letters A-F whatever the
options), rule M its ``matching_util`` (BLINK and 3DSRBench). ``None`` is "not found".
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Final

from surveyor.benchmarks.scorers.relative import relative_accuracy

RULE_E: Final = "1"
RULE_M: Final = "1"
LETTERS: Final = "ABCDEFGHIJ"
_TAIL: Final = 800
_TAIL_LINES: Final = 6
_UNSEEN: Final = re.compile("[\u200b\u200c\u200d\ufeff]")
_OPEN, _SHUT = r"[(\[{（【]?\s*", r"\s*[)\]}）】]?"
_TAGGED: Final = re.compile(
    r"<\s*answer\b[^>]*>\s*([A-J]).*?<\s*/\s*answer\s*>", re.IGNORECASE | re.DOTALL
)
_BEFORE_TAG: Final = tuple(
    re.compile(rf"(?<![A-Za-z]){_OPEN}([A-F]){_SHUT}\s*</\s*{tag}\s*>", re.IGNORECASE)
    for tag in ("answer", "think")
)
_AFTER_THINKING: Final = tuple(
    re.compile(rf"<\s*{slash}think\s*>", re.IGNORECASE) for slash in (r"/\s*", "")
)
_OPTION_LINE: Final = re.compile(r"[*_>\-\s]*(?:option|选项)\s+[A-J]\s*[:：]", re.IGNORECASE)
_DRESS: Final = r"[*_`（）\[\]【】()]*"
_ALONE: Final = re.compile(rf"\s*[*_`>（）\[\]【】()]*\s*([A-Fa-f])\s*{_DRESS}\s*")
_LABEL: Final = re.compile(r"\s*([A-F])\s*[.．:：)\]】、-]\s+", re.IGNORECASE)
_IN_LINE: Final = re.compile(
    r"(?<![A-Za-z])[*_`（\[{(]*\s*([A-F])\s*[*_`）\]})]*(?=$|[\s.,:;!?)\]】》」』，。；、：）])"
)
_PHRASE: Final = re.compile(
    r"(?:final\s*answer|the\s*answer\s*is|answer(?:\s*is)?|correct\s*answer|答案|最终答案|结论|所以|因此"
    rf"|我选(?:择)?|选择|选)\s*[:：>＝=]?\s*{_OPEN}([A-F]){_SHUT}(?:\b|[.)、。])",
    re.IGNORECASE,
)
_ANYWHERE: Final = re.compile(rf"(?<![A-Za-z]){_OPEN}([A-F]){_SHUT}(?![A-Za-z])")

_NUMBER: Final = r"[-+]?(?:\d*\.\d+|\d+)(?:[eE][-+]?\d+)?"
_TAGGED_NUMBER: Final = re.compile(
    rf"<\s*answer\b[^>]*>\s*({_NUMBER})(?:[^\d<][^<]*)?<\s*/\s*answer\s*>", re.IGNORECASE
)
_WORDS: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    *("nineteen", "twenty"),
)
_WORD: Final = re.compile(rf"\b({'|'.join(_WORDS)})\b", re.IGNORECASE)

_REFUSALS: Final = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)
_BLANKED: Final = str.maketrans(dict.fromkeys(".()[],:;!*#{}", " "))
_SAID: Final = re.compile(r"answer\s+is\s+\**([A-D])", re.IGNORECASE)


def easi_letter(text: str) -> str | None:
    """The letter that rule E finds, upper case: A-J in an answer block, else A-F."""
    text = _UNSEEN.sub("", text.strip())
    if (tagged := _TAGGED.search(text)) is not None:
        return tagged.group(1).upper()
    tail = text[-_TAIL:]
    for pattern in _BEFORE_TAG:
        if (found := pattern.search(tail)) is not None:
            return found.group(1).upper()
    for part in (_after_thinking(text), tail):
        if (letter := _of_last_lines(part)) is not None:
            return letter
    if (phrase := _PHRASE.search(text)) is not None:
        return phrase.group(1).upper()
    kept = "\n".join(line for line in text.splitlines() if not _OPTION_LINE.match(line))
    letters = set(_ANYWHERE.findall(kept))
    return letters.pop() if len(letters) == 1 else None


def _after_thinking(text: str) -> str:
    """What follows the last closing tag of thought, else the last opening one, else all of it."""
    for pattern in _AFTER_THINKING:
        if found := list(pattern.finditer(text)):
            return text[found[-1].end() :].strip()
    return text


def _of_last_lines(text: str) -> str | None:
    """The letter of the lowest of the last six lines that names exactly one."""
    for line in reversed([line.strip() for line in text.splitlines()[-_TAIL_LINES:]]):
        if not line or _OPTION_LINE.match(line):
            continue
        found = _ALONE.fullmatch(line) or _LABEL.match(line)
        letters = {found.group(1).upper()} if found else set(_IN_LINE.findall(line))
        if len(letters) == 1:
            return letters.pop()
    return None


def easi_number(text: str) -> float | None:
    """The number that rule E finds: of a list its first item, else the one that begins an answer
    block, else the last one after the thought, else the last one."""
    listed = text.strip()
    if listed.startswith("[") and listed.endswith("]"):
        try:
            items = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
        text = str(items[0]) if isinstance(items, list) and items else text
    text = _WORD.sub(lambda m: str(_WORDS.index(m.group().lower())), _UNSEEN.sub("", text.strip()))
    if (tagged := _TAGGED_NUMBER.search(text)) is not None:
        return float(tagged.group(1))
    found = re.findall(_NUMBER, _after_thinking(text)) or re.findall(_NUMBER, text)
    return float(found[-1]) if found else None


def easi_choice_score(prediction: object, truth: object) -> dict[str, float]:
    """1 where rule E finds the same in both; so a truth beyond F is right for any unreadable reply
    and wrong for most readable ones."""
    found = easi_letter(str(prediction))
    expected = easi_letter(str(truth).strip())
    return {"score": float(found == expected), "unread": float(found is None)}


def easi_number_score(prediction: object, truth: object) -> dict[str, float]:
    """MRA of the number that rule E finds; the error is absolute where the truth is 0."""
    found = easi_number(str(prediction))
    try:
        target = float(str(truth))
    except ValueError:
        target = float("nan")
    if found is None or target != target:
        return {"score": 0.0, "unread": float(found is None)}
    return {"score": relative_accuracy(found, target)}


def older_letter(text: str, options: Sequence[str]) -> str | None:
    """The letter that rule M finds among those of ``options``, given by their texts."""
    if any(refusal in text for refusal in _REFUSALS):
        return None
    letters = LETTERS[: len(options)]
    words = text.translate(_BLANKED).split()
    present = [letter for letter in letters if letter in words]
    if len(present) == 1 and words.index(present[0]) > len(words) - 5:
        return present[0]
    said = _SAID.search(text)
    if said is not None and said.group(1).upper() in letters:
        return said.group(1).upper()
    if len(text) > 2 * sum(map(len, options)):
        return None
    lowered = text.lower()
    named = [at for at, option in enumerate(options) if option.lower() in lowered]
    return letters[named[0]] if len(named) == 1 else None

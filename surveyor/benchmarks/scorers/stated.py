"""What a reply states as its answer: its thinking off, its marks opened, its typography plain."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, Final

from surveyor.core.reply_marks import plain_marks

_THOUGHT: Final = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_ANSWER_BLOCK: Final = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.DOTALL | re.I)
_BOXED: Final = re.compile(r"\\f?box(?:ed)?\{([^{}]*)\}?")
_FENCE: Final = re.compile(r"```\w*")
_ANNOUNCED: Final = re.compile(
    r"(?:\b(?:final|correct|right|best|my|total)\s+(?:answer|option|choice|respuesta|response)\b"
    r"|\banswer\b|\bans\b|\bantwort\b|\br[ée]ponse\b|\brespuesta\b|\brisposta\b|\bresposta\b|\bответ\b"
    r"|答案|答え|正解|정답|답)"
    r"(?P<link>[^\w\n]*(?:\b(?:is|are|was|would be|should be|must be|ist|est|es|lautet|é)\b"
    r"|(?<=\s)è|[是为はが은:=-]|—)[^\w\n({\[-]*|\s+(?=\(?[A-Z0-9]\W*$))",
    re.I,
)
_LONGEST: Final = 2000
"""Characters. Answers stand at the beginning or the end of what is longer."""
_ANSWER_KEYS: Final = ("answer", "final_answer", "finalanswer", "choice", "option", "prediction")
_VULGAR: Final = re.compile("[¼-¾⅐-⅞]")
_TYPOGRAPHY: Final = str.maketrans(
    {
        **dict.fromkeys("‘’´", "'"),
        **dict.fromkeys("“”„«»", '"'),
        **dict.fromkeys("−–‒", "-"),
        **dict.fromkeys("→⟶⇒➔➜", ">"),
        **dict.fromkeys("【〔「『", "["),
        **dict.fromkeys("】〕」』", "]"),
        **dict.fromkeys("。", "."),
        "🅰": "A",
        "🅱": "B",
        "\ufe0f": None,
        **dict.fromkeys("、", ","),
        "—": "-",
        "×": "x",
        "≃": "≈",
    }
)
_LATEX: Final = (
    (re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}"), r"\1/\2"),
    (re.compile(r"\\(?:text|mathrm|mathbf|textbf|textit|mathit|rm)\s?\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\times|\\cdot"), "x"),
    (re.compile(r"\\approx|\\sim"), "≈"),
    (re.compile(r"\\pm"), "±"),
    (re.compile(r"\\[,;:! ()\[\]]|\\q?quad\b|(?<!\\)\$"), " "),
)


def plain(text: str) -> str:
    """The text without typography that means nothing: full-width forms, curly quotes, LaTeX's
    fonts and spaces. Vulgar fractions become ``1/2`` after a space."""
    text = _VULGAR.sub(lambda m: " " + unicodedata.normalize("NFKC", m.group()), text)
    text = unicodedata.normalize("NFKC", text).replace("⁄", "/").translate(_TYPOGRAPHY)
    for pattern, instead in _LATEX:
        text = pattern.sub(instead, text)
    return text


def without_thinking(text: str) -> str:
    """What stands outside of thinking. Of a reply that only closes it, what comes after."""
    return _THOUGHT.sub(" ", plain_marks(text)).rpartition("</think>")[2]


def final_part(text: str) -> str:
    """The part of a reply that states the answer, in plain typography.

    Of several marked answers the last counts; what an answer block or a box holds is opened in
    turn. A reply without marks is what follows its last announcement, or all of it; of a very long
    one the beginning and the end.
    """
    part = plain(without_thinking(text))
    for pattern in (_ANSWER_BLOCK, _BOXED):
        if blocks := pattern.findall(part):
            part = str(blocks[-1])
    if len(part) > _LONGEST:
        part = f"{part[: _LONGEST // 2]}\n{part[-_LONGEST // 2 :]}"
    part = _from_json(_FENCE.sub(" ", part).strip())
    for found in reversed(list(_ANNOUNCED.finditer(re.sub(r"[*`_]", " ", part)))):
        if rest := part[found.end() :].strip(" *_`"):
            return rest
    return part.strip()


def last_line(part: str) -> str | None:
    """The last line of several; None when there is only one."""
    lines = [line.strip() for line in part.splitlines() if line.strip()]
    return lines[-1] if len(lines) > 1 else None


def _from_json(part: str) -> str:
    """The value that a reply in JSON gives, as text; any other reply as it is."""
    if part[:1] not in ("{", "["):
        return part
    for attempt in (part, part.replace("'", '"')):
        try:
            found = json.loads(attempt)
        except (ValueError, RecursionError):
            continue
        values = _values(found)
        return str(values[0]) if len(values) == 1 else part
    return part


def _values(found: Any) -> list[object]:
    """The candidates of a decoded reply: the key that says so, else everything that is one."""
    if isinstance(found, dict):
        named = [found[key] for key in found if str(key).casefold() in _ANSWER_KEYS]
        if named:
            return named[:1]
        found = [*found.values()]
    return [one for one in found if isinstance(one, str | int | float)]

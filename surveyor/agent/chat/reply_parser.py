"""What a model's message means, whatever dialect it was written in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import JsonValue

from surveyor.agent.chat.messages import Message
from surveyor.core.tasks import AnswerKind, Task
from surveyor.tools.spec import CallRequest


@dataclass(frozen=True, slots=True)
class Reading:
    """A message understood: exactly one of calls, answer and mistake, and how it was got.

    ``echo`` is the message as the conversation keeps it. ``repairs`` name every liberty taken.
    ``emitted`` are the calls as the model wrote them, before any repair.
    """

    echo: Message
    calls: tuple[CallRequest, ...] = ()
    answer: str | None = None
    mistake: str | None = None
    text: str = ""
    reasoning: str = ""
    emitted: tuple[dict[str, JsonValue], ...] = ()
    repairs: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)


MOST_TEXT = 1_000_000
"""Characters of a message's text, and of its reasoning, that are read and kept."""
MOST_ARGUMENTS = 32_000
"""Characters of one call's arguments that are read and kept: they stand in the log three times."""
LONGEST_ID = 256
_MOST_NAME = 256
_MOST_CALLS = 256


def kept(text: str, most: int) -> str:
    """``text`` as the log and the conversation keep it: a note says how much was left out."""
    return text if len(text) <= most else f"{text[:most]} [and {len(text) - most} more characters]"


def too_long(text: str, calls: Sequence[tuple[str, str]]) -> str | None:
    """The mistake of writing more than is read; ``calls`` are names and arguments."""
    if len(text) > MOST_TEXT:
        return (
            f"Your message was {len(text)} characters long and was not read; "
            f"write at most {MOST_TEXT}."
        )
    for name, arguments in calls:
        if len(name) > _MOST_NAME:
            return f"A tool name was {len(name)} characters long, so nothing was run."
        if len(arguments) > MOST_ARGUMENTS:
            return (
                f"The arguments of {name[:64]} were {len(arguments)} characters long, so nothing "
                f"was run; write at most {MOST_ARGUMENTS}."
            )
    return None


def as_emitted(calls: Sequence[tuple[str, str, str]]) -> tuple[dict[str, JsonValue], ...]:
    """Calls as (id, name, arguments) for the log; one that runs away is not kept to its end."""
    return tuple(
        {
            "id": call_id,
            "name": kept(name, _MOST_NAME),
            "arguments": kept(text, MOST_ARGUMENTS),
        }
        for call_id, name, text in calls[:_MOST_CALLS]
    )


def reading_of(
    message: dict[str, Any],
    calls: Sequence[CallRequest],
    decided: Mapping[str, Any],
    *,
    thought: str = "",
    notes: dict[str, str] | None = None,
) -> Reading:
    """A message whose calls stand in its text: kept as it was said, with what was ``decided``;
    ``calls`` are those that were written, whatever becomes of them."""
    text = kept(text_of(message.get("content")), MOST_TEXT)
    thoughts = (kept(reasoning_of(message), MOST_TEXT), thought)
    return Reading(
        echo=Message("assistant", (text,)),
        text=text,
        reasoning="\n".join(filter(None, thoughts)),
        emitted=as_emitted([(c.call_id, c.name, c.raw_arguments) for c in calls]),
        notes=notes or {},
        **decided,
    )


def made_id(turn: int, number: int) -> str:
    """An id for a call that has none of its own: 9 letters and digits, which every endpoint takes
    (Mistral's takes nothing else)."""
    return f"call{turn % 1000:03d}{number % 100:02d}"


_FILTER = re.compile(
    r"content_?filter|safety|refusal|recitation|prohibited|blocklist|sensitive", re.IGNORECASE
)


def is_filter(finish: str) -> bool:
    """Whether a reply's finish reason says that the provider stopped it for its content."""
    return _FILTER.search(finish) is not None


def refusal_of(message: dict[str, Any], finish: str) -> str | None:
    """Why the model or its provider refused, in its own words; ``None`` when it didn't.

    Asking again gives the same, so a refusal ends the episode.
    """
    said = text_of(message.get("refusal")).strip()
    if said:
        return said
    if is_filter(finish):
        left = text_of(message.get("content")).strip()
        return f"{finish}: {left}" if left else f"{finish}: the provider's filter left no text"
    return None


def well_formed(text: str) -> str:
    """``text`` with lone surrogates replaced, so that it can be written as UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def can_be_sent(value: Any) -> bool:
    """Whether a value can be written as JSON in UTF-8: damaged text cannot."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def text_of(content: Any) -> str:
    """The text of a message's content, which may be a string, parts, or nothing."""
    if isinstance(content, str):
        return well_formed(content)
    if isinstance(content, list):
        texts = [p.get("text") for p in content if isinstance(p, dict)]
        return well_formed("".join(t for t in texts if isinstance(t, str)))
    return ""


REASONING = ("reasoning_content", "reasoning")
"""The names under which servers give reasoning as text; vLLM went from the first to the second."""


def reasoning_of(message: dict[str, Any]) -> str:
    """The provider's reasoning field, by either of the names in use."""
    for name in REASONING:
        if isinstance(value := message.get(name), str):
            return well_formed(value)
    return ""


_LETTER = re.compile(r"[(\[]?(?P<letter>[A-Z]|(?<=[(\[])[a-z](?=[)\]]))[)\]]?[.:]?")
_LETTER_FIRST = re.compile(r"[(\[]?(?P<letter>[A-Z])[)\].:]+\s*(?P<text>.*)", re.I | re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?( ?(m|cm|metres?|meters?|centimet(re|er)s?|m2|m²))?\.?")
_BOX = re.compile(r"\\(?:boxed|text|textbf|mathrm|mathbf)\{([^{}]*)\}")
_MARKS = "*`$_ \n"


def one_answer(answers: list[str], task: Task) -> tuple[dict[str, str], tuple[str, ...]]:
    """The answer that all blocks give, or the mistake of giving none or several; and repairs.

    What stands between the tags is reduced as an answer without tags is.
    """
    reduced = [(bare if (bare := bare_answer(a, task)) is not None else a) for a in answers]
    different = list(dict.fromkeys(reduced))
    if len(different) > 1:
        return {"mistake": "you gave several different answers; give the final one alone"}, ()
    if not different[0]:
        return {"mistake": "the answer was empty; write it between <answer> and </answer>"}, ()
    repairs = ["took an answer that was given several times"] if len(answers) > 1 else []
    if reduced != answers:
        repairs.append("took an answer out of its marks")
    return {"answer": different[0]}, tuple(repairs)


def bare_answer(text: str, task: Task) -> str | None:
    """``text`` when nothing but an answer of the wanted kind stands in it.

    A letter of the offered options, an option written out in full, or one number with its unit:
    these can't be anything else. Anything longer could be thinking aloud, and is not an answer.
    """
    plain = _unmarked(text)
    if task.answer_kind is AnswerKind.NUMBER:
        return plain if _NUMBER.fullmatch(plain) else None
    if task.answer_kind is not AnswerKind.CHOICE:
        return None
    if any(_same(plain, option) for option in task.options):
        return plain
    offered = [chr(ord("A") + index) for index in range(len(task.options) or 26)]
    found = _LETTER.fullmatch(plain) or _LETTER_FIRST.fullmatch(plain)
    letter = found["letter"].upper() if found is not None else ""
    if found is None or letter not in offered:
        return None
    if found.re is _LETTER_FIRST:
        named = task.options[offered.index(letter)] if task.options else ""
        return letter if _same(f"{letter}. {found['text']}", named) else None
    return letter


def _unmarked(text: str) -> str:
    """A text without emphasis, a box and full-width forms around it."""
    plain = unicodedata.normalize("NFKC", text).strip(_MARKS).rstrip(".")
    while (inner := _BOX.sub(r"\1", plain)) != plain:
        plain = inner.strip(_MARKS).rstrip(".")
    return plain.strip(_MARKS)


def _same(text: str, option: str) -> bool:
    return text.casefold() == option.strip().rstrip(".").casefold()

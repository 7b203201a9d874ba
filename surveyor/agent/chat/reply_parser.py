"""What a model's message means, whatever dialect it was written in."""

from __future__ import annotations

import re
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


def well_formed(text: str) -> str:
    """``text`` with lone surrogates replaced, so that it can be written as UTF-8."""
    return text.encode("utf-8", "replace").decode()


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


_LETTER = re.compile(r"\(?([A-Z])\)?[.:]?", re.ASCII)
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?( ?(m|cm|metres?|meters?|centimet(re|er)s?|m2|m²))?\.?")


def one_answer(answers: list[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The answer that all blocks give, or the mistake of giving none or several; and repairs."""
    different = list(dict.fromkeys(answers))
    if len(different) > 1:
        return {"mistake": "you gave several different answers; give the final one alone"}, ()
    if not different[0]:
        return {"mistake": "the answer was empty; write it between <answer> and </answer>"}, ()
    repeated = ("took an answer that was given several times",) if len(answers) > 1 else ()
    return {"answer": different[0]}, repeated


def bare_answer(text: str, task: Task) -> str | None:
    """``text`` when nothing but an answer of the wanted kind stands in it.

    A letter of the offered options, an option written out in full, or one number with its unit:
    these can't be anything else. Anything longer could be thinking aloud, and is not an answer.
    """
    plain = text.strip().strip("*`$ \n").rstrip(".")
    if task.answer_kind is AnswerKind.NUMBER:
        return plain if _NUMBER.fullmatch(plain) else None
    if task.answer_kind is AnswerKind.CHOICE:
        if any(
            plain.casefold() == option.strip().rstrip(".").casefold() for option in task.options
        ):
            return plain
        letter = _LETTER.fullmatch(plain)
        offered = len(task.options) or 26
        if letter and ord(letter[1]) - ord("A") < offered:
            return letter[1]
    return None

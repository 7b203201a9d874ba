"""Chat messages in the slot language, and a model's tokens back into a chat message.

``encode`` is a pure function of the messages and append-only: a prefix of a conversation gives a
prefix of the tokens, so every turn of an episode trains from one sequence and a server keeps
nothing. About 190 tokens an episode instead of some two thousand and four thousand of schemas.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from surveyor.skills.workflow import Workflow
from surveyor.training.compact.needs import need_tokens
from surveyor.training.compact.results import result_tokens
from surveyor.training.compact.table import Table
from surveyor.training.compact.turns import SpokenTurn, answer_tokens, call_tokens, follow, read
from surveyor.training.compact.vocabulary import END, START, UNKNOWN, WHOLE, Vocabulary
from surveyor.training.rows.records import Chat, text_of

_BLOCK = re.compile(r"^```workflow[ \t]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_OPTION = re.compile(r"^\(?([A-Z])[.):] (.*)$")
_QUESTION = re.compile(r"^Question: (.*)$", re.MULTILINE)
_FRAMES = re.compile(r"^(\d+) (?:frames? of a video|photos?)", re.MULTILINE)
_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
_MARKS = str.maketrans({
    "\u2018": "'", "\u2019": "'", "!": ".", "/": ",", "=": ":", "\u2013": "-", "\u2014": "-",
    "\u2026": ".", '"': " ", "\u201c": " ", "\u201d": " ", "*": " ", "_": " ",
})  # fmt: skip
"""Marks of a question that are read as others; all that matters is where a part of it ends."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """``own`` marks the tokens that the model itself said; ``table`` says what its slots are."""

    tokens: list[str]
    own: list[bool]
    table: Table


def encode(messages: Iterable[Chat], vocabulary: Vocabulary) -> Encoded:
    """A conversation in tokens; takes anything that can be sent and never raises for it."""
    table = Table(vocabulary.known)
    tokens, own = [START], [False]
    calls: dict[str, tuple[str, dict[str, Any]]] = {}
    asked = False

    def add(said: Sequence[str], mine: bool = False) -> None:
        tokens.extend(said)
        own.extend([mine] * len(said))

    for message in messages:
        role = message.get("role")
        if role == "system":
            add(_workflow(text_of(message), table))
        elif role == "user" and not asked:
            asked = True
            add(_question(text_of(message), table))
        elif role == "assistant":
            add(_turn(message, calls, table), mine=True)
        elif role == "tool":
            name, arguments = calls.get(str(message.get("tool_call_id")), ("", {}))
            add(["<res>", *result_tokens(name, arguments, text_of(message), table)])
        else:
            add(["<res>", "<err>"])
    return Encoded(tokens, own, table)


def decode(tokens: Sequence[str], table: Table) -> SpokenTurn:
    """What the model's tokens mean; `ValueError` when they mean nothing."""
    return read(tokens, table)


def without_skill(messages: Iterable[Chat]) -> tuple[Chat, ...]:
    """A conversation whose system message asks for no workflow; the turns are the same.

    An agent that is trained on such episodes looks now in one way and now in another where nobody
    says how: what reinforcement has to choose from.
    """
    return tuple(
        {**message, "content": _BLOCK.sub("", text_of(message))}
        if message.get("role") == "system"
        else message
        for message in messages
    )


def template_words(rows: Iterable[Sequence[Chat]]) -> set[str]:
    """Words of the questions that no call ever named a thing by: the question templates."""
    words: set[str] = set()
    names: set[str] = set()
    for messages in rows:
        for message in messages:
            for call in message.get("tool_calls") or ():
                arguments = json.loads(call["function"]["arguments"])
                for key in ("phrases", "categories", "candidates"):
                    for name in arguments.get(key) or ():
                        names.update(re.findall(r"[A-Za-z][A-Za-z'-]*", name.lower()))
        user = next((m for m in messages if m["role"] == "user"), None)
        found = _QUESTION.search(text_of(user)) if user else None
        if found:
            words.update(re.findall(r"[A-Za-z][A-Za-z'-]*", found[1].lower()))
    return words - names


def _workflow(text: str, table: Table) -> list[str]:
    block = _BLOCK.search(text)
    if block is None:
        return ["<plain>"]
    try:
        way = Workflow.model_validate_json(block[1])
    except ValidationError:
        return ["<plain>"]
    stop = way.stop
    table.way = {
        "W.number": way.frames.number,
        "W.scale_frames": way.scale_frames,
        "W.views": way.support.views,
        "W.share": way.support.share,
        **({"W.first": stop.first, "W.seen": stop.seen} if stop else {}),
    }
    table.join = way.join.value
    fallback = way.fallback
    said = ["<wf>", f"={way.frames.policy.value}", f"={way.restore.value}"]
    said += [f"={way.evidence.value}", f"={way.join.value}", f"={way.scale.value}"]
    said += ["none", "none"] if fallback is None else [
        f".{round(fallback.registered * 100):03d}", f"={fallback.join.value}",
    ]  # fmt: skip
    for slot, value in table.way.items():
        shown = f".{round(value * 100):03d}" if slot == "W.share" else str(int(value))
        said += [slot, shown]
    return said if stop else [*said, "none"]


def _question(text: str, table: Table) -> list[str]:
    frames, question = _FRAMES.search(text), _QUESTION.search(text)
    count = frames[1] if frames and int(frames[1]) <= WHOLE else "0"
    for line in text[question.end() :].split("\n") if question else ():
        option = _OPTION.match(line)
        if option:
            table.options[option[1]] = option[2].strip()
    said = [count, "<q>", *table.say((question[1] if question else text).translate(_MARKS))[:128]]
    for letter, name in table.options.items():
        said += [table.option(letter), table.name(name)]
    return [*said, "<go>"]


def _turn(
    message: Mapping[str, Any], calls: dict[str, tuple[str, dict[str, Any]]], table: Table
) -> list[str]:
    said: list[str] = []
    for call in message.get("tool_calls") or ():
        function = call.get("function", {})
        name, arguments = str(function.get("name")), _arguments(function.get("arguments"))
        calls[str(call.get("id"))] = (name, arguments)
        said += call_tokens(name, arguments, table)
        follow(name, arguments, table)
    text = text_of(dict(message))
    if said:
        need = need_tokens(text, table)
        table.need = need or table.need
        return [*need, *said, END]
    answer = _ANSWER.search(text)
    return ["<ans>", *(answer_tokens(answer[1], table) if answer else [UNKNOWN]), END]


def _arguments(raw: object) -> dict[str, Any]:
    try:
        value = json.loads(raw) if isinstance(raw, str) else raw
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}

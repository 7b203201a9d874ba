"""A model that knows the way: plays recorded episodes as a chat model would have.

With it the whole path of a chat model (prompt, HTTP, dialect, calls, results) is exercised on any
dataset that the program planner can answer, and must end in the very same answers.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.planner import Turn
from surveyor.agent.replay import recorded_turns
from surveyor.core.blobs import sha256_of
from surveyor.core.tasks import Task
from surveyor.memory.episodes import Episode
from tests.support.mock_endpoint import Reply, Request, Script, fails, says


class Manner(StrEnum):
    """How the impersonated model speaks."""

    NATIVE = "native"
    PARALLEL = "parallel native"
    TAGS = "tags"


def chat_config(url: str, manner: Manner) -> ChatConfig:
    """The configuration under which a chat planner can talk to an impersonator.

    Images go by URL, so that the hash of a frame tells scenes with equal questions apart.
    """
    return ChatConfig(
        model="impersonator",
        base_url=url,
        images_base="http://127.0.0.1:9",
        capabilities={
            "dialect": "tags" if manner is Manner.TAGS else "native",
            "max_images": 4096,
        },
    )


def impersonator(recorded: Iterable[tuple[Task, Episode]], manner: Manner) -> Script:
    """A server script that takes each recorded episode's turns when asked its question.

    An episode that was recorded without an answer is played up to where it stopped. What asks no
    question, such as the request before a run, is told that the model is ready.
    """
    known: dict[tuple[str, str], list[Turn]] = {}
    for task, episode in recorded:
        turns = [turn for turn in recorded_turns(episode.events) if turn.mistake is None]
        if manner is Manner.NATIVE:
            turns = [single for turn in turns for single in _one_by_one(turn)]
        frame = task.frames[0].image.sha256 if task.frames else ""
        known[_first_line(f"Question: {task.question}"), frame] = turns

    def script(request: Request) -> Reply:
        question, frame = _asked(request)
        if not question:
            return says("ready")
        turns = known.get((question, frame))
        if turns is None or request.turn >= len(turns):
            return fails(400, "the impersonator does not know this episode")
        return _say(turns[request.turn], manner, ids=f"turn{request.turn}_")

    return script


def _asked(request: Request) -> tuple[str, str]:
    """The question's first line and the hash of the first frame in the opening message."""
    opening = next(m for m in request.json["messages"] if m["role"] == "user")["content"]
    parts: list[dict[str, Any]] = [{"text": opening}] if isinstance(opening, str) else opening
    texts = [_first_line(text) for part in parts for text in part.get("text", "").split("\n\n")]
    links = [part["image_url"]["url"] for part in parts if "image_url" in part]
    question = next((text for text in texts if text.startswith("Question: ")), "")
    return question, _shown(links[0]) if links else ""


def _shown(link: str) -> str:
    """The hash of a picture that was sent by its address or within the request."""
    if not link.startswith("data:"):
        return link.rpartition("/")[2]
    return sha256_of(b64decode(link.partition(",")[2]))


def looker() -> Script:
    """A server script that only looks: its answer is a number that the question and every picture
    it was sent decide, so that other pictures, or the same in another order, change it."""

    def script(request: Request) -> Reply:
        question, _ = _asked(request)
        if not question:
            return says("ready")
        links = [
            part["image_url"]["url"]
            for message in request.json["messages"] if isinstance(message["content"], list)
            for part in message["content"] if "image_url" in part
        ]  # fmt: skip
        seen = sha256_of("".join([question, *map(_shown, links)]).encode())
        return says(f"<answer>{int(seen[:6], 16) % 997 / 100 + len(links):.2f}</answer>")

    return script


def _first_line(text: str) -> str:
    return text.partition("\n")[0].strip()


def _one_by_one(turn: Turn) -> list[Turn]:
    return [Turn(calls=(call,)) for call in turn.calls] or [turn]


def _say(turn: Turn, manner: Manner, ids: str) -> Reply:
    if turn.answer is not None:
        thought = "<think>The evidence is enough.</think>" if manner is Manner.TAGS else ""
        return says(f"{thought}<answer>{turn.answer}</answer>")
    if manner is not Manner.TAGS:
        calls = tuple((call.name, call.raw_arguments) for call in turn.calls)
        return says(calls=calls, ids=ids)
    blocks = "".join(
        f'<tool_call>{{"name": "{call.name}", "arguments": {call.raw_arguments}}}</tool_call>'
        for call in turn.calls
    )
    return says(f"<think>Measure.</think>{blocks}")

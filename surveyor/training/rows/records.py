"""What a training row is, before it is written in anybody's format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Chat = dict[str, Any]
"""One message as an OpenAI-compatible endpoint takes it; an image part's URL is its blob's
sha256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One episode as a conversation, with what a filter asks of it.

    ``messages`` begin with the system message and end with the answer. ``tools`` are OpenAI
    function schemas. ``score`` is the metric's, in 0..1, ``None`` when the run was not scored.
    ``guess`` says that the answer rests on nothing that was seen. ``cost`` is priced seconds.
    ``frames`` are the sha256 of the task's frames, ``exact`` whether the messages are those that
    were sent and sampled (a chat run), or told after the fact (the `program` teacher).
    """

    task_id: str
    epoch: int = 0
    dataset: str
    scene_id: str
    split: str
    question_type: str
    planner: str
    score: float | None = None
    guess: bool = False
    effective: int = 0
    redundant: int = 0
    failed: int = 0
    cost: float = 0.0
    skills: tuple[str, ...] = ()
    workflow: str = ""
    frames: tuple[str, ...] = ()
    exact: bool = False
    messages: tuple[Chat, ...]
    tools: tuple[dict[str, Any], ...] = ()

    @property
    def key(self) -> str:
        """Unique among the rows of one run."""
        return f"{self.task_id}.{self.epoch}"

    @property
    def images(self) -> tuple[str, ...]:
        """Hashes of the pictures in the messages, in order."""
        return tuple(pictures(self.messages))

    @property
    def calls(self) -> int:
        """How many tool calls were made."""
        return self.effective + self.redundant + self.failed


def pictures(messages: tuple[Chat, ...] | list[Chat]) -> Iterator[str]:
    """The URL (for rows: the sha256) of every image part, in order."""
    for message in messages:
        content = message.get("content")
        if isinstance(content, list):
            for part in content:
                if part.get("type") == "image_url":
                    yield str(part["image_url"]["url"])


def text_of(message: Chat) -> str:
    """The text of a message, whether it is a string, parts, or nothing."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""

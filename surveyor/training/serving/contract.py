"""The part of the chat API that small models are served by: requests, replies, refusals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from surveyor.training.rows.records import Chat


class ChatRequest(BaseModel):
    """One request; fields that are not here are refused by name, not ignored.

    ``seed`` makes sampling repeatable. ``return_token_ids`` is vLLM's: the reply then carries the
    ids of prompt and reply.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    messages: tuple[Chat, ...] = Field(min_length=1)
    tools: tuple[dict[str, Any], ...] = ()
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
    temperature: float = Field(default=1.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    seed: int | None = None
    n: int = 1
    stream: bool = False
    stream_options: dict[str, Any] | None = None
    logprobs: bool = False
    top_logprobs: int | None = None
    return_token_ids: bool = False
    user: str | None = None

    @property
    def most(self) -> int | None:
        """The most tokens of a reply, by either of the field's names."""
        return self.max_completion_tokens or self.max_tokens


@dataclass(frozen=True, slots=True)
class SpokenCall:
    """A tool call; ``arguments`` is its JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What a model said, with the ids of its tokens, their texts and log-probabilities (under the
    distribution that was sampled from)."""

    content: str | None
    calls: tuple[SpokenCall, ...]
    finish: str
    prompt_ids: tuple[int, ...]
    ids: tuple[int, ...]
    texts: tuple[str, ...]
    logprobs: tuple[float, ...]


class NotServed(Exception):
    """A request that this server can't carry out; ``status`` is HTTP's."""

    def __init__(self, message: str, status: int = 400, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Backend(Protocol):
    """A model that answers requests, one at a time."""

    @property
    def weights(self) -> str:
        """A hash that names the weights."""
        ...

    def reply(self, request: ChatRequest) -> ModelReply:
        """One reply; `NotServed` for what this model can't take."""
        ...


@dataclass(frozen=True, slots=True)
class Drawn:
    """Sampled ids with their log-probabilities, and whether the end was said."""

    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    ended: bool = False

"""The event schema: one frozen record per line of an episode's log.

Chat messages, progress, metrics, resume, training rows and the viewer are pure functions of these
records. Old logs always load: `SCHEMA_VERSION` grows, and golden files under ``tests/memory``
hold one log of every version.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from surveyor.core.blobs import BlobRef
from surveyor.core.producer import Producer
from surveyor.core.renamed import reads_old

SCHEMA_VERSION = 2


class _Event(BaseModel):
    """``t`` is wall time in seconds since the epoch, ``mono`` a monotonic clock of the writer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: int = SCHEMA_VERSION
    seq: int = 0
    t: float = 0.0
    mono: float = 0.0


class Usage(BaseModel):
    """Tokens of one model call; ``cost`` in US dollars, ``None`` when the price is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cost: float | None = None


class EpisodeStarted(_Event):
    """An attempt at one (task, epoch) begins."""

    _old = reads_old(suite="dataset")

    type: Literal["episode_started"] = "episode_started"
    task_id: str
    epoch: int = 0
    attempt: int = 0
    dataset: str
    scene_id: str
    split: str = "test"
    question_type: str
    question: str
    options: tuple[str, ...] = ()
    planner: str
    task_hash: str = ""
    frames: tuple[str, ...] = ()


class SkillCandidate(BaseModel):
    """One retrieved skill with the parts of its rank; ``used`` when it was shown or executed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    skill: str
    version: str
    score: float
    parts: dict[str, float] = Field(default_factory=dict)
    tokens: int = 0
    used: bool = False


class SkillsRetrieved(_Event):
    """What the skill library offered for this task, and what was taken."""

    type: Literal["skills_retrieved"] = "skills_retrieved"
    snapshot: str
    card: dict[str, JsonValue] = Field(default_factory=dict)
    candidates: tuple[SkillCandidate, ...] = ()


class ModelCall(_Event):
    """One request to a model and what came back.

    ``prompt`` is the hash of the request without pixels; ``images`` are the blobs shown in it.
    ``reasoning`` keeps the provider's reasoning field when there is one. ``sent_bytes`` is the
    size of the request body.

    What training needs lies as blobs in the run's folder, and is empty in older logs: ``settings``
    is the request without its messages, ``sent`` its messages after the first ``shared``, which
    are those of the call before; ``said`` is the reply as the conversation keeps it, ``body`` the
    hash of the request's bytes. ``logprobs`` and ``token_ids`` are of the reply's tokens where the
    endpoint gives them, ``prompt_tokens`` a blob of the prompt's ids after the first
    ``shared_tokens``, which are those of the call before and its reply. ``weights`` is how the
    provider names what answered.
    """

    type: Literal["model_call"] = "model_call"
    model: str
    turn: int
    prompt: str = ""
    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[dict[str, JsonValue], ...] = ()
    images: tuple[str, ...] = ()
    finish: str = ""
    usage: Usage = Usage()
    elapsed: float = 0.0
    waited: float = 0.0
    sent_bytes: int = 0
    repairs: tuple[str, ...] = ()
    settings: str = ""
    shared: int = 0
    sent: tuple[str, ...] = ()
    said: str = ""
    body: str = ""
    logprobs: tuple[float, ...] = ()
    token_ids: tuple[int, ...] = ()
    prompt_tokens: str = ""
    shared_tokens: int = 0
    weights: str = ""


class ToolCall(_Event):
    """The planner asked for a tool. ``raw_arguments`` is the string exactly as it was emitted.
    ``notes`` are what the planner says of the turn, with the first of its calls."""

    type: Literal["tool_call"] = "tool_call"
    turn: int
    call_id: str
    name: str
    raw_arguments: str
    arguments: dict[str, JsonValue] | None = None
    notes: dict[str, str] = Field(default_factory=dict)


class ToolStatus(StrEnum):
    """How a call ended: ``mistake`` is the planner's, ``failed`` is ours (the episode is
    incomplete)."""

    OK = "ok"
    MISTAKE = "mistake"
    FAILED = "failed"


class ToolOutcome(_Event):
    """What a tool answered.

    ``handles`` were made by the call, ``sources`` are the handles that it rests on; together they
    form the evidence graph. ``expert_calls`` counts requests that reached an expert, ``cached``
    those that the cache answered. ``cost`` is priced seconds (see docs).
    """

    type: Literal["tool_result"] = "tool_result"
    turn: int
    call_id: str
    name: str
    status: ToolStatus
    text: str
    data: JsonValue = None
    handles: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    images: tuple[BlobRef, ...] = ()
    producers: tuple[Producer, ...] = ()
    expert_calls: int = 0
    cached: int = 0
    cost: float = 0.0
    elapsed: float = 0.0


class FormatError(_Event):
    """A model turn that was neither a call nor an answer, and the observation it got."""

    type: Literal["format_error"] = "format_error"
    turn: int
    raw: str
    observation: str


class LimitHit(_Event):
    """A limit scope ended the episode."""

    type: Literal["limit_hit"] = "limit_hit"
    limit: str
    value: float
    bound: float


class Answer(_Event):
    """The final answer, with the handles whose numbers it rests on.

    A ``guess`` rests on nothing that was seen or measured, and ``notes`` say why it was made.
    """

    type: Literal["answer"] = "answer"
    turn: int
    text: str
    sources: tuple[str, ...] = ()
    guess: bool = False
    notes: dict[str, str] = Field(default_factory=dict)


class EpisodeStatus(StrEnum):
    """``answered`` and ``limit`` and ``failed`` are final; ``incomplete`` is picked up by
    resume."""

    ANSWERED = "answered"
    LIMIT = "limit"
    FAILED = "failed"
    INCOMPLETE = "incomplete"

    @classmethod
    def _missing_(cls, value: object) -> EpisodeStatus | None:
        return cls.INCOMPLETE if value == "owed" else None  # logs of schema version 1


class EpisodeEnded(_Event):
    """The attempt is over."""

    type: Literal["episode_ended"] = "episode_ended"
    status: EpisodeStatus
    reason: str = ""
    elapsed: float = 0.0


class Score(_Event):
    """A scorer's verdict, kept apart from the episode in ``results.jsonl``."""

    type: Literal["score"] = "score"
    task_id: str
    epoch: int = 0
    scorer: str
    value: float
    status: EpisodeStatus | None = None
    prediction: str = ""
    fields: dict[str, JsonValue] = Field(default_factory=dict)


Event = Annotated[
    EpisodeStarted
    | SkillsRetrieved
    | ModelCall
    | ToolCall
    | ToolOutcome
    | FormatError
    | LimitHit
    | Answer
    | EpisodeEnded
    | Score,
    Field(discriminator="type"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)

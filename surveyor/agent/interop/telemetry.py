"""OpenTelemetry spans from an episode's events: a subscriber, never a part of the loop.

Names follow the generative AI conventions, which are still in development; they stand in this file
alone. No image and, unless asked for, no text leaves the machine this way. Needs the ``otel``
extra, or any SDK that the caller configures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from surveyor.core.errors import UserError
from surveyor.memory.events import (
    EpisodeEnded,
    EpisodeStarted,
    Event,
    ModelCall,
    SkillsRetrieved,
    ToolOutcome,
    ToolStatus,
)

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

Attribute: TypeAlias = str | int | float | bool | list[str]


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """One span; times in seconds since the epoch, ``error`` empty when all went well."""

    name: str
    start: float
    end: float
    attributes: dict[str, Attribute] = field(default_factory=dict)
    error: str = ""


def spans(events: Iterable[Event], *, content: bool = False) -> tuple[SpanRecord, ...]:
    """The spans of one attempt, the episode's own first; ``content`` adds texts to them.

    Its beginning is told by the time of day, all else by the monotonic clock since, so that a
    clock that is set in between makes no span end before it began.
    """
    made: list[SpanRecord] = []
    started: EpisodeStarted | None = None
    for event in events:
        if isinstance(event, EpisodeStarted):
            started, made = event, []
            continue
        if started is not None:
            event = event.model_copy(update={"t": started.t + event.mono - started.mono})
        if isinstance(event, ModelCall | ToolOutcome | SkillsRetrieved):
            made += _child(event, content)
        elif isinstance(event, EpisodeEnded) and started is not None:
            made.insert(0, _root(started, event))
    return tuple(made)


def _root(started: EpisodeStarted, ended: EpisodeEnded) -> SpanRecord:
    attributes: dict[str, Attribute] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": started.planner,
        "surveyor.task.id": started.task_id,
        "surveyor.epoch": started.epoch,
        "surveyor.dataset": started.dataset,
        "surveyor.scene.id": started.scene_id,
        "surveyor.question_type": started.question_type,
        "surveyor.status": ended.status.value,
    }
    failed = ended.status.value in ("incomplete", "failed")
    return SpanRecord(
        f"invoke_agent {started.planner}",
        started.t,
        ended.t,
        attributes,
        ended.reason if failed else "",
    )


def _child(event: ModelCall | ToolOutcome | SkillsRetrieved, content: bool) -> Iterator[SpanRecord]:
    if isinstance(event, ModelCall):
        yield _chat(event, content)
    elif isinstance(event, ToolOutcome):
        yield _tool(event, content)
    else:
        used = [f"{c.skill}@{c.version}" for c in event.candidates if c.used]
        attributes: dict[str, Attribute] = {
            "gen_ai.operation.name": "load_skill",
            "surveyor.skills.snapshot": event.snapshot,
            "surveyor.skills.used": used,
        }
        yield SpanRecord("load_skill", event.t, event.t, attributes)


def _chat(call: ModelCall, content: bool) -> SpanRecord:
    attributes: dict[str, Attribute] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": call.model,
        "gen_ai.response.finish_reasons": [call.finish],
        "surveyor.turn": call.turn,
        "surveyor.waited": call.waited,
        "surveyor.sent_bytes": call.sent_bytes,
        "surveyor.repairs": list(call.repairs),
    }
    known = {
        "gen_ai.usage.input_tokens": call.usage.input_tokens,
        "gen_ai.usage.output_tokens": call.usage.output_tokens,
        "surveyor.usage.cost": call.usage.cost,
    }
    attributes |= {name: value for name, value in known.items() if value is not None}
    if content:
        attributes["surveyor.text"] = call.text
    return SpanRecord(f"chat {call.model}", call.t - call.elapsed, call.t, attributes)


def _tool(outcome: ToolOutcome, content: bool) -> SpanRecord:
    attributes: dict[str, Attribute] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": outcome.name,
        "gen_ai.tool.call.id": outcome.call_id,
        "surveyor.turn": outcome.turn,
        "surveyor.status": outcome.status.value,
        "surveyor.expert_calls": outcome.expert_calls,
        "surveyor.cached": outcome.cached,
    }
    if content:
        attributes["surveyor.text"] = outcome.text
    failed = outcome.status is not ToolStatus.OK
    start = outcome.t - outcome.elapsed
    error = (outcome.text if content else outcome.status.value) if failed else ""
    return SpanRecord(f"execute_tool {outcome.name}", start, outcome.t, attributes, error)


def emit(events: Iterable[Event], tracer: Tracer, *, content: bool = False) -> int:
    """Send one attempt's spans to ``tracer``, children under the episode; how many were sent."""
    try:
        from opentelemetry.trace import Status, StatusCode, set_span_in_context
    except ImportError:
        raise UserError("this needs the otel extra: pip install '.[otel]'") from None
    parent = None
    records = spans(events, content=content)
    ends = []
    for record in records:
        span = tracer.start_span(
            record.name,
            context=parent,
            attributes=record.attributes,
            start_time=int(record.start * 1e9),
        )
        if record.error:
            span.set_status(Status(StatusCode.ERROR, record.error))
        ends.append((span, int(record.end * 1e9)))
        parent = parent or set_span_in_context(span)
    for span, end in reversed(ends):
        span.end(end_time=end)
    return len(records)

"""Writing a run as an Inspect evaluation log (``EvalLog``, version 2, JSON).

Inspect is not needed to write it: the format is documented and versioned, and a test reads our
file back with Inspect where that is installed. Images are named by their hash, never embedded.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from surveyor.memory.episodes import Episode
from surveyor.memory.events import (
    Answer,
    EpisodeStatus,
    FormatError,
    ModelCall,
    Score,
    ToolCall,
    ToolOutcome,
    ToolStatus,
    Usage,
)

_LIMITS = {
    "turns": "turn",
    "tokens": "token",
    "cost": "cost",
    "wall": "time",
    "working": "working",
    "context": "context",
}


@dataclass(frozen=True, slots=True)
class ScoredEpisode:
    """One episode with its scores; ``target`` is the right answer, if it may be published."""

    episode: Episode
    scores: tuple[Score, ...] = ()
    target: str = ""


@dataclass(frozen=True, slots=True)
class RunHeader:
    """What an Inspect log says about the run as a whole."""

    run_id: str
    dataset: str
    model: str
    config: dict[str, Any]
    packages: dict[str, str]


def write_inspect_log(path: Path, header: RunHeader, judged: Iterable[ScoredEpisode]) -> None:
    """Write ``path`` (which must end in ``.json``, or Inspect will not open it)."""
    log = inspect_log(header, tuple(judged))
    path.write_bytes(orjson.dumps(log, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_INDENT_2))


def inspect_log(header: RunHeader, judged: Sequence[ScoredEpisode]) -> dict[str, Any]:
    """The log as a JSON value."""
    samples = [_sample(one) for one in judged]
    first = min((j.episode.started.t for j in judged), default=0.0)
    last = max((e.t for j in judged for e in j.episode.events), default=0.0)
    epochs = 1 + max((j.episode.started.epoch for j in judged), default=0)
    return {
        "version": 2,
        "status": "success" if all(j.episode.done for j in judged) else "cancelled",
        "eval": {
            "eval_id": _short(header.run_id),
            "run_id": header.run_id,
            "created": _when(first),
            "task": header.dataset,
            "task_id": _short(header.dataset),
            "dataset": {
                "name": header.dataset,
                "samples": len({sample["id"] for sample in samples}),
                "sample_ids": list(dict.fromkeys(sample["id"] for sample in samples)),
            },
            "model": header.model,
            "config": {"epochs": epochs},
            "packages": header.packages,
            "metadata": {"surveyor": header.config},
        },
        "plan": {"name": "surveyor", "steps": []},
        "results": {
            "total_samples": len(samples),
            "completed_samples": sum(j.episode.done for j in judged),
            "scores": _scores(judged),
        },
        "stats": {
            "started_at": _when(first),
            "completed_at": _when(last),
            "model_usage": _usage(call for j in judged for call in j.episode.model_calls),
        },
        "samples": samples,
    }


def _sample(judged: ScoredEpisode) -> dict[str, Any]:
    episode, started = judged.episode, judged.episode.started
    messages = _messages(episode)
    sample: dict[str, Any] = {
        "id": started.task_id,
        "epoch": started.epoch + 1,
        "input": started.question,
        "choices": list(started.options) or None,
        "target": judged.target,
        "messages": messages,
        "output": _output(episode, messages),
        "scores": {s.scorer: {"value": s.value, "answer": s.prediction} for s in judged.scores},
        "metadata": {
            "dataset": started.dataset,
            "scene_id": started.scene_id,
            "split": started.split,
            "question_type": started.question_type,
            "frames": list(started.frames),
            "status": episode.status,
        },
        "model_usage": _usage(episode.model_calls),
        "started_at": _when(started.t),
        "completed_at": _when(started.t + episode.elapsed),
        "total_time": episode.elapsed,
        "uuid": _short(f"{started.dataset}/{started.task_id}/{started.epoch}"),
    }
    if episode.limit is not None:
        kind = _LIMITS.get(episode.limit.limit, "custom")
        sample["limit"] = {"type": kind, "limit": episode.limit.bound, "reason": episode.reason}
    if episode.status in (EpisodeStatus.INCOMPLETE, EpisodeStatus.FAILED):
        sample["error"] = {"message": episode.reason, "traceback": "", "traceback_ansi": ""}
    return sample


def _messages(episode: Episode) -> list[dict[str, Any]]:
    """The conversation, with the calls of each turn in the message that made them."""
    started = episode.started
    question = "\n".join((started.question, *started.options))
    messages = [_message(episode, "user", len(started.frames), content=question)]
    calls: dict[int, list[ToolCall]] = defaultdict(list)
    for call in episode.calls:
        calls[call.turn].append(call)
    spoken: set[int] = set()
    for event in episode.events:
        if isinstance(event, ModelCall | ToolCall | Answer) and event.turn not in spoken:
            spoken.add(event.turn)
            messages.append(_assistant(episode, event, calls[event.turn]))
        if isinstance(event, ToolOutcome):
            messages.append(_tool(episode, event))
        elif isinstance(event, FormatError):
            messages.append(_message(episode, "user", event.seq, content=event.observation))
    return messages


def _assistant(
    episode: Episode, event: ModelCall | ToolCall | Answer, calls: list[ToolCall]
) -> dict[str, Any]:
    content: str | list[dict[str, str]] = event.text if not isinstance(event, ToolCall) else ""
    if isinstance(event, ModelCall) and event.reasoning:
        content = [
            {"type": "reasoning", "reasoning": event.reasoning},
            {"type": "text", "text": event.text},
        ]
    message = _message(episode, "assistant", event.seq, content=content)
    if calls:
        message["tool_calls"] = [
            {
                "id": call.call_id,
                "function": call.name,
                "arguments": call.arguments or {},
                "type": "function",
                "parse_error": None if call.arguments is not None else call.raw_arguments,
            }
            for call in calls
        ]
    return message


def _tool(episode: Episode, outcome: ToolOutcome) -> dict[str, Any]:
    shown = "".join(f"\n[image {ref.sha256[:12]}]" for ref in outcome.images)
    message = _message(episode, "tool", outcome.seq, content=outcome.text + shown)
    message |= {"tool_call_id": outcome.call_id, "function": outcome.name}
    if outcome.status is not ToolStatus.OK:
        kind = "parsing" if outcome.status is ToolStatus.MISTAKE else "unknown"
        message["error"] = {"type": kind, "message": outcome.text}
    return message


def _message(episode: Episode, role: str, seq: int, **fields: Any) -> dict[str, Any]:
    started = episode.started
    return {"id": _short(f"{started.task_id}/{started.epoch}/{role}/{seq}"), "role": role, **fields}


def _output(episode: Episode, messages: list[dict[str, Any]]) -> dict[str, Any]:
    calls = episode.model_calls
    model = calls[-1].model if calls else episode.started.planner
    last = next((m for m in reversed(messages) if m["role"] == "assistant"), None)
    if last is None or episode.answer is None:
        return {"model": model, "choices": []}
    final = {"id": last["id"] + "a", "role": "assistant", "content": episode.answer}
    return {
        "model": model,
        "choices": [{"message": final, "stop_reason": "stop"}],
        "completion": episode.answer,
    }


def _scores(judged: Sequence[ScoredEpisode]) -> list[dict[str, Any]]:
    """Means over everything that was scheduled: an episode without a score counts as 0."""
    names = dict.fromkeys(score.scorer for j in judged for score in j.scores)
    rows = []
    for name in names:
        values = [s.value for j in judged for s in j.scores if s.scorer == name]
        mean = sum(values) / len(judged)
        rows.append(
            {
                "name": name,
                "scorer": name,
                "scored_samples": len(values),
                "unscored_samples": len(judged) - len(values),
                "metrics": {"mean": {"name": "mean", "value": mean}},
            }
        )
    return rows


def _usage(calls: Iterable[ModelCall]) -> dict[str, dict[str, Any]]:
    by_model: dict[str, list[Usage]] = defaultdict(list)
    for call in calls:
        by_model[call.model].append(call.usage)
    return {model: _total(usages) for model, usages in by_model.items()}


def _total(usages: list[Usage]) -> dict[str, Any]:
    given = sum(u.input_tokens or 0 for u in usages)
    made = sum(u.output_tokens or 0 for u in usages)
    costs = [u.cost for u in usages]
    known = [cost for cost in costs if cost is not None]
    return {
        "input_tokens": given,
        "output_tokens": made,
        "total_tokens": given + made,
        "input_tokens_cache_read": sum(u.cached_tokens or 0 for u in usages),
        "total_cost": sum(known) if len(known) == len(costs) else None,
    }


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:22]

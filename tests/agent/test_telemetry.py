"""Spans: one an episode, one a model call, one a tool call, no pictures and no words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent.interop.telemetry import emit, spans
from agent.planner import Turn
from agent.scripted import ScriptedPlanner, turns
from memory.events import Event, ModelCall, Usage
from memory.log import EpisodeLog, read_events
from tests.support.agent_stage import play
from tools.spec import CallRequest


@pytest.fixture
def events(tmp_path: Path) -> list[Event]:
    model = ModelCall(
        model="m", turn=0, text="secret", elapsed=0.5, usage=Usage(input_tokens=7), finish="stop"
    )
    script = turns(
        Turn(calls=(CallRequest("a", "sum", '{"a":1,"b":2}'), CallRequest("b", "sum", "{}"))),
        Turn(answer="A", model=model),
    )
    _, log = asyncio.run(play(ScriptedPlanner(script), tmp_path))
    with EpisodeLog(tmp_path / "e.jsonl") as file:
        for event in log.events:
            file.append(event)
    return list(read_events(tmp_path / "e.jsonl"))


def test_each_event_of_weight_is_a_span_with_its_conventional_names(events: list[Event]) -> None:
    root, first, second, chat = spans(events)
    assert root.name == "invoke_agent scripted"
    assert root.attributes["surveyor.task.id"] == "t1"
    assert first.attributes["gen_ai.tool.call.id"] == "a"
    assert (first.error, second.error) == ("", "mistake")
    assert chat.attributes["gen_ai.usage.input_tokens"] == 7
    assert "surveyor.usage.cost" not in chat.attributes
    assert chat.end - chat.start == pytest.approx(0.5, abs=1e-3)
    assert root.start <= first.start
    assert root.end >= chat.end


def test_words_stay_at_home_unless_asked_for(events: list[Event]) -> None:
    assert "secret" not in repr(spans(events))
    assert "secret" in repr(spans(events, content=True))


def test_a_real_tracer_gets_children_under_their_episode(events: list[Event]) -> None:
    sdk: Any = pytest.importorskip("opentelemetry.sdk.trace", reason="no OpenTelemetry SDK")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    assert emit(events, provider.get_tracer("surveyor")) == 4
    finished = {span.name: span for span in exporter.get_finished_spans()}
    root = finished["invoke_agent scripted"]
    assert finished["chat m"].parent.span_id == root.context.span_id
    assert root.parent is None

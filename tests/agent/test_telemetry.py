"""Spans: one an episode, one a model call, one a tool call, no pictures and no words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from surveyor.agent.interop.telemetry import emit, spans
from surveyor.agent.interop.tracing import EpisodeSpans, otlp_tracer, traces_url
from surveyor.agent.planner import Turn
from surveyor.agent.scripted import ScriptedPlanner, turns
from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.memory.events import Event, ModelCall, Usage
from surveyor.memory.log import EpisodeLog, read_events
from surveyor.tools.spec import CallRequest
from tests.support.agent_stage import make_task, play
from tests.support.openai_server import RehearsalServer, Reply


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


def test_a_clock_that_is_set_back_in_mid_episode_moves_no_span(events: list[Event]) -> None:
    told = spans(events)
    back = [event.model_copy(update={"t": event.t - 3600}) for event in events[1:]]
    for before, after in zip(told, spans([events[0], *back]), strict=True):
        assert after.start == pytest.approx(before.start, abs=1e-3)
        assert after.end == pytest.approx(before.end, abs=1e-3)


def test_words_stay_at_home_unless_asked_for(events: list[Event]) -> None:
    assert "secret" not in repr(spans(events))
    assert "secret" in repr(spans(events, content=True))


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://localhost:4318", "http://localhost:4318/v1/traces"),
        ("https://collector.example/", "https://collector.example/v1/traces"),
        ("http://host:4318/custom/path", "http://host:4318/custom/path"),
    ],
)
def test_a_collectors_base_url_is_completed(endpoint: str, url: str) -> None:
    assert traces_url(endpoint) == url


@pytest.mark.parametrize("endpoint", ["localhost:4318", "console", "ftp://x", "http://"])
def test_what_is_no_collector_is_said_before_the_run(endpoint: str) -> None:
    with pytest.raises(UserError, match="not a collector"):
        traces_url(endpoint)


def test_a_run_sends_each_attempt_once_as_it_ends(events: list[Event], tmp_path: Path) -> None:
    sdk: Any = pytest.importorskip("opentelemetry.sdk.trace", reason="no OpenTelemetry SDK")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    watching = EpisodeSpans(lambda _task, _epoch: tmp_path / "e.jsonl", provider.get_tracer("s"))
    with EpisodeLog(tmp_path / "e.jsonl") as again:
        for event in events:
            again.append(event)
    task = make_task(BlobStore(tmp_path / "blobs"))
    watching.started(None)
    watching.ended(task, 0, None, None)
    watching.finished(None)
    names = [span.name for span in exporter.get_finished_spans()]
    assert watching.sent == len(names) == 4, "the earlier attempt was sent when it ended"
    assert names.count("invoke_agent scripted") == 1


def test_spans_reach_a_collector_over_http(events: list[Event], tmp_path: Path) -> None:
    name = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    pytest.importorskip(name, reason="no OTLP exporter")
    with RehearsalServer(lambda _request: Reply(b"")) as collector:
        base = collector.url.removesuffix("/v1")
        with otlp_tracer(base) as tracer:
            assert emit(events, tracer) == 4
    (request,) = collector.requests
    assert request.path == "/v1/traces"
    assert request.headers["content-type"] == "application/x-protobuf"
    assert b"invoke_agent scripted" in request.body
    assert b"secret" not in request.body


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

"""A run's spans, sent while it goes on: a subscriber that reads each episode's finished log.

Nothing waits for the collector. Spans are queued and sent by the SDK's own thread, and a collector
that is away costs spans, never an episode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from surveyor.agent.interop.telemetry import emit
from surveyor.core.errors import UserError
from surveyor.memory.log import read_events

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from surveyor.core.tasks import Task

_TRACES = "/v1/traces"


class EpisodeSpans:
    """Emits the spans of every attempt as it ends; fits
    `surveyor.benchmarks.run.progress.Subscriber`.

    ``path_of`` says where the log of a (task id, epoch) lies.
    """

    def __init__(self, path_of: Callable[[str, int], Path], tracer: Tracer) -> None:
        self._path_of = path_of
        self._tracer = tracer
        self.sent = 0

    def started(self, progress: object) -> None:
        """Nothing has happened yet."""

    def ended(self, task: Task, epoch: int, ended: object, progress: object) -> None:
        """Send the attempt that just ended."""
        self.sent += emit(read_events(self._path_of(task.id, epoch)), self._tracer)

    def finished(self, progress: object) -> None:
        """Everything was sent when it happened."""


@contextmanager
def otlp_tracer(endpoint: str) -> Iterator[Tracer]:
    """A tracer that sends to an OTLP collector over HTTP; what is queued is sent at the end.

    ``endpoint`` is the collector's base URL (``http://localhost:4318``) or its full traces URL.
    Raises `UserError` for what is no URL, and when the ``otel`` extra is not installed.
    """
    url = traces_url(endpoint)
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise UserError("--otel needs the otel extra: pip install '.[otel]'") from None
    provider = TracerProvider(resource=Resource.create({"service.name": "surveyor"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
    try:
        yield provider.get_tracer("surveyor")
    finally:
        provider.shutdown()


def traces_url(endpoint: str) -> str:
    """Where spans are posted: a base URL is completed, a full one is taken as it is."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UserError(
            f"--otel {endpoint!r} is not a collector's address; give one such as "
            "http://localhost:4318"
        )
    return endpoint if parts.path.strip("/") else endpoint.rstrip("/") + _TRACES

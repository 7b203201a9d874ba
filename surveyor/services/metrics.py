"""What a service counts: Prometheus metrics, and exact quantiles of its recent latencies."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from surveyor.services.batcher import BatchReport
from surveyor.services.guards import App, Message, Receive, Scope, Send

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)
_SIZES = (1, 2, 4, 8, 16, 32, 64)
_RECENT = 1024


class Metrics:
    """One registry for one service; nothing is global, so tests can build many."""

    def __init__(self, expert: str) -> None:
        self.registry = CollectorRegistry()
        name, labels = "surveyor_requests_total", ("route", "code")
        self._requests = Counter(
            name, "answers by route and status", labels, registry=self.registry
        )
        self._latency = self._histogram("surveyor_request_seconds", "time to answer", _SECONDS)
        self._waits = self._histogram("surveyor_queue_seconds", "wait before a batch", _SECONDS)
        self._forward = self._histogram("surveyor_forward_seconds", "time in the model", _SECONDS)
        self._sizes = self._histogram("surveyor_batch_size", "items in a batch", _SIZES)
        self._quantiles = Gauge(
            "surveyor_recent_seconds",
            f"latency quantiles of the last {_RECENT} expert requests",
            ("quantile",),
            registry=self.registry,
        )
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self._route = f"/v1/{expert}"

    def watch_depth(self, depth: Callable[[], int]) -> None:
        """Publish a queue's depth."""
        gauge = Gauge("surveyor_queue_depth", "items waiting", registry=self.registry)
        gauge.set_function(depth)

    def watch_gpu(self) -> None:
        """Publish the GPU memory that the model of this process holds."""
        gauge = Gauge("surveyor_gpu_memory_bytes", "GPU memory in use", registry=self.registry)
        gauge.set_function(_gpu_memory)

    def batch(self, report: BatchReport) -> None:
        """Count one finished batch."""
        self._sizes.observe(report.size)
        self._forward.observe(report.seconds)
        for wait in report.waits:
            self._waits.observe(wait)

    def request(self, path: str, code: int, seconds: float) -> None:
        """Count one answer; paths are folded into few labels."""
        route = _template(path, self._route)
        self._requests.labels(route, str(code)).inc()
        if route == self._route and code < 500:
            self._latency.observe(seconds)
            self._recent.append(seconds)

    def text(self) -> bytes:
        """The exposition that Prometheus scrapes."""
        for share in (0.5, 0.99):
            self._quantiles.labels(str(share)).set(self.quantile(share))
        return generate_latest(self.registry)

    def quantile(self, share: float) -> float:
        """Latency in seconds below which ``share`` of the recent requests stayed; 0 when none."""
        ordered = sorted(self._recent)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, text, buckets=buckets, registry=self.registry)


class Measured:
    """Outermost ASGI layer: every answer is counted, refusals included."""

    def __init__(self, app: App, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        code = 500

        async def noting(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            self._metrics.request(scope["path"], code, time.perf_counter() - began)


def _gpu_memory() -> float:
    """Bytes that torch has allocated; 0 where an adapter has not loaded it."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return 0.0
    return float(torch.cuda.memory_allocated())


def _template(path: str, expert_route: str) -> str:
    if path.startswith("/v1/blobs/"):
        return "/v1/blobs/{sha256}"
    known = (expert_route, "/healthz", "/readyz", "/v1/info", "/metrics", "/docs", "/openapi.json")
    return path if path in known else "other"

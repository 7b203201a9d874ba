"""One expert at work: load, prove it with a real request, then answer until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Coroutine
from typing import Any

from pydantic import BaseModel

from surveyor.core.errors import InfrastructureError, UserError
from surveyor.services.artifacts import ArtifactWriter, BlobWriter
from surveyor.services.batcher import Batcher
from surveyor.services.blob_resolver import BlobResolver
from surveyor.services.contract import ErrorCode, ExpertAnswer
from surveyor.services.errors import ExpertError, out_of_memory
from surveyor.services.expert import AnyExpert
from surveyor.services.images import Images
from surveyor.services.metrics import Metrics
from surveyor.services.preparing import WatchedPool
from surveyor.services.recording import WireRecorder
from surveyor.services.settings import Settings

_LOG = logging.getLogger(__name__)


class Service:
    """Joins an adapter, its batcher, the blobs and the thread pool for CPU work."""

    def __init__(self, expert: AnyExpert, settings: Settings) -> None:
        self.expert = expert
        self.settings = settings
        self.blobs = BlobResolver.at(settings.blob_dir, settings.blob_folders)
        self.images = Images(
            self.blobs,
            max_pixels=settings.limits.pixels,
            request_pixels=settings.limits.request_pixels,
        )
        self.metrics = Metrics(expert.name)
        self.failure: Exception | None = None
        self.failed = asyncio.Event()
        self._ready = False
        self._recorder: WireRecorder | None = None
        self._batcher: Batcher[object, object] = Batcher(
            expert.forward_batch,
            max_batch=settings.batching.max_batch or expert.max_batch,
            wait=settings.batching.wait,
            capacity=settings.batching.queue,
            report=self.metrics.batch,
        )
        self.metrics.watch_depth(lambda: self._batcher.depth)
        if settings.device.startswith("cuda"):
            self.metrics.watch_gpu()
        self._pool = WatchedPool(min(4, os.cpu_count() or 1))
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def ready(self) -> bool:
        """A real inference succeeded, and nothing keeps the next one from being begun."""
        return self._ready and not self.stuck and not self.blocked

    @property
    def loaded_well(self) -> bool:
        """A real inference succeeded, whatever happened since."""
        return self._ready

    @property
    def stuck(self) -> bool:
        """A batch, or one request's preparation, takes longer than any should."""
        return max(self._batcher.running_for(), self._pool.longest) > self.settings.batching.stuck

    @property
    def blocked(self) -> bool:
        """Every preparing thread has been at one request for so long that new ones only wait."""
        return self._pool.blocked > self.settings.batching.blocked

    def start(self) -> None:
        """Begin to load in the background; call inside a running event loop."""
        self._tasks = [asyncio.create_task(self._batcher.run()), asyncio.create_task(self._load())]

    async def stop(self) -> None:
        """Let go of threads and tasks; callers that still wait are told so."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._batcher.close()
        self._pool.close()
        if self._recorder is not None:
            self._recorder.close()

    async def loaded(self) -> None:
        """Wait until loading ended, well or badly (see ``failure``)."""
        if self._tasks:
            await asyncio.wait([self._tasks[1]])

    async def ask(
        self,
        request: BaseModel,
        gone: Coroutine[Any, Any, None],
        deadline: float,
        artifacts: ArtifactWriter,
    ) -> ExpertAnswer:
        """Answer one request within ``deadline`` seconds.

        ``gone`` completes when the caller has hung up: the work is then dropped.
        """
        if not self._ready:
            gone.close()
            raise self._not_ready()
        work = asyncio.create_task(self._answer(request, artifacts))
        leaving = asyncio.create_task(gone)
        try:
            await asyncio.wait(
                {work, leaving}, timeout=deadline, return_when=asyncio.FIRST_COMPLETED
            )
            if work.done():
                return work.result()
            raise ExpertError(ErrorCode.DEADLINE, f"no answer within {deadline:g} s")
        finally:
            work.cancel()
            leaving.cancel()

    def _not_ready(self) -> ExpertError:
        if self.failure is not None:
            return ExpertError(ErrorCode.INTERNAL, f"this expert could not load: {self.failure}")
        return ExpertError(ErrorCode.BUSY, "this expert is still loading", retry_after=1)

    async def _load(self) -> None:
        try:
            await self._batcher.on_worker(lambda: self.expert.load(self.settings))
            await self._answer(self.expert.probe(), BlobWriter(self.blobs))
            if self.settings.record is not None:
                self._recorder = WireRecorder(self.settings.record, self.expert.info(), self.blobs)
            self._ready = True
        except Exception as error:  # noqa: BLE001 - kept for /readyz and the worker's exit code
            _LOG.error("expert %s cannot load: %s", self.expert.name, error)
            cause = error.__cause__
            self.failure = cause if isinstance(cause, UserError) else error
            self.failed.set()

    async def _answer(self, request: BaseModel, artifacts: ArtifactWriter) -> ExpertAnswer:
        """The four stations; what escapes here is an `ExpertError` or a full disk."""
        expert = self.expert
        try:
            item = await self._pool.run(
                lambda: expert.preprocess(request, self.images.for_request())
            )
            raw = await self._batcher.submit(item, expert.group(item))
            return await self._pool.run(lambda: self._finish(request, item, raw, artifacts))
        except (ExpertError, InfrastructureError):
            raise
        except MemoryError as error:
            _LOG.error("expert %s ran out of memory on a request", expert.name)
            raise out_of_memory() from error
        except Exception as error:
            ours = not isinstance(error, UserError)  # of files, its sentence says enough
            _LOG.error("expert %s failed on a request", expert.name, exc_info=ours)
            message = f"the expert failed on this request ({type(error).__name__}: {error})"
            raise ExpertError(ErrorCode.INTERNAL, message[:500]) from error

    def _finish(
        self, request: BaseModel, item: object, raw: object, artifacts: ArtifactWriter
    ) -> ExpertAnswer:
        answer = self.expert.postprocess(request, item, raw, artifacts)
        if self._recorder is not None:
            self._recorder.record(request, answer)
        return answer

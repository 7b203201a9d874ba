"""Reference experts inside this process, behind the same apps that serve them over HTTP.

Requests go through the very routes, validation, batching and encoding of `surveyor.services.app`;
only the socket is missing. An answer is therefore the same to the byte, which a test checks. With
answers cached by content, trying many workflows on the same scenes asks each expert each thing
once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2

from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import BLOBS
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.services.app import build_app
from surveyor.services.contract import Endpoints, ExpertEndpoint
from surveyor.services.reference.base import ReferenceExpert, WorldCache
from surveyor.services.registry import experts_of, make_expert
from surveyor.services.settings import Batching, Settings
from surveyor.tools.cache import ResultCache
from surveyor.tools.endpoints import FixedEndpoints
from surveyor.tools.evidence_store import EvidenceStore
from surveyor.tools.experts import ExpertClient
from surveyor.tools.prices import PriceList

_KEEP_FRAMES = 128  # all of a scene, for every expert at once


class _Switchboard(httpx2.AsyncBaseTransport):
    """Sends a request to the app that its host names."""

    def __init__(self, apps: dict[str, httpx2.ASGITransport]) -> None:
        self._apps = apps

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._apps[request.url.host].handle_async_request(request)


@asynccontextmanager
async def experts_in_process(
    datasets: Sequence[Path],
    work: Path,
    *,
    preset: str = "realistic",
    seed: int = 0,
    experts: Sequence[str] | None = None,
    shelf: WorldCache | None = None,
    prices: PriceList | None = None,
) -> AsyncIterator[ExpertClient]:
    """A client of reference experts for these datasets; ``work`` keeps blobs, cached answers and
    what was joined from them.

    ``shelf``: one of the same datasets that others have used before, to go on with what it holds.
    """
    blob_folders = tuple(path / BLOBS for path in datasets)
    settings = Settings(
        blob_dir=work / "blobs",
        blob_folders=blob_folders,
        datasets=tuple(datasets),
        preset=preset,
        seed=seed,
        batching=Batching(wait=0.0),
    )
    names = tuple(experts or experts_of("reference"))
    shelf = shelf or WorldCache(tuple(datasets), keep_frames=_KEEP_FRAMES)
    async with AsyncExitStack() as stack:
        apps: dict[str, httpx2.ASGITransport] = {}
        for name in names:
            expert = make_expert(name, "reference")
            assert isinstance(expert, ReferenceExpert)
            expert.cache = shelf
            app = build_app(expert, settings)
            await stack.enter_async_context(app.router.lifespan_context(app))
            service = app.state.service
            await service.loaded()
            if isinstance(service.failure, UserError):
                raise service.failure
            if service.failure is not None:
                raise InfrastructureError(f"the {name} expert did not start: {service.failure}")
            apps[name] = httpx2.ASGITransport(app=app)
        client = ExpertClient(
            FixedEndpoints(_endpoints(names)),
            BlobStore(work / "blobs"),
            ResultCache(work / "answers.sqlite"),
            originals=tuple(BlobStore(path) for path in blob_folders),
            evidence=EvidenceStore(work / "evidence"),
            prices=prices,
            transport=_Switchboard(apps),
        )
        stack.push_async_callback(client.aclose)
        yield client


def _endpoints(names: Sequence[str]) -> Endpoints:
    return Endpoints(
        supervisor=0,
        experts=tuple(
            ExpertEndpoint(expert=name, url=f"http://{name}", pid=0, backend="reference")
            for name in names
        ),
    )

"""One app factory for every expert: the same routes, guards and errors, whatever answers."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from starlette.routing import Router

from surveyor.core.tensors import MEDIA_TYPE, pack
from surveyor.services.artifacts import BlobWriter, TensorWriter
from surveyor.services.blob_routes import blob_routes
from surveyor.services.contract import (
    ANSWERS,
    CONTRACT_VERSION,
    REQUESTS,
    ErrorCode,
    ExpertAnswer,
    Info,
    Problem,
)
from surveyor.services.docs_page import POLICY, page
from surveyor.services.errors import ExpertError
from surveyor.services.expert import AnyExpert
from surveyor.services.guards import (
    App,
    BearerToken,
    BodyLimit,
    KnownHost,
    QuietEnd,
    Receive,
    Scope,
    Send,
)
from surveyor.services.metrics import Measured
from surveyor.services.problems import install
from surveyor.services.service import Service
from surveyor.services.settings import Settings

DEADLINE_HEADER = "X-Request-Timeout"
_JSON = "application/json"
_LOADS, _HANGS = "this expert is still loading", "a request hangs here"
_BLOCKED = "every thread that prepares requests is busy with one that takes long"
_PROBLEMS = {
    400: "the body is not JSON text in UTF-8",
    404: "unknown blob or scene",
    408: "the body did not arrive in time",
    413: "body or images too large",
    421: "called by a name that is not this service's",
    422: "the request is not valid",
    503: "busy or loading; see Retry-After",
    504: "no answer before the deadline",
}


def build_app(expert: AnyExpert, settings: Settings) -> FastAPI:
    """The ASGI app of one expert. It loads in the background once the server has started;
    `app.state.service` is the `Service` behind it."""
    service = Service(expert, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await service.stop()

    app = FastAPI(
        title=f"Surveyor expert: {expert.name}",
        version=CONTRACT_VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(HTTPBearer(auto_error=False))] if settings.token else [],
    )
    app.state.service = service
    install(app)
    app.include_router(blob_routes(service.blobs))
    _add_question(app, service)
    _add_status(app, service)
    app.add_middleware(BodyLimit, limits=settings.limits)
    if settings.token:
        app.add_middleware(BearerToken, token=settings.token)
    if settings.hosts:
        app.add_middleware(KnownHost, hosts=settings.hosts)
    app.add_middleware(QuietEnd)
    app.add_middleware(Measured, metrics=service.metrics)
    return app


def by_port(apps: Mapping[int, FastAPI]) -> App:
    """One app of several, told apart by the port at which a request came in; they start and end
    together."""

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for app in apps.values():
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    together = Router(lifespan=lifespan)

    async def chosen(scope: Scope, receive: Receive, send: Send) -> None:
        app = together if scope["type"] == "lifespan" else apps[scope["server"][1]]
        await app(scope, receive, send)

    return chosen


def _add_question(app: FastAPI, service: Service) -> None:
    name = service.expert.name
    request_type, answer_type = REQUESTS[name], ANSWERS[name]

    async def ask(request: Request, body: BaseModel) -> Response:
        deadline = _deadline(request, service.settings.limits.deadline)
        _check_images(body, service.settings.limits.images)
        if MEDIA_TYPE in request.headers.get("accept", ""):
            tensors = TensorWriter(service.blobs, keep=service.settings.record is not None)
            answer = await service.ask(body, _hung_up(request), deadline, tensors)
            packed = pack(tensors.tensors, answer.model_dump_json())
            return Response(packed, media_type=MEDIA_TYPE)
        blobs = BlobWriter(service.blobs)
        answer = await service.ask(body, _hung_up(request), deadline, blobs)
        return Response(answer.model_dump_json(), media_type=_JSON)

    ask.__annotations__["body"] = request_type
    ask.__annotations__["request"] = Request
    app.add_api_route(
        f"/v1/{name}",
        ask,
        methods=["POST"],
        operation_id=name,
        summary=(request_type.__doc__ or name).strip().split("\n")[0],
        description=answer_type.__doc__ or "",
        response_class=Response,
        responses=_documented(answer_type),
        tags=["expert"],
    )


def _add_status(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", tags=["status"], responses={503: {"model": Problem}})
    async def healthz() -> dict[str, str]:
        """The process is alive and nothing hangs in it."""
        if service.stuck:
            raise ExpertError(ErrorCode.BUSY, _HANGS, retry_after=1)
        return {"status": "alive"}

    @app.get("/readyz", tags=["status"], responses={503: {"model": Problem}})
    async def readyz() -> dict[str, str]:
        """A real inference has succeeded here, and the next request would be begun at once."""
        if service.failure is not None:
            message = f"this expert could not load: {service.failure}"
            raise ExpertError(ErrorCode.INTERNAL, message, status=503)
        if not service.ready:
            message = _LOADS
            if service.loaded_well:
                message = _HANGS if service.stuck else _BLOCKED
            raise ExpertError(ErrorCode.BUSY, message, retry_after=1)
        return {"status": "ready"}

    @app.get("/v1/info", tags=["status"], responses={503: {"model": Problem}})
    async def info() -> Info:
        """Model, revision, licence, limits and device."""
        if not service.loaded_well:
            raise ExpertError(ErrorCode.BUSY, _LOADS, retry_after=1)
        limits = service.settings.limits
        told = service.expert.info()
        shared = limits.model_dump(include={"body_bytes", "pixels", "request_pixels", "images"})
        return told.model_copy(update={"limits": {**shared, **told.limits}})

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        """Every request and answer, on a page that needs no network."""
        base = request.scope.get("root_path", "").rstrip("/")
        return HTMLResponse(page(app.openapi(), base), headers={"Content-Security-Policy": POLICY})

    @app.get("/metrics", tags=["status"], response_class=Response)
    async def metrics() -> Response:
        """Prometheus exposition."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")


def _documented(answer_type: type[ExpertAnswer]) -> dict[int | str, dict[str, object]]:
    problems: dict[int | str, dict[str, object]] = {
        status: {"model": Problem, "description": text} for status, text in _PROBLEMS.items()
    }
    tensors = {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"model": answer_type, "content": tensors}, **problems}


def _check_images(body: BaseModel, most: int) -> None:
    count = len(getattr(body, "images", ()))
    if count > most:
        message = f"{count} images in one request; this service takes at most {most}"
        raise ExpertError(ErrorCode.TOO_LARGE, message, field="images")


def _deadline(request: Request, most: float) -> float:
    """Seconds that the client is willing to wait, at most the service's own limit."""
    text = request.headers.get(DEADLINE_HEADER)
    if text is None:
        return most
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds > 0:
        message = f"{DEADLINE_HEADER} is the number of seconds that you wait, not {text[:40]!r}"
        raise ExpertError(ErrorCode.BAD_INPUT, message, field=DEADLINE_HEADER)
    return min(seconds, most)


async def _hung_up(request: Request) -> None:
    """Completes when the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass

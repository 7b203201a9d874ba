"""Every failure leaves as a `Problem`: one boundary for the whole service."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from surveyor.core.errors import InfrastructureError
from surveyor.core.wording import plain
from surveyor.services.contract import ErrorCode
from surveyor.services.errors import ExpertError, out_of_memory

_LOG = logging.getLogger(__name__)


def problem_response(error: ExpertError, headers: Mapping[str, str] | None = None) -> Response:
    """The HTTP answer for an error."""
    sent = dict(headers or {})
    if error.retry_after is not None:
        sent["Retry-After"] = str(error.retry_after)
    body = error.problem().model_dump_json()
    return Response(body, error.status, sent, media_type="application/json")


def install(app: FastAPI) -> None:
    """Turn everything that a route may raise into a `Problem`."""
    app.add_exception_handler(ExpertError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(InfrastructureError, _storage)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(MemoryError, _memory)
    app.add_exception_handler(Exception, _bug)


async def _expected(_: Request, error: Exception) -> Response:
    assert isinstance(error, ExpertError)
    return problem_response(error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    if (whole := _no_object(request.headers.get("content-type", ""), errors[0])) is not None:
        return problem_response(ExpertError(ErrorCode.BAD_INPUT, whole))
    return problem_response(explain_validation(errors))


def _no_object(content_type: str, first: Any) -> str | None:
    """What is wrong with a body that is no JSON object, whatever the fields are; else None."""
    if first["type"] == "json_invalid":
        return "the body is not JSON; send one JSON object, see /docs"
    if tuple(first["loc"]) != ("body",):
        return None
    if first["type"] == "missing":
        return "the body is empty; send one JSON object, see /docs"
    if "json" not in content_type.lower():
        return "the body was not read; send JSON with the header content-type: application/json"
    return "the body is JSON but no object; send one with the fields that /docs names"


async def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path, method = request.url.path, request.method
    if error.status_code == 405:
        message = f"{path} does not answer {method}; see /docs"
        answer = ExpertError(ErrorCode.NOT_FOUND, message, status=405)
    elif error.status_code == 404:
        answer = ExpertError(ErrorCode.NOT_FOUND, f"there is nothing at {path}; see /docs")
    elif error.status_code == 400:
        message = f"the body of {method} {path} is not JSON text in UTF-8"
        answer = ExpertError(ErrorCode.BAD_INPUT, message, status=400)
    else:
        status = error.status_code
        answer = ExpertError(ErrorCode.BAD_INPUT, str(error.detail), status=status)
    return problem_response(answer, error.headers)


async def _storage(_: Request, error: Exception) -> Response:
    _LOG.error("storage failed: %s", error)
    message = "the service cannot store blobs: its disk is full or not writable"
    return problem_response(ExpertError(ErrorCode.DISK_FULL, message))


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it; it is counted


async def _memory(request: Request, _: Exception) -> Response:
    _LOG.error("out of memory in %s", request.url.path)
    return problem_response(out_of_memory())


async def _bug(request: Request, error: Exception) -> Response:
    _LOG.error("unexpected failure in %s", request.url.path, exc_info=error)
    message = f"the expert failed unexpectedly ({type(error).__name__}); its log says more"
    return problem_response(ExpertError(ErrorCode.INTERNAL, message))


def explain_validation(errors: Sequence[Any]) -> ExpertError:
    """One sentence from the first complaint of pydantic, with the name of the field."""
    first = errors[0]
    parts = [str(part) for part in first["loc"] if part != "body"]
    field = ".".join(part for part in parts if not part.startswith("Image")) or None
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    where = f"{field}: " if field else ""
    complaint = plain(first)
    return ExpertError(ErrorCode.BAD_INPUT, f"{where}{complaint}{more}"[:500], field=field)

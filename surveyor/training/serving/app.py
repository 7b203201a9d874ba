"""The chat API over one small model: what `surveyor serve-model` serves.

Refuses by name what it can't do; vLLM is the server for everything else.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse

from surveyor.training.serving.contract import Backend, ChatRequest, ModelReply, NotServed


def build_server(backend: Backend, name: str) -> FastAPI:
    """The application; ``name`` is the model's, as requests give it."""
    app = FastAPI(title=f"surveyor serve-model: {name}")

    @app.exception_handler(NotServed)
    async def _refuse(_: Request, error: NotServed) -> JSONResponse:
        return _error(str(error), error.status, error.code)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        unknown = first["type"] == "extra_forbidden"
        why = "this server does not know it; leave it out" if unknown else first["msg"]
        return _error(f"{where}: {why}", 400, "invalid_request")

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        one = {"id": name, "object": "model", "created": 0, "owned_by": "surveyor"}
        return {"object": "list", "data": [one]}

    @app.post("/v1/chat/completions")
    def chat(request: ChatRequest) -> Response:
        _check(request, name)
        reply = backend.reply(request)
        head = {
            "id": f"chatcmpl-{uuid.uuid4().hex[:16]}",
            "created": int(time.time()),
            "model": name,
            "system_fingerprint": backend.weights,
        }
        if request.stream:
            lines = _stream(head, request, reply)
            return StreamingResponse(lines, media_type="text/event-stream")
        return JSONResponse(_whole(head, request, reply))

    return app


def _check(request: ChatRequest, name: str) -> None:
    if request.model != name:
        raise NotServed(f"the model {request.model!r} is not served here; ask for {name!r}", 404)
    if request.n != 1:
        raise NotServed("n: one reply a request; ask again for another")
    if request.top_logprobs:
        raise NotServed("top_logprobs: only the chosen token's log-probability is given")
    if request.tool_choice not in ("auto", "none"):
        raise NotServed(f"tool_choice: auto or none, not {request.tool_choice!r}")


def _whole(head: dict[str, Any], request: ChatRequest, reply: ModelReply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.content}
    if reply.calls:
        message["tool_calls"] = _calls(reply)
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": reply.finish,
        "logprobs": _logprobs(reply) if request.logprobs else None,
        "token_ids": list(reply.ids) if request.return_token_ids else None,
    }
    return {
        **head,
        "object": "chat.completion",
        "choices": [choice],
        "usage": _usage(reply),
        "prompt_token_ids": list(reply.prompt_ids) if request.return_token_ids else None,
    }


def _stream(head: dict[str, Any], request: ChatRequest, reply: ModelReply) -> Iterator[str]:
    """The whole reply as one piece: calls can only be read when the turn is over."""
    delta: dict[str, Any] = {"role": "assistant", "content": reply.content}
    if reply.calls:
        delta["tool_calls"] = [
            {"index": position, **call} for position, call in enumerate(_calls(reply))
        ]
    chunk = {**head, "object": "chat.completion.chunk"}
    yield _event({**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    end = {"index": 0, "delta": {}, "finish_reason": reply.finish}
    yield _event({**chunk, "choices": [end]})
    if (request.stream_options or {}).get("include_usage"):
        yield _event({**chunk, "choices": [], "usage": _usage(reply)})
    yield "data: [DONE]\n\n"


def _event(chunk: dict[str, Any]) -> str:
    return f"data: {json.dumps(chunk)}\n\n"


def _calls(reply: ModelReply) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{uuid.uuid4().hex[:12]}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in reply.calls
    ]


def _logprobs(reply: ModelReply) -> dict[str, Any]:
    entries = [
        {"token": text, "logprob": value, "bytes": list(text.encode()), "top_logprobs": []}
        for text, value in zip(reply.texts, reply.logprobs, strict=True)
    ]
    return {"content": entries}


def _usage(reply: ModelReply) -> dict[str, int]:
    said, given = len(reply.ids), len(reply.prompt_ids)
    return {"prompt_tokens": given, "completion_tokens": said, "total_tokens": given + said}


def _error(message: str, status: int, code: str) -> JSONResponse:
    body = {"message": message, "type": "invalid_request_error", "code": code or None}
    return JSONResponse({"error": body}, status_code=status)

"""``PUT | HEAD | GET /v1/blobs/{sha256}``: bytes by their hash, written once, cached for ever."""

from __future__ import annotations

import asyncio
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from surveyor.core.blobs import BlobRef, Incoming
from surveyor.services.blob_resolver import BlobResolver
from surveyor.services.contract import BLOBS, ErrorCode, Problem
from surveyor.services.errors import ExpertError

Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="sha256 of the bytes, hex")]
_BYTES = "application/octet-stream"
_PIECE = 256 << 10  # bytes of an upload that are held in memory before they go to disk
_NOT_HERE: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "no such blob here"}
}


def blob_routes(blobs: BlobResolver) -> APIRouter:
    """Routes over what one service knows."""
    router = APIRouter(tags=["blobs"])

    @router.put(
        BLOBS,
        response_model=BlobRef,
        openapi_extra={"requestBody": {"required": True, "content": {_BYTES: {}, "image/*": {}}}},
        responses={
            200: {"description": "it was here already"},
            201: {"model": BlobRef, "description": "stored"},
            408: {"model": Problem, "description": "it did not arrive in time"},
            413: {"model": Problem, "description": "larger than this service takes"},
            422: {"model": Problem, "description": "the bytes have another hash"},
        },
    )
    async def put_blob(sha256: Digest, request: Request) -> Response:
        """Store the raw request body, over a damaged blob as well; the same bytes twice are
        free."""
        existed = await asyncio.to_thread(blobs.find, sha256) is not None
        with await asyncio.to_thread(blobs.own.receive, sha256) as incoming:
            await _to_disk(request, incoming)
            if not await asyncio.to_thread(incoming.keep):
                message = f"the body has the sha256 {incoming.digest}, not the one in its address"
                raise ExpertError(ErrorCode.HASH_MISMATCH, message, field="sha256")
        media_type = request.headers.get("content-type", _BYTES)
        reference = BlobRef(sha256=sha256, media_type=media_type, size=incoming.size)
        body = reference.model_dump_json(exclude_none=True)
        return Response(body, 200 if existed else 201, media_type="application/json")

    @router.get(
        BLOBS, response_class=Response, responses={200: {"content": {_BYTES: {}}}, **_NOT_HERE}
    )
    async def get_blob(sha256: Digest, request: Request) -> Response:
        """The bytes of a blob."""
        path = await _found(blobs, sha256)
        headers = _headers(sha256)
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        data = await asyncio.to_thread(path.read_bytes)
        return Response(data, headers=headers, media_type=_BYTES)

    @router.head(BLOBS, response_class=Response, responses=_NOT_HERE)
    async def head_blob(sha256: Digest) -> Response:
        """Whether a blob is here and whole, and its size."""
        size = (await _found(blobs, sha256)).stat().st_size
        return Response(headers={**_headers(sha256), "Content-Length": str(size)})

    return router


async def _to_disk(request: Request, incoming: Incoming) -> None:
    """Write the body as it comes, a few pieces at a time, on a thread that may wait for a disk."""
    held = bytearray()
    async for piece in request.stream():
        held += piece
        if len(held) >= _PIECE:
            await asyncio.to_thread(incoming.write, bytes(held))
            held.clear()
    await asyncio.to_thread(incoming.write, bytes(held))


async def _found(blobs: BlobResolver, sha256: str) -> FilePath:
    path = await asyncio.to_thread(blobs.find, sha256)
    if path is None:
        raise ExpertError(ErrorCode.BLOB_NOT_FOUND, f"blob {sha256} is not here", field="sha256")
    return path


def _headers(sha256: str) -> dict[str, str]:
    return {"ETag": f'"{sha256}"', "Cache-Control": "public, max-age=31536000, immutable"}

"""``PUT | HEAD | GET /v1/blobs/{sha256}``: bytes by their hash, written once, cached for ever."""

from __future__ import annotations

import asyncio
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from surveyor.core.blobs import BlobRef, BlobStore, sha256_of
from surveyor.services.blob_resolver import Shelf
from surveyor.services.contract import BLOBS, ErrorCode, Problem
from surveyor.services.errors import ExpertError

Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="sha256 of the bytes, hex")]
_BYTES = "application/octet-stream"
_NOT_HERE: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "no such blob here"}
}


def blob_routes(shelf: Shelf) -> APIRouter:
    """Routes over one shelf."""
    router = APIRouter(tags=["blobs"])

    @router.put(
        BLOBS,
        response_model=BlobRef,
        openapi_extra={"requestBody": {"required": True, "content": {_BYTES: {}, "image/*": {}}}},
        responses={
            200: {"description": "it was here already"},
            201: {"model": BlobRef, "description": "stored"},
            413: {"model": Problem, "description": "larger than this service takes"},
            422: {"model": Problem, "description": "the bytes have another hash"},
        },
    )
    async def put_blob(sha256: Digest, request: Request) -> Response:
        """Store the raw request body; the same bytes twice are free."""
        existed = sha256 in shelf
        data = await request.body()
        media_type = request.headers.get("content-type", _BYTES)
        reference = await asyncio.to_thread(_store, shelf.own, sha256, data, media_type)
        body = reference.model_dump_json(exclude_none=True)
        return Response(body, 200 if existed else 201, media_type="application/json")

    @router.get(
        BLOBS, response_class=Response, responses={200: {"content": {_BYTES: {}}}, **_NOT_HERE}
    )
    async def get_blob(sha256: Digest, request: Request) -> Response:
        """The bytes of a blob."""
        path = _found(shelf, sha256)
        headers = _headers(sha256)
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        data = await asyncio.to_thread(path.read_bytes)
        return Response(data, headers=headers, media_type=_BYTES)

    @router.head(BLOBS, response_class=Response, responses=_NOT_HERE)
    async def head_blob(sha256: Digest) -> Response:
        """Whether a blob is here, and its size."""
        size = _found(shelf, sha256).stat().st_size
        return Response(headers={**_headers(sha256), "Content-Length": str(size)})

    return router


def _store(store: BlobStore, sha256: str, data: bytes, media_type: str) -> BlobRef:
    actual = sha256_of(data)
    if actual != sha256:
        message = f"the body has the sha256 {actual}, not the one in its address"
        raise ExpertError(ErrorCode.HASH_MISMATCH, message, field="sha256")
    return store.put(data, media_type)


def _found(shelf: Shelf, sha256: str) -> FilePath:
    path = shelf.find(sha256)
    if path is None:
        raise ExpertError(ErrorCode.BLOB_NOT_FOUND, f"blob {sha256} is not here", field="sha256")
    return path


def _headers(sha256: str) -> dict[str, str]:
    return {"ETag": f'"{sha256}"', "Cache-Control": "public, max-age=31536000, immutable"}

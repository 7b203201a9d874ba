"""Content-addressed blobs: images, arrays and clouds live once, as the bytes they came in."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from surveyor.core.errors import InfrastructureError, UserError

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class BlobRef(BaseModel):
    """What logs, messages, requests and caches carry instead of bytes.

    ``width`` and ``height`` are pixels of the stored image; ``shape`` and ``dtype`` describe a
    stored array. ``size`` is bytes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Sha256
    media_type: str
    size: int = Field(ge=0)
    width: int | None = None
    height: int | None = None
    shape: tuple[int, ...] | None = None
    dtype: str | None = None


class Derivation(BaseModel):
    """How a derived image (crop, restored, re-rendered, marked) maps back to its parent.

    ``to_parent`` is the 2x3 affine that takes a pixel ``(u, v, 1)`` of this image to the parent's
    pixel coordinates, row by row. It is ``None`` only for a view from a new camera, which then
    says so in ``op``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    parent: Sha256
    op: str
    to_parent: tuple[float, float, float, float, float, float] | None = (1, 0, 0, 0, 1, 0)


def sha256_of(data: bytes) -> str:
    """Hex digest used as a blob's name."""
    return hashlib.sha256(data).hexdigest()


class BlobStore:
    """Files named by their sha256 under ``root/ab/cdef...``; safe for many writers.

    A blob is written to a temporary name, synced and renamed, so a reader sees all of it or none.
    Writing the same bytes twice is free. ``derivation`` records live beside the blob.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """Where a blob lies (whether or not it exists)."""
        return self.root / sha256[:2] / sha256[2:]

    def __contains__(self, sha256: str) -> bool:
        return self.path(sha256).is_file()

    def __iter__(self) -> Iterator[str]:
        for path in sorted(self.root.glob("??/*")):
            name = path.parent.name + path.name
            if len(name) == 64:
                yield name

    def put(
        self,
        data: bytes,
        media_type: str,
        *,
        width: int | None = None,
        height: int | None = None,
        shape: tuple[int, ...] | None = None,
        dtype: str | None = None,
        derivation: Derivation | None = None,
    ) -> BlobRef:
        """Store ``data`` and return its reference; raise `InfrastructureError` on a full disk."""
        digest = sha256_of(data)
        path = self.path(digest)
        if not path.exists():
            _write_atomically(path, data)
        if derivation is not None:
            _write_atomically(_lineage(path), derivation.model_dump_json().encode())
        return BlobRef(
            sha256=digest,
            media_type=media_type,
            size=len(data),
            width=width,
            height=height,
            shape=shape,
            dtype=dtype,
        )

    def get(self, sha256: str) -> bytes:
        """The bytes of a blob; `UserError` when the store lacks it or its content was damaged."""
        try:
            data = self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise UserError(
                f"blob {sha256[:12]} is missing from {self.root}; make the dataset or run again"
            ) from None
        if sha256_of(data) != sha256:
            raise UserError(
                f"blob {sha256[:12]} in {self.root} is damaged; delete it and make it again"
            )
        return data

    def derivation(self, sha256: str) -> Derivation | None:
        """How this image was made from another, if it was."""
        try:
            return Derivation.model_validate_json(_lineage(self.path(sha256)).read_bytes())
        except FileNotFoundError:
            return None


def _lineage(path: Path) -> Path:
    return path.with_name(path.name + ".derivation.json")


def _write_atomically(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InfrastructureError(f"cannot store a blob in {path.parent}: {error}") from error

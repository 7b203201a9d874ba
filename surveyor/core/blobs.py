"""Content-addressed blobs: images, arrays and clouds live once, as the bytes they came in."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Annotated, BinaryIO, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.negatives import developed, is_negative

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_PIECE = 1 << 20  # bytes that are read at a time where the whole is not wanted in memory
_MOST_KNOWN = 1 << 16  # files whose check is remembered; beyond that all are checked again


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

    A blob is written to a temporary name, synced and renamed, so a reader sees all of it or none,
    also after a power cut. Writing the same bytes twice costs a look at what is there; what is
    damaged is replaced. ``derivation`` records live beside the blob.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._whole: dict[str, tuple[int, int, int]] = {}

    def path(self, sha256: str) -> Path:
        """Where a blob lies (whether or not it exists)."""
        return self.root / sha256[:2] / sha256[2:]

    def __contains__(self, sha256: str) -> bool:
        """Whether the blob is here and whole: a damaged one counts as missing, so that whoever
        has it puts it again. Its bytes are hashed at the first look and when the file changed."""
        try:
            sign = _sign(self.path(sha256))
            if self._whole.get(sha256) == sign:
                return True
            if _hash_of(self.path(sha256)) != sha256:
                return False
        except OSError:
            return False
        self._note(sha256, sign)
        return True

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
        if not _holds(path, data):
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
        """The bytes of a blob, of a negative its picture; `UserError` when the store lacks it or
        its content was damaged."""
        try:
            data = self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise UserError(
                f"blob {sha256[:12]} is missing from {self.root}; make the dataset or run again"
            ) from None
        if sha256_of(data) != sha256:
            self._whole.pop(sha256, None)
            raise UserError(
                f"blob {sha256[:12]} in {self.root} is damaged; make the dataset or run again"
            )
        return developed(self.root, self.path(sha256), data) if is_negative(data) else data

    def receive(self, sha256: str) -> Incoming:
        """A blob that arrives in pieces; see `Incoming`."""
        return Incoming(self.path(sha256), sha256)

    def derivation(self, sha256: str) -> Derivation | None:
        """How this image was made from another, if it was."""
        try:
            return Derivation.model_validate_json(_lineage(self.path(sha256)).read_bytes())
        except FileNotFoundError:
            return None

    def _note(self, sha256: str, sign: tuple[int, int, int]) -> None:
        if len(self._whole) >= _MOST_KNOWN:
            self._whole.clear()
        self._whole[sha256] = sign


class Incoming:
    """A blob on its way to disk: hashed as it comes, never whole in memory.

    Use as a context manager; unless ``keep`` succeeded, nothing of it stays. Every method raises
    `InfrastructureError` on a full disk.
    """

    def __init__(self, path: Path, sha256: str) -> None:
        self._path = path
        self._sha256 = sha256
        self._hash = hashlib.sha256()
        self.size = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file, self._temporary = _temporary(path)
        except OSError as error:
            raise _cannot_store(path, error) from error

    @property
    def digest(self) -> str:
        """Hash of what has come so far."""
        return self._hash.hexdigest()

    def write(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._hash.update(piece)
        self.size += len(piece)
        try:
            self._file.write(piece)
        except OSError as error:
            raise _cannot_store(self._path, error) from error

    def keep(self) -> bool:
        """Put the blob into its place, over a damaged one as well; whether its hash is right."""
        if self.digest != self._sha256:
            return False
        try:
            _finish(self._file, self._temporary, self._path)
        except OSError as error:
            raise _cannot_store(self._path, error) from error
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)


def _lineage(path: Path) -> Path:
    return path.with_name(path.name + ".derivation.json")


def _sign(path: Path) -> tuple[int, int, int]:
    """Changes whenever a file is written again."""
    told = path.stat()
    return told.st_mtime_ns, told.st_size, told.st_ino


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _holds(path: Path, data: bytes) -> bool:
    """Whether a file is there with exactly these bytes."""
    try:
        if path.stat().st_size != len(data):
            return False
        with path.open("rb") as file:
            return all(
                file.read(_PIECE) == data[start : start + _PIECE]
                for start in range(0, len(data), _PIECE)
            )
    except OSError:
        return False


def _write_atomically(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file, temporary = _temporary(path)
        try:
            with file:
                file.write(data)
                _finish(file, temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot_store(path, error) from error


def _temporary(path: Path) -> tuple[BinaryIO, Path]:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    return os.fdopen(handle, "wb"), Path(name)


def _finish(file: BinaryIO, temporary: Path, path: Path) -> None:
    """Rename once the bytes are on the disk, and then make sure of the name."""
    file.flush()
    os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _cannot_store(path: Path, error: OSError) -> InfrastructureError:
    return InfrastructureError(f"cannot store a blob in {path.parent}: {error}")

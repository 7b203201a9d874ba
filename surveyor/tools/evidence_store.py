"""Lifted and fused evidence on disk, by what it was computed from, for the next run.

Expert answers are cached already; what a second run over the same scenes then pays for is joining
them. Keys cover inputs by content, the code that computes and the libraries under it, so an entry
is right or is not found. It is a cache: what cannot be written or read is computed again.
"""

from __future__ import annotations

import hashlib
import os
import sys
import zlib
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

from surveyor.core.tensors import pack, unpack

T = TypeVar("T")
Arrays = Mapping[str, NDArray[Any]]
# Files whose code decides what evidence is.
_CODE = ("tools/geometry", "tools/perception", "core/geometry.py", "core/masks.py")


class EvidenceStore:
    """Named arrays by key, below ``folder``. Safe for many processes at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: Hashable) -> Arrays | None:
        """What is kept under a key; ``None`` where nothing is, or what there is cannot be read."""
        try:
            return _read(self._path(key).read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: Hashable, arrays: Arrays) -> None:
        """Keep arrays under a key; a full disk keeps nothing and stops nobody."""
        path = self._path(key)
        making = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            making.write_bytes(_written(arrays))
            making.replace(path)
        except OSError:
            with suppress(OSError):
                making.unlink(missing_ok=True)

    def _path(self, key: Hashable) -> Path:
        name = hashlib.sha256(f"{_method()} {key!r}".encode()).hexdigest()
        return self._folder / name[:2] / f"{name[2:]}.arrays"


def _written(arrays: Arrays) -> bytes:
    """A checksum and the arrays behind it.

    An entry holds a few small arrays, and opening an archive of them (``.npz``) took longer than a
    fifth of a run that finds everything kept.
    """
    body = pack(arrays)
    return b"%08x" % zlib.crc32(body) + body


def _read(data: bytes) -> Arrays:
    """What `_written` wrote, read-only; `ValueError` where that was damaged."""
    crc32, body = data[:8], data[8:]
    if crc32 != b"%08x" % zlib.crc32(body):
        raise ValueError("damaged evidence")
    return unpack(body)[0]


@dataclass(frozen=True, slots=True)
class StoredEvidence(Generic[T]):
    """How results of one kind go to a store (or to none) and come back."""

    store: EvidenceStore | None
    kind: str
    pack: Callable[[T], Arrays]
    unpack: Callable[[Arrays], T]

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result under ``key``, made now and kept if the store has none."""
        if self.store is None:
            return make()
        found = self.store.get((self.kind, key))
        if found is not None:
            with suppress(KeyError, ValueError, TypeError):
                return self.unpack(found)
        made = make()
        self.store.put((self.kind, key), self.pack(made))
        return made


@lru_cache(maxsize=1)
def _method() -> str:
    """A hash of the code and the libraries that compute evidence."""
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for place in _CODE:
        path = root / place
        for file in sorted(path.glob("*.py")) if path.is_dir() else (path,):
            digest.update(file.read_bytes())
    for library in ("numpy", "scipy"):
        digest.update(metadata.version(library).encode())
    digest.update(sys.version.encode())
    return digest.hexdigest()

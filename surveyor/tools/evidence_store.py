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

import numpy as np
import orjson
from numpy.typing import NDArray

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
    """Arrays as a checksum of the rest, one line of JSON, which says what they are, and their bytes
    one after the other.

    An entry holds a few small arrays, and opening an archive of them took longer than a fifth of a
    run that finds everything kept.
    """
    body = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())
    told = {name: (array.dtype.str, array.shape) for name, array in arrays.items()}
    whole = orjson.dumps(told) + b"\n" + body
    return b"%08x\n" % zlib.crc32(whole) + whole


def _read(data: bytes) -> Arrays:
    """What `_written` wrote, read-only; `ValueError` where that was damaged or is of others."""
    crc32, _, whole = data.partition(b"\n")
    if crc32 != b"%08x" % zlib.crc32(whole):
        raise ValueError("damaged evidence")
    head, _, body = whole.partition(b"\n")
    arrays: dict[str, NDArray[Any]] = {}
    at = 0
    for name, (kind, shape) in orjson.loads(head).items():
        arrays[name] = np.ndarray(shape, _number(kind), body, at)
        at += arrays[name].nbytes
    return arrays


def _number(kind: str) -> np.dtype[Any]:
    """The type of a number; `ValueError` for any other: bytes must not become objects."""
    if kind[1:2] not in "biuf":
        raise ValueError(f"evidence holds numbers, not {kind}")
    return np.dtype(kind)


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

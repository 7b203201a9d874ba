"""Where a service finds blobs: its own store first, then folders that it may only read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from surveyor.core.blobs import BlobStore, Derivation
from surveyor.core.errors import UserError
from surveyor.services.contract import ErrorCode
from surveyor.services.errors import ExpertError


class BlobResolver:
    """One writable `BlobStore` in front of read-only ones."""

    def __init__(self, own: BlobStore, others: Sequence[BlobStore] = ()) -> None:
        self.own = own
        self._all = (own, *others)

    @classmethod
    def at(cls, root: Path, others: Sequence[Path] = ()) -> BlobResolver:
        """Open the store under ``root`` and the read-only ``others``."""
        return cls(BlobStore(root), [BlobStore(path) for path in others])

    def __contains__(self, sha256: str) -> bool:
        return self.find(sha256) is not None

    def find(self, sha256: str) -> Path | None:
        """The file of a blob, or None."""
        return next((s.path(sha256) for s in self._all if sha256 in s), None)

    def get(self, sha256: str) -> bytes:
        """The bytes; `ExpertError` (blob_not_found) tells the client to PUT them first."""
        for store in self._all:
            if sha256 in store:
                try:
                    return store.get(sha256)
                except UserError:
                    continue  # damaged or just deleted: another store or the client has it whole
        raise ExpertError(
            ErrorCode.BLOB_NOT_FOUND,
            f"blob {sha256} is not here; PUT it to /v1/blobs/{sha256} and ask again",
            field="image",
        )

    def derivation(self, sha256: str) -> Derivation | None:
        """The lineage record beside a blob, wherever it lies."""
        return next((d for s in self._all if (d := s.derivation(sha256)) is not None), None)

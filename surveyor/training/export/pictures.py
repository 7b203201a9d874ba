"""The pictures of rows as files beside them, each once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.training.rows.sent import media_type_of

_SUFFIX = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


class Pictures:
    """Finds pictures by hash in several stores, and writes them into a folder."""

    def __init__(self, stores: Sequence[BlobStore], folder: Path | None = None) -> None:
        self._stores = tuple(stores)
        self._folder = folder

    def read(self, sha256: str) -> bytes:
        """The bytes; `UserError` when no store has them any more."""
        for store in self._stores:
            if sha256 in store:
                return store.get(sha256)
        raise UserError(
            f"picture {sha256[:12]} is in none of the stores; put the run's dataset back"
        )

    def file(self, sha256: str) -> str:
        """The path, relative to the rows' folder, of a file with the picture."""
        assert self._folder is not None
        data = self.read(sha256)
        name = f"images/{sha256}.{_SUFFIX[media_type_of(data)]}"
        target = self._folder / name
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(data)
        return name

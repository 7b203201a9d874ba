"""Naming weights by their content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from surveyor.core.errors import UserError


def weights_id(folder: Path) -> str:
    """A short hash of a folder's weight files; `UserError` when it has none."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise UserError(f"{folder} has no weights (*.safetensors)")
    whole = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()[:16]

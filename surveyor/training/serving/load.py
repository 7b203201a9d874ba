"""Which backend serves a folder."""

from __future__ import annotations

from pathlib import Path

from surveyor.core.errors import UserError
from surveyor.training.compact.vocabulary import FILE
from surveyor.training.serving.contract import Backend


def backend_of(folder: Path) -> Backend:
    """A compact agent where the folder has its language, else a chat model of transformers.

    Raises `UserError` when there is no model in the folder.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; give one that holds a model")
    if (folder / FILE).exists():
        from surveyor.training.serving.compact import CompactBackend

        return CompactBackend(folder)
    from surveyor.training.serving.chat import ChatBackend

    return ChatBackend(folder)

"""Checkpoints that are whole or not there: written to the side and renamed."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from surveyor.core.errors import UserError

_TORCH_WRITER = ("PytorchStreamWriter", "inline_container", "unexpected pos")
_NAME = re.compile(r"step-(\d+)")


def write_folder(target: Path, fill: Callable[[Path], object]) -> None:
    """Make ``target`` by filling a folder beside it and renaming that.

    Raises `UserError` when the disk is full or the place can't be written; what was there before
    is then still there, and nothing else is left behind.
    """
    staging: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
        staging.chmod(0o755)
        fill(staging)
        if target.exists():
            old = staging.with_name(staging.name + "-old")
            target.rename(old)
            staging.rename(target)
            shutil.rmtree(old)
        else:
            staging.rename(target)
    except Exception as error:  # noqa: BLE001 - errors of writing have no class in common
        raise unsaved(target, error) from None
    finally:
        if staging is not None and staging.exists():
            shutil.rmtree(staging, ignore_errors=True)


def unsaved(target: Path, error: Exception) -> Exception:
    """`UserError` for an error of writing, and any other error as it is.

    The writers of torch and safetensors hide what the system said behind errors of their own.
    """
    text = str(error)
    if isinstance(error, FileExistsError | NotADirectoryError):
        return UserError(f"cannot save {target}: a file is where a folder is needed; name another")
    if isinstance(error, OSError):
        why = error.strerror or text
    elif type(error).__name__ == "SafetensorError" and "os error" in text.lower():
        why = text.rpartition("I/O error: ")[2]
    elif isinstance(error, RuntimeError) and any(mark in text for mark in _TORCH_WRITER):
        why = "the disk did not take all of it"
    else:
        return error
    return UserError(
        f"cannot save {target} ({why}); make room and run the same command again (training goes on "
        "from its last whole checkpoint), or name another place"
    )


def newest(folder: Path) -> tuple[int, Path] | None:
    """The latest whole checkpoint, ``step-N``, and its step."""
    found = [
        (int(match[1]), path)
        for path in folder.glob("step-*")
        if (match := _NAME.fullmatch(path.name))
    ]
    return max(found, default=None)


def prune(folder: Path, keep: int) -> None:
    """Delete all but the last ``keep`` checkpoints, and what killed writers left."""
    found = sorted(folder.glob("step-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    for path in [*found[:-keep], *folder.glob(".step-*")]:
        shutil.rmtree(path, ignore_errors=True)

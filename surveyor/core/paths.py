"""Paths that files name: below the folder that they belong to, or refused."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

from surveyor.core.errors import UserError


def refuse_url(path: Path) -> None:
    """`UserError` for a URL that was given as a path: it would become a folder "https:"."""
    if re.match(r"file:|[a-z][a-z0-9+.-]+:/", str(path)):
        raise UserError(f"{path} is a URL; give a path on this machine instead")


def inside(root: Path, relative: str, *, also: tuple[Path, ...] = ()) -> Path:
    """``root / relative``, whether or not it exists, if it cannot lead out of ``root``.

    Links that lead out are refused too, except into the folders ``also``. Raises `UserError` that
    names the path.
    """
    parts = PurePosixPath(relative).parts
    if not parts or "\0" in relative or PurePosixPath(relative).is_absolute() or ".." in parts:
        raise UserError(f"{relative!r} is no path below {root}; correct it in the file it is from")
    path = root / relative
    real = Path(os.path.realpath(path))
    if any(real.is_relative_to(os.path.realpath(folder)) for folder in (root, *also)):
        return path
    raise UserError(
        f"{path} is a link that leads out of {root}, to {real}; copy it, or name the folder that "
        "holds it yourself"
    )


def child(root: Path, name: str) -> Path:
    """A file or folder directly in ``root``; `UserError` for a name that is none, or hidden."""
    if "/" in name or "\\" in name or name.startswith("."):
        raise UserError(f"{name!r} is no name of a file in {root}; correct it where it is from")
    return inside(root, name)

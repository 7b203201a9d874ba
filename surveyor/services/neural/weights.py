"""Finding weights on this machine: a path, or a commit in the hub's local cache.

Plain standard library, so that what is missing can be said without torch being installed.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from surveyor.core.errors import UserError
from surveyor.services.neural.model_cards import ModelCard

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Weights:
    """``path`` is a folder with the card's files (or the one file itself), ``file`` the last of
    the files; ``digest`` identifies the bytes, ``revision`` is the hub's commit or, for a path, the
    digest again."""

    path: Path
    revision: str
    digest: str
    file: Path


def find_weights(
    expert: str, card: ModelCard, path: Path | None = None, revision: str | None = None
) -> Weights:
    """Where the card's weights are; `UserError` says which file, from where, which licence."""
    if path is not None:
        return _at_path(expert, card, path, revision)
    wanted = revision or card.revision
    folder = _in_cache(card, wanted)
    if folder is None or not _complete(folder, card):
        raise UserError(_missing(expert, card, wanted))
    return Weights(folder, folder.name, _digest(folder, card), _file(folder, card.files[-1]))


def _at_path(expert: str, card: ModelCard, path: Path, revision: str | None) -> Weights:
    single = path.is_file() and len(card.files) == 1
    if not single and not _complete(path, card):
        what = "is not there" if not path.exists() else f"lacks {' or '.join(_lacking(path, card))}"
        raise UserError(f"{path} {what}; {_missing(expert, card, revision or card.revision)}")
    digest = _digest(path, card)
    file = path if path.is_file() else _file(path, card.files[-1])
    return Weights(path, revision or f"sha256:{digest}", digest, file)


def _missing(expert: str, card: ModelCard, revision: str | None) -> str:
    files = " and ".join(card.files)
    how = f"download it from {card.source}"
    if card.hub is not None:
        pin = f" --revision {revision}" if revision else ""
        how = f"`hf download {card.hub}{pin}` ({card.source})"
    return (
        f"the {expert} expert has no weights here: it needs {files} of {card.model}, "
        f"licence {card.licence}; get them with {how}, or give their path as `weights`"
    )


def _complete(folder: Path, card: ModelCard) -> bool:
    return folder.is_dir() and not _lacking(folder, card)


def _lacking(folder: Path, card: ModelCard) -> list[str]:
    return [name for name in card.files if not _file(folder, name).is_file()]


def _file(folder: Path, name: str) -> Path:
    """A card names files as the hub lays them out; a folder of one's own may be flat."""
    nested = folder / name
    return nested if nested.is_file() else folder / Path(name).name


def _in_cache(card: ModelCard, revision: str | None) -> Path | None:
    """The snapshot folder of a commit, a branch or the main branch, or None."""
    if card.hub is None:
        return None
    repository = _cache() / f"models--{card.hub.replace('/', '--')}"
    commit = revision or "main"
    reference = repository / "refs" / commit
    if reference.is_file():
        commit = reference.read_text().strip()
    return repository / "snapshots" / commit


def _cache() -> Path:
    """The hub's cache, by the hub's own environment variables."""
    if given := os.environ.get("HF_HUB_CACHE"):
        return Path(given)
    home = os.environ.get("HF_HOME")
    return (Path(home) if home else Path.home() / ".cache" / "huggingface") / "hub"


def _digest(path: Path, card: ModelCard) -> str:
    """16 hex digits over the files' bytes. The hub's cache names large files by their hash."""
    files = [path] if path.is_file() else [_file(path, name) for name in card.files]
    total = hashlib.sha256()
    for file in files:
        name = file.resolve().name
        known = len(name) == 64 and all(c in "0123456789abcdef" for c in name)
        total.update((name if known else _hash_of(file)).encode())
    return total.hexdigest()[:16]


def _hash_of(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()

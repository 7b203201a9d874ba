"""Finding weights on this machine: a path, or a commit in the hub's local cache.

Plain standard library, so that what is missing can be said without torch being installed.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from surveyor.core.errors import UserError
from surveyor.services.neural.checkpoints import recognise
from surveyor.services.neural.model_cards import ModelCard

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Weights:
    """``path`` is a folder with the card's files (or the one file itself), ``file`` the last of
    the files; ``digest`` identifies the bytes.

    ``revision`` is the hub's commit. ``own`` weights were given by a path that is no snapshot of
    the card's repository: nobody here knows what they are, and ``revision`` is the hash of the file
    (after a name for it, if the operator gave one).
    """

    path: Path
    revision: str
    digest: str
    file: Path
    own: bool = False

    @property
    def name(self) -> str:
        """What to call weights of one's own: their file, with its folder where that is the
        checkpoint."""
        return self.file.name if self.path == self.file else f"{self.path.name}/{self.file.name}"


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
    digest, _ = _digest(folder, card)
    return Weights(folder, folder.name, digest, _file(folder, card.files[-1]))


def _at_path(expert: str, card: ModelCard, path: Path, revision: str | None) -> Weights:
    if path.is_file() and len(card.files) > 1 and path.name == Path(card.files[-1]).name:
        path = path.parent  # the main file of a checkpoint that is a folder
    single = path.is_file() and len(card.files) == 1
    if not single and not _complete(path, card):
        raise UserError(_unfit(expert, card, path, revision or card.revision))
    digest, main = _digest(path, card)
    file = path if path.is_file() else _file(path, card.files[-1])
    commit = _commit(card, path)
    if commit is not None:
        return Weights(path, commit, digest, file)
    name = f"{revision} sha256:{main}" if revision else f"sha256:{main}"
    return Weights(path.absolute(), name, digest, file.absolute(), own=True)


def _unfit(expert: str, card: ModelCard, path: Path, revision: str | None) -> str:
    """Why the path holds no weights of the card; a checkpoint that is known is told by its name."""
    known = recognise(path) if path.exists() else None
    if known is not None and known.why:
        return f"{path} is {known.what}, which is not served here: {known.why}"
    if known is not None and known.expert != expert:
        return f"{path} is {known.what}, for the expert {known.expert} (route {known.route})"
    what = "is not there" if not path.exists() else f"lacks {' or '.join(_lacking(path, card))}"
    return f"{path} {what}; {_missing(expert, card, revision)}"


def _commit(card: ModelCard, path: Path) -> str | None:
    """The commit, when the path is in a snapshot of the card's repository."""
    if card.hub is None:
        return None
    for folder in (path.absolute(), *path.absolute().parents):
        snapshots = folder.parent
        if snapshots.name == "snapshots" and snapshots.parent.name == _folder_of(card.hub):
            return folder.name
    return None


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
    repository = _cache() / _folder_of(card.hub)
    commit = revision or "main"
    reference = repository / "refs" / commit
    if reference.is_file():
        commit = reference.read_text().strip()
    return repository / "snapshots" / commit


def _folder_of(hub: str) -> str:
    """What the hub's cache calls the folder of a repository."""
    return f"models--{hub.replace('/', '--')}"


def _cache() -> Path:
    """The hub's cache, by the hub's own environment variables."""
    if given := os.environ.get("HF_HUB_CACHE"):
        return Path(given)
    home = os.environ.get("HF_HOME")
    return (Path(home) if home else Path.home() / ".cache" / "huggingface") / "hub"


def _digest(path: Path, card: ModelCard) -> tuple[str, str]:
    """16 hex digits over the files' bytes, and the SHA-256 of the last file.

    The hub's cache names large files by their hash.
    """
    files = [path] if path.is_file() else [_file(path, name) for name in card.files]
    total, last = hashlib.sha256(), ""
    for file in files:
        name = file.resolve().name
        known = len(name) == 64 and all(c in "0123456789abcdef" for c in name)
        last = name if known else _hash_of(file)
        total.update(last.encode())
    return total.hexdigest()[:16], last


def _hash_of(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()

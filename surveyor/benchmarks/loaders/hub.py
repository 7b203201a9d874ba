"""Data sets by their Hugging Face id: fetched at one revision, then loaded like any folder.

The folder that comes out has the commit in its path, which is how a dataset's manifest learns its
revision. A download is shared with every other program through the hub's own cache; archives are
unpacked once for each revision.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from surveyor.core.errors import UserError

FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "vsi-bench": ("test*.jsonl", "test*.parquet", "*.zip"),
    "mmsi-bench": ("MMSI_Bench.*",),
    "cv-bench-3d": ("test_3d.*", "test.jsonl", "img/*"),
    "mindcube": ("data.zip", "*.jsonl"),
    "3dsrbench": ("*_circular.tsv",),
    "embspatial": ("embspatial_bench.json",),
    "blink-14": ("*/val-*",),
    "refspatial": ("data/*", "*.parquet"),
    "blink": tuple(
        f"{name}/val-*" for name in ("Multi-view_Reasoning", "Relative_Depth", "Spatial_Relation")
    ),
}
"""What a benchmark's loader reads of its repository; of others everything is fetched."""


def fetch(name: str, repo: str, revision: str | None, cache: Path) -> Path:
    """The folder of ``repo`` at ``revision`` (its newest when ``None``), archives unpacked.

    ``cache`` holds what was unpacked. Raises `UserError` without huggingface_hub, for an id or a
    revision that does not exist or is not open to the user, and when the hub cannot be reached and
    the files are not in its cache.
    """
    snapshot = _snapshot(repo, revision, FILES.get(name))
    archives = sorted(snapshot.glob("*.zip"))
    if not archives:
        return snapshot
    place = cache / "hub" / repo.replace("/", "--") / snapshot.name
    if not place.exists():
        _unpack(snapshot, archives, place)
    return place


def _snapshot(repo: str, revision: str | None, files: tuple[str, ...] | None) -> Path:
    try:
        hub: Any = import_module("huggingface_hub")
        errors: Any = import_module("huggingface_hub.errors")
    except ModuleNotFoundError:
        raise UserError(
            "loading by a Hugging Face id needs huggingface_hub; `pip install '.[hub]'`, or "
            "download the data set and give its folder"
        ) from None
    at = f"data set {repo!r}" + (f" at revision {revision!r}" if revision else "")
    try:
        return Path(
            hub.snapshot_download(
                repo, repo_type="dataset", revision=revision, allow_patterns=files
            )
        )
    except errors.GatedRepoError:
        raise UserError(f"{at} is gated: ask for access on its page, then set HF_TOKEN") from None
    except errors.RevisionNotFoundError:
        raise UserError(f"{at} does not exist; choose another --revision") from None
    except errors.RepositoryNotFoundError:
        raise UserError(
            f"there is no {at} on the hub, or it is private; check the id and HF_TOKEN"
        ) from None
    except (OSError, ValueError) as error:  # LocalEntryNotFound, offline mode, a malformed id
        reason = str(error).strip().splitlines()[0][:120] if str(error).strip() else "no reason"
        raise UserError(
            f"{at} can be neither fetched nor found in the hub's cache ({reason}); check the id "
            "and the network, or download it and give its folder"
        ) from None


def _unpack(snapshot: Path, archives: list[Path], place: Path) -> None:
    """The snapshot's other files as links, and the archives' members beside them; whole or not."""
    part = place.with_name(f"{place.name}.part-{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        for item in snapshot.iterdir():
            if item not in archives:
                (part / item.name).symlink_to(item)
        for archive in archives:
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(part)
        part.rename(place)
    except (OSError, zipfile.BadZipFile) as error:
        shutil.rmtree(part, ignore_errors=True)
        if not place.exists():  # else another process unpacked it meanwhile
            raise UserError(f"cannot unpack {snapshot} to {place}: {error}") from None

"""Runs and a store that machines share: taken up from it, sent to it, gathered for merging."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from surveyor.benchmarks.run.preflight import check_place
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.object_store import ObjectStore
from surveyor.memory.runs import LOCK, AnotherRun, RunFolder
from surveyor.memory.shared_runs import check_same, has_run, pull_run, push_run, run_at, run_url


def checked_store(url: str) -> ObjectStore | None:
    """The store of a run, found to be there and writable; ``None`` without a URL.

    Raises `UserError` for what is wrong with it, `ServiceUnavailable` when it does not answer.
    """
    if not url:
        return None
    store = ObjectStore.open(url)
    store.check()
    return store


@contextmanager
def taken_up(store: ObjectStore | None, folder: Path) -> Iterator[None]:
    """Begin where another machine ended: bring the run of this name, where none is here yet.

    What was brought is gone again where the block refuses before it began to work on it. Raises
    `UserError` where the store's run of that name is another.
    """
    if store is None:
        yield
        return
    brought = False
    if (folder / "run.json").exists():
        check_same(store, RunFolder.open(folder))
    elif not folder.exists() and has_run(store, _name(folder)):
        pull_run(store, _name(folder), folder)
        brought = True
    try:
        yield
    except UserError as error:
        if brought and not (folder / LOCK).exists():
            shutil.rmtree(folder)
            if isinstance(error, AnotherRun):
                raise AnotherRun(place_of(store.url, folder), error.differs) from None
        raise


def share(store: ObjectStore | None, folder: RunFolder) -> InfrastructureError | None:
    """Send a run, or what there is of it; what went wrong, to be raised once the rest is done."""
    if store is None:
        return None
    try:
        push_run(store, folder)
    except InfrastructureError as error:
        return type(error)(
            f"the run is whole in {folder.path} and is not shared: {error} Then run the same "
            "command again"
        )
    return None


def place_of(store: str, folder: Path) -> str:
    """The URL that a run is shared under."""
    return run_url(store, _name(folder))


@contextmanager
def gathered(parts: Sequence[str], beside: Path) -> Iterator[list[RunFolder]]:
    """Runs by folder or by URL, those by URL brought for as long as the block lasts.

    Raises `UserError` where there is no such run; what the block refuses is named as it was given.
    """
    check_place(beside, "choose another place")
    beside.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=beside.parent, prefix=f".{beside.name}-") as room:
        runs = [_opened(part, Path(room) / str(k)) for k, part in enumerate(parts)]
        try:
            yield runs
        except UserError as error:
            told = str(error)
            for run, part in zip(runs, parts, strict=True):
                told = told.replace(str(run.path), part)
            raise UserError(told) from None


def _opened(part: str, room: Path) -> RunFolder:
    if "://" not in part:
        return RunFolder.open(Path(part))
    store, name = run_at(part)
    return pull_run(store, name, room / name)


def _name(folder: Path) -> str:
    return folder.absolute().name

"""Runs on a store that many machines share.

::

    runs/<name>/<hash>.json   what one push found in the folder: every file by its hash
    blobs/ab/cdef...          the files

A push adds one record and changes none, so that pushes of any number of machines never undo one
another. What a run is is the union of its records: an episode that ended before one that did not,
and of two that ended always the same. Scores and pages are not pushed; they are made again.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from surveyor.core.blobs import BlobStore, Sha256, sha256_of
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.names import check_name
from surveyor.core.object_store import ObjectStore
from surveyor.core.paths import inside
from surveyor.memory.events import EpisodeStatus
from surveyor.memory.log import read_events
from surveyor.memory.manifest import RunRecord
from surveyor.memory.runs import RunFolder, difference, last_status

RUNS: Final = "runs"
_RECORD, _SCHEDULE, _EPISODES, _BLOBS = "run.json", "schedule.jsonl", "episodes", "blobs"
_ROUND: Final = 32 << 20  # bytes that are held at a time


class PushedFile(BaseModel):
    """A file of a pushed run. ``final`` is false for an episode's log that has no end yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Sha256
    size: int
    final: bool = True


class Push(BaseModel):
    """What one push found, by path below the run's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1
    files: dict[str, PushedFile]

    @model_validator(mode="after")
    def _is_of_a_run(self) -> Push:
        if not {_RECORD, _SCHEDULE} <= self.files.keys():
            raise ValueError("a push holds run.json and schedule.jsonl")
        return self


def push_run(store: ObjectStore, folder: RunFolder, name: str = "", *, whole: bool = False) -> str:
    """Add what a run holds to the store, and return its URL there; files that an earlier push
    brought are sent again only with ``whole``, which mends what was damaged there. ``name`` is the
    folder's unless given.

    Raises `UserError` when the store has another run of that name or the folder holds what no run
    does, or what is damaged: nothing is sent then. `InfrastructureError` when the store fails:
    push again then.
    """
    name = name or folder.path.absolute().name
    earlier = _pushes(store, name, told=True)
    _same_run(store, name, earlier.values(), folder.record, told=True)
    known = {} if whole else earlier
    there = {file.sha256 for push in known.values() for file in push.files.values()}
    kept = list(_kept(folder))
    _check_whole(folder)
    files: dict[str, PushedFile] = {}
    waiting: dict[str, bytes] = {}
    for path in kept:
        data = path.read_bytes()
        sha256 = sha256_of(data)
        files[path.relative_to(folder.path.resolve()).as_posix()] = PushedFile(
            sha256=sha256, size=len(data), final=_is_final(path)
        )
        if sha256 not in there:
            waiting[sha256] = data
        if sum(map(len, waiting.values())) > _ROUND:
            store.put_blobs(waiting)
            there.update(waiting)
            waiting = {}
    store.put_blobs(waiting)
    told = Push(files=files).model_dump_json().encode()
    store.put({f"{_place(name)}/{sha256_of(told)}.json": told})
    return run_url(store.url, name)


def pull_run(store: ObjectStore, name: str, target: Path) -> RunFolder:
    """Make a run at ``target``, whole or not at all, from everything that was pushed of it.

    Raises `UserError` when the target exists, when nothing of that name was pushed, or when
    different runs were; `InfrastructureError` names an object that is damaged or gone.
    """
    if target.exists():
        raise UserError(f"{target} exists already; choose another name, or remove it to pull anew")
    pushes = _pushes(store, name)
    if not pushes:
        there = sorted({path.split("/")[1] for path in store.names(RUNS)})
        told = f"it has: {', '.join(there[:8])}" if there else "it has none"
        raise UserError(f"nobody pushed a run {name!r} to {store.url}; {told}")
    longest = max(pushes.values(), key=lambda push: (push.files[_SCHEDULE].size, len(push.files)))
    record = _records(store, [longest])[0]
    _same_run(store, name, pushes.values(), record)
    files = _union(pushes.values()) | {one: longest.files[one] for one in (_RECORD, _SCHEDULE)}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
        try:
            (making / _EPISODES).mkdir()
            _write(store, name, files, making)
            making.chmod(0o755)
            making.rename(target)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}") from None
    return RunFolder.open(target)


def runs_url(store_url: str) -> str:
    """Below which URL runs are on a store."""
    return f"{store_url.rstrip('/')}/{RUNS}"


def run_url(store_url: str, name: str) -> str:
    """Where a run of this name is, or will be, on a store."""
    return f"{store_url.rstrip('/')}/{_place(name)}"


def has_run(store: ObjectStore, name: str) -> bool:
    """Whether anything was pushed of a run."""
    return bool(store.names(_place(name)))


def check_same(store: ObjectStore, folder: RunFolder) -> None:
    """`UserError` where the store has another run under the name of this one."""
    name = folder.path.absolute().name
    pushes = _pushes(store, name, told=True).values()
    _same_run(store, name, pushes, folder.record, told=True)


def run_at(url: str) -> tuple[ObjectStore, str]:
    """The store and the name in the URL of a pushed run; `UserError` when it is none."""
    before, slash, name = url.rstrip("/").rpartition(f"/{RUNS}/")
    if not slash or not name or "/" in name:
        shown = url if set(url).isdisjoint("@?") else "this URL"  # it may hold keys
        raise UserError(f"{shown} is no pushed run; write its URL as s3://bucket/folder/runs/NAME")
    return ObjectStore.open(before), name


def _place(name: str) -> str:
    if set(name) & set("*?[]"):
        raise UserError(f"a run on a store cannot be called {name!r}: *?[] are read as patterns")
    return f"{RUNS}/{check_name(name, 'the run')}"


def _pushes(store: ObjectStore, name: str, *, told: bool = False) -> dict[str, Push]:
    """Every push of a run, by the name of its object; a damaged one is only ``told`` of where the
    run is at hand, so that pushing it mends the store."""
    found = {}
    for path, data in store.get(store.names(_place(name))).items():
        if sha256_of(data) != PurePosixPath(path).stem:
            if told:
                store.tell_damaged(path)
                continue
            raise InfrastructureError(f"{store.url}/{path} is damaged; push the run again")
        try:
            found[path] = Push.model_validate_json(data)
        except ValidationError:
            raise UserError(
                f"{store.url}/{path} is no push of a run that this Surveyor reads; bring it up to "
                "date, or push the run again"
            ) from None
    return found


def _records(store: ObjectStore, pushes: Iterable[Push], *, told: bool = False) -> list[RunRecord]:
    wanted = {push.files[_RECORD].sha256 for push in pushes}
    found = store.blobs(wanted)
    if not told and (lacking := wanted - found.keys()):
        raise InfrastructureError(
            f"run.json ({lacking.pop()}) is missing from {store.url} or damaged; push the run "
            "again from a machine that has it"
        )
    try:
        return [RunRecord.model_validate_json(found[sha256]) for sha256 in sorted(found)]
    except ValidationError as error:
        raise UserError(f"a run.json in {store.url} cannot be read: {error.title}") from None


def _same_run(
    store: ObjectStore, name: str, pushes: Iterable[Push], record: RunRecord, *, told: bool = False
) -> None:
    """`UserError` where a push is of a run with other settings; a higher limit is no other."""
    for other in _records(store, pushes, told=told):
        here = record
        if record.config.get("limit") is not None and other.config.get("limit") is not None:
            here = record.model_copy(update={"schedule_hash": other.schedule_hash})
        if differs := difference(other, here):
            raise UserError(
                f"{store.url}/{_place(name)} is a run with {differs}; give one of the two another "
                "name"
            )


def _kept(folder: RunFolder) -> Iterator[Path]:
    """Files to push. What leads out of the folder is refused: it is not the run's to show."""
    root = folder.path.resolve()
    logs = sorted((root / _EPISODES).glob("*.jsonl"))
    for path in (
        root / _RECORD,
        root / _SCHEDULE,
        *logs,
        *sorted((root / _BLOBS).glob("??/[!.]*")),
    ):
        if not path.is_file() or path.resolve() != path:
            raise UserError(f"{path} is missing or no plain file; mend the run before it is pushed")
        yield path


def _check_whole(folder: RunFolder) -> None:
    """`UserError` that names the first file that is not what its name or its form promises."""
    blobs = BlobStore(folder.path / _BLOBS)
    try:
        len(folder.schedule)
        for path in sorted((folder.path / _EPISODES).glob("*.jsonl")):
            deque(read_events(path), maxlen=0)
        if damaged := [blobs.path(sha256) for sha256 in blobs if sha256 not in blobs]:
            raise UserError(f"{damaged[0]} is damaged")
    except UserError as error:
        raise UserError(f"{error}; nothing was pushed") from None


def _is_final(path: Path) -> bool:
    if path.parent.name != _EPISODES:
        return True
    return last_status(path) not in (None, EpisodeStatus.INCOMPLETE)


def _union(pushes: Iterable[Push]) -> dict[str, PushedFile]:
    best: dict[str, PushedFile] = {}
    for push in pushes:
        for path, file in push.files.items():
            held = best.get(path)
            if held is None or _rank(file) < _rank(held):
                best[path] = file
    return best


def _rank(file: PushedFile) -> tuple[bool, str]:
    return not file.final, file.sha256


def _write(store: ObjectStore, name: str, files: Mapping[str, PushedFile], root: Path) -> None:
    paths: dict[str, list[str]] = {}
    for path, file in sorted(files.items()):
        if path.partition("/")[0] not in (_RECORD, _SCHEDULE, _EPISODES, _BLOBS):
            raise UserError(f"{store.url}/{_place(name)} holds {path!r}, which no run has")
        paths.setdefault(file.sha256, []).append(path)
    sizes = {file.sha256: file.size for file in files.values()}
    for some in _by_size(sizes):
        brought = store.blobs(some)
        for sha256 in some:
            if sha256 not in brought:
                raise InfrastructureError(
                    f"{paths[sha256][0]} of {store.url}/{_place(name)} is missing or damaged; "
                    "push the run again from a machine that has it"
                )
            for path in paths[sha256]:
                target = inside(root, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(brought[sha256])


def _by_size(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    some: list[str] = []
    held = 0
    for sha256, size in sizes.items():
        some.append(sha256)
        held += size
        if held > _ROUND:
            yield some
            some, held = [], 0
    if some:
        yield some

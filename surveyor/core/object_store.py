"""Objects under one URL that many machines share: S3, or whatever else fsspec speaks.

Objects are whole values under names that say what they are (a blob's hash, a request's hash), put
at most once with any meaning, so that writers need no locks and readers see all of one or nothing.
What needs appending, renaming or locks stays on a disk.
"""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

from surveyor.core.blobs import sha256_of
from surveyor.core.errors import InfrastructureError, ServiceUnavailable, UserError

STORE: Final = "SURVEYOR_STORE"
"""The variable that names the store of every run."""
_LOG = logging.getLogger("surveyor.store")
_AT_ONCE = 64  # objects in one round of requests
_ATOMIC: Final = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"})
"""Protocols whose puts appear whole; elsewhere a value is written aside and renamed."""
_S3: Final[Mapping[str, Any]] = {
    # s3fs tries again after timeouts, but not where a connection was refused.
    "retries": {"total_max_attempts": 3, "mode": "standard"},
    "connect_timeout": 5,
    "read_timeout": 30,
}
_ASIDE: Final = ".part-"
_MARK: Final = "surveyor-store.json"
T = TypeVar("T")


class ObjectStore:
    """Named bytes below ``url``. Safe for many threads, processes and machines at once.

    Every method raises `ServiceUnavailable` when the store cannot be reached and
    `InfrastructureError` when it denies access or its bucket is gone. Credentials are the
    protocol's own (environment, AWS's configuration), never part of the URL.
    """

    def __init__(self, url: str, files: Any, root: str) -> None:
        self.url = url
        self._files = files
        self._root = root.rstrip("/")
        self._atomic = urlsplit(url).scheme in _ATOMIC

    @classmethod
    def open(cls, url: str) -> Self:
        """The store at a URL, which is not asked for anything yet.

        Raises `UserError` for a URL that is none or holds a secret, and for a missing package.
        """
        told = urlsplit(url)
        if not told.scheme or "://" not in url:
            raise UserError(f"{url!r} is no URL of a store; write one as s3://bucket/folder")
        if "@" in told.netloc or told.query:
            raise UserError(
                "a store's URL holds no keys; put them into the environment (AWS_ACCESS_KEY_ID, "
                "AWS_SECRET_ACCESS_KEY) or AWS's own configuration"
            )
        if told.scheme == "memory":
            raise UserError(f"{url!r} ends with this process; name a store that stays")
        if set(url) & set("*?[]"):
            raise UserError(f"{url!r} holds one of *?[], which stores read as patterns")
        if told.scheme in ("s3", "s3a") and not told.netloc:
            raise UserError(f"{url!r} names no bucket; write it as s3://bucket/folder")
        try:
            import fsspec

            options = {"config_kwargs": dict(_S3)} if told.scheme in ("s3", "s3a") else {}
            files, root = fsspec.core.url_to_fs(url, use_listings_cache=False, **options)
        except ImportError as error:
            raise UserError(
                f"stores at {told.scheme}:// need a package ({error}); "
                "`pip install '.[storage]'` brings those for S3"
            ) from None
        except ValueError as error:
            raise UserError(f"{url} is no URL of a store: {error}") from None
        return cls(url.rstrip("/"), files, root)

    def check(self) -> None:
        """Write one small object, as the store has to be there and writable before work begins.

        Raises `UserError` when it is not, `ServiceUnavailable` when nothing answers.
        """
        self._refuse_run()
        try:
            self.put({_MARK: b'{"surveyor": 1}\n'})
        except ServiceUnavailable:
            raise
        except InfrastructureError as error:
            raise UserError(str(error)) from None

    def _refuse_run(self) -> None:
        """`UserError` where a run of a store lies: a store in it would look like damage there."""
        above, inside, name = self.url.rpartition("/runs/")
        try:
            if inside and "/" not in name and type(self).open(above).get([_MARK]):
                raise UserError(
                    f"{self.url} is a run's place; name the store that it is on: {above}"
                )
        except InfrastructureError:  # nothing to be seen there; what is wrong here is said next
            return

    def get(self, names: Sequence[str]) -> dict[str, bytes]:
        """The objects of these names that there are."""
        found: dict[str, bytes] = {}
        for some in _rounds(names):
            paths = {self._path(name): name for name in some}
            read = self._tried("reading", functools.partial(self._read, list(paths)))
            for path, value in read.items():
                if isinstance(value, bytes):
                    found[paths[path]] = value
                elif not isinstance(value, FileNotFoundError):
                    raise self._trouble("reading", value) from value
        return found

    def put(self, objects: Mapping[str, bytes]) -> None:
        """Store objects; each appears whole or not at all, in place of one of its name."""
        for names in _rounds(objects):
            some = {self._path(name): objects[name] for name in names}
            self._tried("writing", functools.partial(self._write, some))

    def names(self, folder: str) -> list[str]:
        """The names of all objects below a folder, in order."""
        below = self._path(folder)
        try:
            paths = self._tried("listing", lambda: self._files.find(below))
        except _NothingThere:
            return []
        found = (f"{folder}/{path.removeprefix(below).lstrip('/')}" for path in paths)
        return sorted(name for name in found if not name.rpartition("/")[2].startswith(_ASIDE))

    def blobs(self, hashes: Iterable[str]) -> dict[str, bytes]:
        """The blobs of these hashes that are here and whole; one that is damaged counts as
        missing, is told of in the log, and is replaced by whoever puts it again."""
        names = {blob_name(sha256): sha256 for sha256 in hashes}
        whole: dict[str, bytes] = {}
        for name, data in self.get(list(names)).items():
            if sha256_of(data) == names[name]:
                whole[names[name]] = data
            else:
                self.tell_damaged(name)
        return whole

    def put_blobs(self, blobs: Mapping[str, bytes]) -> None:
        """Store blobs under their hashes."""
        self.put({blob_name(sha256): data for sha256, data in blobs.items()})

    def tell_damaged(self, name: str) -> None:
        """Say in the log that an object is not what its name or its head says."""
        _LOG.warning("%s/%s is damaged; it counts as missing until it is put again", self.url, name)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _read(self, paths: list[str]) -> dict[str, bytes | Exception]:
        read: dict[str, bytes | Exception] = self._files.cat(paths, on_error="return")
        return {path: read[path] for path in paths}

    def _write(self, values: Mapping[str, bytes]) -> None:
        if self._atomic:
            self._files.pipe(dict(values))
            return
        for path, value in values.items():
            folder, _, name = path.rpartition("/")
            aside = f"{folder}/{_ASIDE}{name}-{uuid.uuid4().hex}"
            self._files.makedirs(folder, exist_ok=True)
            self._files.pipe_file(aside, value)
            self._files.mv(aside, path)

    def _tried(self, doing: str, step: Callable[[], T]) -> T:
        try:
            return step()
        except Exception as error:
            raise self._trouble(doing, error) from error

    def _trouble(self, doing: str, error: Exception) -> InfrastructureError:
        """What went wrong, in words without whatever a library may quote of a request."""
        kind = type(error).__name__
        if isinstance(error, FileNotFoundError):
            return _NothingThere(f"{doing} failed: there is no {self.url}; make its bucket first")
        if isinstance(error, PermissionError) or "Credentials" in kind:
            return InfrastructureError(
                f"{doing} is denied at {self.url}; check the credentials in the environment or in "
                "AWS's own configuration"
            )
        if isinstance(error, FileExistsError | NotADirectoryError):
            return InfrastructureError(
                f"{doing} failed: a file is where {self.url} needs a folder; name another place"
            )
        why = error.strerror if isinstance(error, OSError) and error.strerror else kind
        return ServiceUnavailable(f"{doing} failed at {self.url} ({why}); is it reachable?")


class _NothingThere(InfrastructureError):
    """The bucket or the folder does not exist."""


def blob_name(sha256: str) -> str:
    """Where a store keeps a blob."""
    return f"blobs/{sha256[:2]}/{sha256[2:]}"


def _rounds(names: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(names)
    while some := list(islice(rest, _AT_ONCE)):
        yield some

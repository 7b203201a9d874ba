"""Advisory locks: being the only process that works on something, also before it exists.

The one place that tells a held lock from a file system without locks.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from surveyor.core.errors import UserError

_TRIES = 100
_HELD = (errno.EWOULDBLOCK, errno.EACCES)


def try_lock(descriptor: int, path: Path, *, shared: bool = False) -> bool:
    """Lock an open file until it is closed; False when another process holds it.

    Raises `UserError` when the file system under ``path`` has no locks, so that nothing on it can
    be guarded against a second writer.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise UserError(
            f"the file system under {path.parent} has no locks ({error.strerror}); "
            "use a folder on a local disk, or mount that one with locks"
        ) from None
    return True


def hold(handle: int, place: Path) -> None:
    """Lock an open file for as long as it stays open; ``place`` is for messages.

    Raises `UserError` when another process holds it, and when the file system knows no locks.
    """
    if not try_lock(handle, place / "lock"):
        raise UserError(f"another process is working on {place}; wait for it or stop it first")


@contextmanager
def claimed(place: Path) -> Iterator[None]:
    """Hold a name for as long as the block lasts, whether or not anything has it yet.

    The lock is a hidden file beside ``place``, which is gone afterwards, as are the folders that
    had to be made for it and stayed empty. Raises `UserError` when another process holds the name
    or the file cannot be made.
    """
    real = Path(os.path.realpath(place))
    lock = real.with_name(f".{real.name}.lock")
    absent = [folder for folder in lock.parents if not folder.exists()]
    try:
        handle = _held(lock, place)
    except OSError as error:
        raise UserError(f"cannot write to {place.parent}: {error.strerror}") from None
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)  # still held, so nobody else's
        os.close(handle)
        with suppress(OSError):
            for folder in absent:
                folder.rmdir()


def _held(lock: Path, place: Path) -> int:
    """The lock, once it is certain that it is the one that others find under its name."""
    for _ in range(_TRIES):
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except FileNotFoundError:  # the one before us has just removed the folder
            continue
        try:
            hold(handle, place)
            if os.path.samestat(os.fstat(handle), lock.stat()):
                return handle
        except FileNotFoundError:  # or the file, between our opening and locking it
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
    raise UserError(f"{lock} cannot be made and locked; name another place, or remove it")

"""Advisory locks on files; the one place that tells a held lock from a system without locks."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path

from surveyor.core.errors import UserError

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

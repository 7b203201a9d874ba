"""Names that come from files: what is allowed in one, and the file that it gets."""

from __future__ import annotations

from typing import Final

from surveyor.core.blobs import sha256_of
from surveyor.core.errors import UserError

LONGEST: Final = 128
_BYTES: Final = 240
"""File systems hold names of 255 bytes, and a name may get a suffix."""
_SAFE: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")


def check_name(
    text: str, what: str = "the name", mend: str = "correct it in the file that it is from"
) -> str:
    """The name as it is, if it can be that of a file: any printable text in any script.

    Spaces inside are fine. Raises `UserError`, which says of ``what`` and how to ``mend`` it, for
    an empty name, one of more than 128 characters or 240 bytes, a path separator, a leading dot,
    ``..``, and characters that nobody sees.
    """
    if not text or text != text.strip():
        wrong = "is empty, or begins or ends with a space"
    elif len(text) > LONGEST or len(text.encode("utf-8", "surrogatepass")) > _BYTES:
        wrong = f"is longer than {LONGEST} characters or {_BYTES} bytes"
    elif "/" in text or "\\" in text:
        wrong = "holds a path separator"
    elif text.startswith(".") or ".." in text:
        wrong = "begins with a dot or holds two in a row"
    elif not text.isprintable():
        wrong = "holds characters that cannot be printed"
    else:
        return text
    shown = text if len(text) <= 40 else text[:40] + "..."
    raise UserError(f"{what} {shown!r} {wrong}; {mend}")


def safe_name(text: str) -> str:
    """A file name that no other text shares, also where names ignore case.

    Plain names stay readable. Others are reduced to safe characters and told apart by a hash after
    a ``~``, which a plain name never contains.
    """
    if 0 < len(text) <= 120 and text[0] != "." and not set(text) - _SAFE:
        return text
    plain = "".join(c if c in _SAFE - {"."} else "_" for c in text.lower())[:100]
    return f"{plain}~{sha256_of(text.encode('utf-8', 'surrogatepass'))[:16]}"

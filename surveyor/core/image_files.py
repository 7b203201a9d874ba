"""What the bytes of a file say before anything is decoded: which format, and whether it is whole.

Decoders are lenient or costly in different ways (a PNG's checksums, a JPEG's scans), so what they
do not look at is looked at here.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

MAX_SCANS: Final = 24
"""Scans of a JPEG. Encoders write up to eighteen; each costs a pass over the whole image, so
that a small file of thousands would keep a processor busy for minutes."""

_HEADER = 8
_BITMAP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_STARTS: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"GIF8", "GIF"),
    (b"8BPS", "Photoshop"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"%PDF", "PDF"),
)
# A marker inside a JPEG's coded data: neither a stuffed byte nor a restart.
_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
_SOS, _EOI = b"\xff\xda", b"\xff\xd9"
_START_OF_SCAN, _ENDS, _BARE = 0xDA, (0xD8, 0xD9), 0x01
_CRITICAL = re.compile(rb"[A-Z][A-Za-z]{3}")


def format_of(data: bytes) -> str | None:
    """The name of the format that the first bytes announce; None when it is none that we know."""
    for start, name in _STARTS:
        if data.startswith(start):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BITMAP_HEADERS:
        return "BMP"
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        return "HEIC" if brand in _HEIC else "AVIF" if brand in (b"avif", b"avis") else "video"
    return None


def flaw_of(data: bytes, name: str) -> str | None:
    """Why a file of this format must not be decoded, as the end of a sentence; None when it may."""
    if name == "PNG":
        return _png_flaw(data)
    return _jpeg_flaw(data) if name == "JPEG" else None


def _jpeg_flaw(data: bytes) -> str | None:
    """Counting bytes is far faster than parsing, and errs on one side only."""
    few = data.count(_SOS) <= MAX_SCANS
    if few and data.rfind(_EOI) > data.rfind(_SOS):
        return None
    scans, whole = _scans(data)
    if scans > MAX_SCANS:
        return f"is a JPEG of more than {MAX_SCANS} scans, which no camera writes"
    return None if whole else "is cut short"


def _scans(data: bytes) -> tuple[int, bool]:
    """How many scans a decoder would go through, and whether the image ends after them.

    What follows the end (a second image, a clip, junk) is not looked at.
    """
    scans, at = 0, 2
    while (found := _MARKER.search(data, at)) is not None:
        at, kind = found.end(), data[found.end() - 1]
        if kind in _ENDS:
            return scans, True
        if kind == _BARE:
            continue
        scans += kind == _START_OF_SCAN
        at += int.from_bytes(data[at : at + 2], "big")
    return scans, False


def _png_flaw(data: bytes) -> str | None:
    """Checksums of the chunks that pixels are made of; Pillow skips those of the pixel data."""
    at, view = _HEADER, memoryview(data)
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 8 + length
        if end + 4 > len(data):
            break
        told = int.from_bytes(data[end : end + 4], "big")
        if _CRITICAL.fullmatch(kind) and zlib.crc32(view[at + 4 : end]) != told:
            return f"is damaged (the checksum of its {kind.decode()} is wrong)"
        if kind == b"IEND":
            return None
        at = end + 4
    return "is cut short"

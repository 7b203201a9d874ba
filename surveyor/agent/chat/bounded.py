"""Reading a reply of unknown size: what is counted is what it unpacks to, not what was sent."""

from __future__ import annotations

import zlib

import httpx2

MOST_BYTES = 32_000_000
"""Decoded bytes of one reply. The longest replies that models can give are a tenth of this."""

_ANY_HEADER = 32 + zlib.MAX_WBITS  # gzip and zlib, told apart by their first bytes


class UnreadableReply(Exception):
    """A reply that is too large, or not packed as it says; the message is for a sentence."""


async def read_bounded(response: httpx2.Response, most: int = MOST_BYTES) -> bytes:
    """The decoded body; `UnreadableReply` beyond ``most`` bytes, which are never all in memory."""
    packing = response.headers.get("content-encoding", "").strip().lower()
    if packing in ("", "identity"):
        unpack = None
    elif packing in ("gzip", "x-gzip", "deflate"):
        unpack = _Unpacker()
    else:
        raise UnreadableReply(f"the reply is packed as {packing[:40]!r}, which was not asked for")
    body = bytearray()
    async for chunk in response.stream:  # type: ignore[union-attr]
        room = most - len(body) + 1
        body += unpack.some(chunk, room) if unpack else chunk
        if len(body) > most:
            raise UnreadableReply(f"the reply is larger than {most // 1_000_000} MB")
    return bytes(body)


class _Unpacker:
    """gzip and deflate, never giving more than was asked for."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(_ANY_HEADER)
        self._began = False

    def some(self, chunk: bytes, room: int) -> bytes:
        """Up to ``room`` decoded bytes of ``chunk``: more than that is too many anyway."""
        try:
            unpacked = self._inflate.decompress(chunk, room)
        except zlib.error as error:
            if self._began:
                raise UnreadableReply(f"the reply cannot be unpacked ({error})") from None
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)  # deflate without its header
            self._began = True
            return self.some(chunk, room)
        self._began = True
        return unpacked

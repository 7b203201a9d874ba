"""How a picture's pixels reach a model: inside the request, or by a URL that it fetches."""

from __future__ import annotations

import base64
import io
import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from surveyor.core.blobs import BlobRef, BlobStore
from surveyor.core.images import rgb

_JPEG_QUALITY = 92


class ImageSource(Protocol):
    """Turns a blob reference into the URL of an image part, as JSON bytes."""

    def url(self, ref: BlobRef) -> bytes:
        """A quoted JSON string; `UserError` when the blob is missing or damaged."""
        ...

    def shrunk(self, sha256: str) -> bytes | None:
        """The bytes that stood for a blob which was made smaller; ``None`` where it went as it
        is."""
        ...


class LinkedImages:
    """Images by URL, for endpoints that can reach our blob server.

    ``base`` is a server that answers ``GET {base}/v1/blobs/{sha256}``.
    """

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")

    def url(self, ref: BlobRef) -> bytes:
        """A link of about a hundred bytes, whatever the image weighs."""
        return f'"{self._base}/v1/blobs/{ref.sha256}"'.encode()

    def shrunk(self, sha256: str) -> None:
        """Whoever fetches gets the blob itself."""


class InlineImages:
    """Images inside the request, as base64 of the bytes they came in.

    The first of ``stores`` that has a blob gives it. Only an image beyond ``max_pixels`` is made
    smaller. Encodings are shared by all episodes of a process, and the least recently used are
    dropped beyond ``cache_bytes``.
    """

    def __init__(
        self,
        stores: Sequence[BlobStore],
        max_pixels: int | None = None,
        cache_bytes: int = 64_000_000,
    ) -> None:
        self._stores = tuple(stores)
        self._max_pixels = max_pixels
        self._room = cache_bytes
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._small: dict[str, BlobRef] = {}

    def url(self, ref: BlobRef) -> bytes:
        """A ``data:`` URL with the image's true media type."""
        known = self._cache.get(ref.sha256)
        if known is not None:
            self._cache.move_to_end(ref.sha256)
            return known
        encoded = self._encode(ref)
        self._cache[ref.sha256] = encoded
        self._room -= len(encoded)
        while self._room < 0 and len(self._cache) > 1:
            _, oldest = self._cache.popitem(last=False)
            self._room += len(oldest)
        return encoded

    def shrunk(self, sha256: str) -> bytes | None:
        """From the encoding that is sent."""
        if sha256 not in self._small:
            return None
        return base64.b64decode(self.url(self._small[sha256])[1:-1].partition(b",")[2])

    def _encode(self, ref: BlobRef) -> bytes:
        data, media_type = self._read(ref.sha256), ref.media_type
        width, height = sent_size(ref, self._max_pixels)
        if (width, height) != (ref.width or 0, ref.height or 0):
            data, media_type = _shrink(data, width, height), "image/jpeg"
            self._small[ref.sha256] = ref
        return b'"data:' + media_type.encode() + b";base64," + base64.b64encode(data) + b'"'

    def _read(self, sha256: str) -> bytes:
        holders = [store for store in self._stores if sha256 in store]
        return (holders or self._stores)[0].get(sha256)


def sent_size(ref: BlobRef, max_pixels: int | None) -> tuple[int, int]:
    """Width and height in pixels of what a model is sent; zeros when they are not known."""
    width, height = ref.width or 0, ref.height or 0
    if max_pixels is None or width * height <= max_pixels:
        return width, height
    scale = math.sqrt(max_pixels / (width * height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def _shrink(data: bytes, width: int, height: int) -> bytes:
    from PIL import Image

    small = rgb(data).resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()

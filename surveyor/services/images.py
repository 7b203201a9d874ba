"""Images as an adapter sees them: opened by header first, decoded only when pixels are wanted."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections import OrderedDict
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from surveyor.core.blobs import Derivation, sha256_of
from surveyor.services.blob_resolver import Shelf
from surveyor.services.contract import ErrorCode, ImageByHash, ImageInline, ImageRef
from surveyor.services.errors import ExpertError

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

Pixels = NDArray[np.uint8]

# What Pillow raises on bytes that are damaged in one way or another.
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    KeyError,
    IndexError,
    TypeError,
    OverflowError,
    MemoryError,
)
_ORIENTATION = 0x0112


class LoadedImage:
    """One image of a request.

    ``width`` and ``height`` are those of the upright image (EXIF orientation applied).
    ``derivation`` says which image it was made from, when the client or the store knows.
    """

    def __init__(self, data: bytes, *, max_pixels: int, derivation: Derivation | None = None):
        self.data = data
        self.derivation = derivation
        self._opened = _open(data)
        width, height = self._opened.size
        if width * height > max_pixels:
            raise ExpertError(
                ErrorCode.TOO_LARGE,
                f"the image has {width} x {height} = {width * height / 1e6:.0f} megapixels; this "
                f"service takes at most {max_pixels / 1e6:.0f}: send a smaller one",
                field="image",
            )
        self._turn = _orientation(self._opened)
        self.width, self.height = (height, width) if self._turn >= 5 else (width, height)
        self._lock = Lock()

    @cached_property
    def sha256(self) -> str:
        """Hash of the bytes as they came."""
        return sha256_of(self.data)

    @property
    def pixels(self) -> Pixels:
        """(H, W, 3) RGB uint8; raises `ExpertError` (bad_image) when the data is damaged."""
        with self._lock:
            return self._decoded

    @cached_property
    def _decoded(self) -> Pixels:
        from PIL import ImageOps

        try:
            image = self._opened.convert("RGB")
            if self._turn > 1:
                self._opened.load()
                image = ImageOps.exif_transpose(self._opened).convert("RGB")
            return np.asarray(image)
        except _DAMAGED as error:
            raise _bad_image(f"it is damaged or cut short ({error})") from error


class Images:
    """Gives adapters the images of a request by reference; keeps the last ones, decoded, up to
    ``keep`` pixels in all."""

    def __init__(self, shelf: Shelf, *, max_pixels: int, keep: int = 24_000_000) -> None:
        self._shelf = shelf
        self._max_pixels = max_pixels
        self._keep = keep
        self._kept: OrderedDict[tuple[str, Derivation | None], LoadedImage] = OrderedDict()
        self._lock = Lock()

    def __call__(self, reference: ImageRef) -> LoadedImage:
        """The image, opened; `ExpertError` when it is unknown, damaged or too large."""
        if isinstance(reference, ImageInline):
            return LoadedImage(decoded_base64(reference.data), max_pixels=self._max_pixels)
        return self._by_hash(reference)

    def lineage(self, sha256: str) -> Derivation | None:
        """How the store says that an image was made."""
        return self._shelf.derivation(sha256)

    def _by_hash(self, reference: ImageByHash) -> LoadedImage:
        derivation = reference.derivation or self._shelf.derivation(reference.sha256)
        key = (reference.sha256, derivation)
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return found
        data = self._shelf.get(reference.sha256)
        image = LoadedImage(data, max_pixels=self._max_pixels, derivation=derivation)
        image.__dict__["sha256"] = reference.sha256
        with self._lock:
            self._kept[key] = image
            total = sum(one.width * one.height for one in self._kept.values())
            while total > self._keep:
                _, gone = self._kept.popitem(last=False)
                total -= gone.width * gone.height
        return image


def inline(pixels: Pixels) -> ImageInline:
    """A PNG reference that needs no upload; handy for an adapter's ``probe``."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    data = base64.b64encode(buffer.getvalue()).decode()
    return ImageInline(data=data, media_type="image/png")


def decoded_base64(text: str) -> bytes:
    """The bytes of an inline image; `ExpertError` when it is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise _bad_image("its data is not base64") from error


def _open(data: bytes) -> PillowImage:
    """Read the header. Plugins are called directly because `Image.open` warns about large images
    through global state, where this service answers with a sentence of its own."""
    from PIL import JpegImagePlugin, PngImagePlugin

    try:
        if data.startswith(b"\xff\xd8\xff"):
            return JpegImagePlugin.JpegImageFile(io.BytesIO(data))
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return PngImagePlugin.PngImageFile(io.BytesIO(data))
    except _DAMAGED as error:
        raise _bad_image(f"its header is damaged ({error})") from error
    raise _bad_image("it is neither a JPEG nor a PNG file")


def _orientation(image: PillowImage) -> int:
    if image.format == "PNG" and "exif" not in image.info:
        return 1  # asking a PNG for more would decode all of it
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _DAMAGED:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _bad_image(why: str) -> ExpertError:
    message = f"the image cannot be read: {why}; send a whole JPEG or PNG file"
    return ExpertError(ErrorCode.BAD_IMAGE, message, field="image")

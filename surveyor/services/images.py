"""Images as an adapter sees them: opened by header first, decoded only when pixels are wanted."""

from __future__ import annotations

import base64
import io
from collections import OrderedDict
from copy import copy
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from surveyor.core.blobs import Derivation, sha256_of
from surveyor.core.images import ImageError, Pixels, opened
from surveyor.services.blob_resolver import BlobResolver
from surveyor.services.contract import ErrorCode, ImageByHash, ImageInline, ImageRef
from surveyor.services.errors import ExpertError

if TYPE_CHECKING:
    from PIL.Image import Exif

__all__ = ["Images", "LoadedImage", "Pixels", "decoded_base64", "inline"]


class LoadedImage:
    """One image of a request.

    ``width`` and ``height`` are those of the upright image (EXIF orientation applied).
    ``derivation`` says which image it was made from, when the client or the store knows.
    """

    def __init__(self, data: bytes, *, max_pixels: int, derivation: Derivation | None = None):
        self.data = data
        self.derivation = derivation
        try:
            self._opened = opened(data, max_pixels=max_pixels)
        except ImageError as error:
            raise _refused(error) from error
        self.width, self.height = self._opened.width, self._opened.height
        self._lock = Lock()

    @cached_property
    def sha256(self) -> str:
        """Hash of the bytes as they came."""
        return sha256_of(self.data)

    def exif(self) -> Exif:
        """What the camera wrote, if anything."""
        with self._lock:
            return self._opened.exif()

    @property
    def pixels(self) -> Pixels:
        """(H, W, 3) RGB uint8; raises `ExpertError` (bad_image) when the data is damaged."""
        with self._lock:
            return self._decoded

    @cached_property
    def _decoded(self) -> Pixels:
        try:
            return self._opened.pixels()
        except ImageError as error:
            raise _refused(error) from error
        except MemoryError as error:
            message = "there is no memory left to decode the image; ask again later"
            raise ExpertError(ErrorCode.OUT_OF_MEMORY, message, retry_after=1) from error


class Images:
    """Gives adapters the images of a request by reference; keeps the last ones, decoded, up to
    ``keep`` pixels in all.

    An image may have ``max_pixels``; those of one request ``request_pixels`` together, which is
    counted in what `for_request` gives.
    """

    def __init__(
        self,
        resolver: BlobResolver,
        *,
        max_pixels: int,
        request_pixels: int | None = None,
        keep: int = 24_000_000,
    ) -> None:
        self._blobs = resolver
        self._max_pixels = max_pixels
        self._request_pixels = request_pixels
        self._spent = 0
        self._mine: dict[ImageByHash, LoadedImage] | None = None
        self._keep = keep
        self._kept: OrderedDict[tuple[str, Derivation | None], LoadedImage] = OrderedDict()
        self._lock = Lock()

    def __call__(self, reference: ImageRef) -> LoadedImage:
        """The image, opened; `ExpertError` when it is unknown, damaged or too large."""
        if isinstance(reference, ImageInline):
            image = LoadedImage(decoded_base64(reference.data), max_pixels=self._max_pixels)
        elif self._mine is None:
            image = self._by_hash(reference)
        elif (known := self._mine.get(reference)) is not None:
            return known  # decoded once, counted once
        else:
            image = self._mine[reference] = self._by_hash(reference)
        self._spent += image.width * image.height
        most = self._request_pixels
        if most is not None and self._spent > most:
            raise ExpertError(
                ErrorCode.TOO_LARGE,
                f"the images of this request have more than {most / 1e6:.0f} megapixels together; "
                "send fewer or smaller ones",
                field="images",
            )
        return image

    def for_request(self) -> Images:
        """The same images, counted from nothing: make one for each request and let it go with the
        request, for it keeps all that it gave by hash."""
        counted = copy(self)
        counted._spent, counted._mine = 0, {}
        return counted

    def lineage(self, sha256: str) -> Derivation | None:
        """How the store says that an image was made."""
        return self._blobs.derivation(sha256)

    def _by_hash(self, reference: ImageByHash) -> LoadedImage:
        derivation = reference.derivation or self._blobs.derivation(reference.sha256)
        key = (reference.sha256, derivation)
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return found
        data = self._blobs.get(reference.sha256)
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


def _refused(error: ImageError) -> ExpertError:
    if error.too_large:
        return ExpertError(ErrorCode.TOO_LARGE, str(error), field="image")
    return _bad_image(f"it {error.what}")


def _bad_image(why: str) -> ExpertError:
    message = f"the image cannot be read: {why}; send a whole JPEG or PNG file"
    return ExpertError(ErrorCode.BAD_IMAGE, message, field="image")

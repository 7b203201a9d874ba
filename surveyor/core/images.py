"""The one door for images: what is one, how large it may be, and which way is up.

Loaders, tools, experts, other harnesses and chat all read images here, so they agree on what they
see: 8-bit RGB, upright (EXIF orientation applied), the first frame of several, transparency on
white, greys of 16 or 32 bits stretched from their darkest to their brightest value. JPEG, PNG,
WebP, BMP and TIFF are read; HEIC where pillow-heif is installed. Sizes, scans and checksums are
looked at before anything is decoded.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from numpy.typing import NDArray

from surveyor.core.errors import UserError
from surveyor.core.image_files import flaw_of, format_of
from surveyor.core.image_pixels import flat, turned

if TYPE_CHECKING:
    from PIL.Image import Exif
    from PIL.Image import Image as PillowImage
    from PIL.ImageFile import ImageFile

Pixels = NDArray[np.uint8]

MAX_PIXELS: Final = 40_000_000
SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif"}
)
UNREAD_SUFFIXES: Final = frozenset(
    {".gif", ".avif", ".jp2", ".jxl", ".svg", ".psd", ".ppm", ".tga", ".ico", ".exr", ".hdr"}
    | {".dng", ".cr2", ".nef", ".arw"}
)
"""Endings of pictures that are not read: a folder that holds one is refused, not shortened."""
READ: Final = frozenset({"JPEG", "PNG", "WebP", "BMP", "TIFF", "HEIC"})
_MEDIA: Final = {"JPEG": "image/jpeg", "PNG": "image/png"}
_AGAIN = "fetch it again"
_SAVE = "save it as JPEG or PNG"

# What Pillow raises on bytes that are damaged in one way or another, or warns of.
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
    NotImplementedError,
    RuntimeError,
    UserWarning,
)
_ORIENTATION = 0x0112
_LONGEST_RECORD = 65_000  # a JPEG holds no longer one
_TILE_WIDTH, _TILE_LENGTH = 322, 323


class ImageError(UserError):
    """What was given is no image that is read here: ``what`` is wrong, and what to do."""

    def __init__(self, name: str, what: str, advice: str = _AGAIN, *, too_large: bool = False):
        super().__init__(f"{name} {what}; {advice}")
        self.what = what
        self.too_large = too_large


class Opened:
    """An image whose header was read. ``width`` and ``height`` are those of the upright image.

    Pixels are decoded anew each time they are asked for, and not kept.
    """

    def __init__(self, image: ImageFile, data: bytes, format_name: str, name: str) -> None:
        self.format = format_name
        self._image = image
        self._data = data
        self._name = name
        # TIFF and HEIC decoders turn images upright themselves, and give that size.
        turns = format_name not in ("TIFF", "HEIC")
        self._turn = _orientation(image, data) if turns else 1
        width, height = image.size
        self.width, self.height = (height, width) if self._turn >= 5 else (width, height)

    def exif(self) -> Exif:
        """What the camera wrote; empty when it wrote nothing or the record is damaged."""
        from PIL.Image import Exif

        try:
            return self._image.getexif()
        except _DAMAGED:
            return Exif()

    def pixels(self) -> Pixels:
        """(H, W, 3) RGB uint8; `ImageError` when the data is damaged or cut short."""
        return np.asarray(self.rgb())

    def rgb(self) -> PillowImage:
        """The same as an image of mode RGB."""
        return self._decoded(flat)

    def luma(self) -> Pixels:
        """(H, W) uint8: luma alone, which a JPEG gives in half the time."""
        return np.asarray(self._decoded(_grey))

    def is_plain(self) -> bool:
        """Whether every reader sees the same in the bytes as they are."""
        image = self._image
        if self.format not in _MEDIA or self._turn > 1 or getattr(image, "is_animated", False):
            return False
        if self.format == "JPEG":
            return image.mode in ("RGB", "L")
        deep = self._data[24] > 8  # the bit depth in the header
        return image.mode in ("1", "L", "P", "RGB") and not deep and not image.has_transparency_data

    def jpeg_tables(self) -> list[list[int]] | None:
        """What a JPEG of RGB or grey was quantised with; None for every other image."""
        if self.format != "JPEG" or self._image.mode not in ("RGB", "L"):
            return None
        tables: dict[int, list[int]] = getattr(self._image, "quantization", {})
        return [tables[key] for key in sorted(tables)] or None

    def _decoded(self, convert: Callable[[ImageFile], PillowImage]) -> PillowImage:
        try:
            image = _reader(self.format, self._name)(io.BytesIO(self._data))
            return turned(convert(image), self._turn)
        except _DAMAGED as error:
            raise ImageError(self._name, f"is damaged or cut short ({error})") from error


@dataclass(frozen=True, slots=True)
class Kept:
    """Encoded bytes that every reader sees the same in, and their upright size in pixels."""

    data: bytes
    media_type: str
    width: int
    height: int


def opened(data: bytes, name: str = "the image", max_pixels: int = MAX_PIXELS) -> Opened:
    """Read the header of an encoded image; nothing is decoded yet.

    Raises `ImageError`, which calls the image ``name``, for what is no image, is in a format that
    is not read, has more than ``max_pixels``, or was built to be costly.
    """
    from PIL import Image

    format_name = format_of(data)
    if format_name not in READ:
        raise _no_image(data, format_name, name)
    flaw = flaw_of(data, format_name)
    if flaw is not None:
        raise ImageError(name, flaw)
    try:
        image = _reader(format_name, name)(io.BytesIO(data))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(name, f"is too large ({error})", _SAVE, too_large=True) from error
    except _DAMAGED as error:
        raise ImageError(name, f"is no {format_name} file that can be read ({error})") from error
    _check_size(image, name, max_pixels)
    return Opened(image, data, format_name, name)


def rgb(data: bytes, name: str = "the image") -> PillowImage:
    """An encoded image as upright RGB; raises as `opened` does."""
    return opened(data, name).rgb()


def luma(data: bytes, name: str = "the image") -> Pixels:
    """(H, W) uint8: luma alone, which a JPEG gives in half the time; raises as `opened` does."""
    return opened(data, name).luma()


def kept(data: bytes, name: str) -> Kept:
    """The form to store an image in, decoded whole to see that it can be.

    A plain JPEG or PNG keeps its bytes. Anything else (turned by EXIF, transparent, deep, CMYK,
    WebP, ...) is written anew: a JPEG as JPEG with its own tables of quality and its EXIF record,
    the rest as PNG. Raises as `opened` does.
    """
    image = opened(data, name)
    upright = image.rgb()
    if image.is_plain():
        return Kept(data, _MEDIA[image.format], *upright.size)
    # A TIFF's record is about its own layout.
    record = b"" if image.format == "TIFF" else _record(image.exif())
    out = io.BytesIO()
    tables = image.jpeg_tables()
    if tables is None:
        return _as_png(upright, record)
    upright.save(out, "JPEG", qtables=tables, subsampling=0, exif=record)
    return Kept(out.getvalue(), _MEDIA["JPEG"], *upright.size)


def kept_picture(image: PillowImage, name: str) -> Kept:
    """As `kept`, for an image that another program has opened: it becomes a PNG."""
    try:
        turn = image.getexif().get(_ORIENTATION, 1)
        return _as_png(turned(flat(image), turn), b"")
    except _DAMAGED as error:
        raise ImageError(name, f"is damaged or cut short ({error})") from error


def _grey(image: ImageFile) -> PillowImage:
    if image.format == "JPEG" and image.mode == "RGB":
        image.draft("L", image.size)
    image.load()
    plain = image.mode == "L" and not image.has_transparency_data
    return image if plain else flat(image).convert("L")


def _as_png(image: PillowImage, record: bytes) -> Kept:
    out = io.BytesIO()
    # The colour profile was for the pixels as they were, and nobody here reads it.
    image.save(out, "PNG", exif=record or None, icc_profile=None)
    return Kept(out.getvalue(), _MEDIA["PNG"], *image.size)


def _record(exif: Exif) -> bytes:
    """An EXIF record of an image that stands upright now; empty when it cannot be written."""
    exif.pop(_ORIENTATION, None)
    try:
        record = exif.tobytes() if len(exif) else b""
    except _DAMAGED:
        return b""
    return record if len(record) < _LONGEST_RECORD else b""


def _no_image(data: bytes, format_name: str | None, name: str) -> ImageError:
    if format_name is not None:
        article = "an" if format_name == "AVIF" else "a"
        return ImageError(name, f"is {article} {format_name} file, which is not read", _SAVE)
    if not data:
        return ImageError(name, "is empty")
    if data.startswith(b"version https://git-lfs"):
        return ImageError(name, "is a pointer of Git LFS", "run `git lfs pull` where it came from")
    return ImageError(name, "is not an image")


def _reader(format_name: str, name: str) -> Callable[[io.BytesIO], ImageFile]:
    """What reads a format. `Image.open` would try every format that Pillow knows, and warns about
    large images through global state, where the door answers with a sentence of its own."""
    if format_name == "HEIC":
        if find_spec("pillow_heif") is None:
            raise ImageError(
                name,
                "is a HEIC file and nothing installed reads these",
                "run `pip install '.[heic]'`, or save it as JPEG",
            )
        from pillow_heif import HeifImageFile

        return cast("Callable[[io.BytesIO], ImageFile]", HeifImageFile)
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.TiffImagePlugin import TiffImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    readers: dict[str, Callable[[io.BytesIO], ImageFile]] = {
        "JPEG": JpegImageFile,
        "PNG": PngImageFile,
        "WebP": WebPImageFile,
        "BMP": BmpImageFile,
        "TIFF": TiffImageFile,
    }
    return readers[format_name]


def _check_size(image: ImageFile, name: str, max_pixels: int) -> None:
    width, height = image.size
    tags = getattr(image, "tag_v2", {})
    tile = tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_LENGTH, 0)
    if max(width * height, tile) > max_pixels:
        raise ImageError(
            name,
            f"has {width} x {height} = {width * height / 1e6:.0f} megapixels and at most "
            f"{max_pixels / 1e6:.0f} are taken",
            "make it smaller",
            too_large=True,
        )
    if width < 1 or height < 1:
        raise ImageError(name, "has no pixels")


def _orientation(image: ImageFile, data: bytes) -> int:
    if image.format == "PNG" and "exif" not in image.info and b"eXIf" not in data:
        return 1  # asking a PNG for more would decode all of it
    try:
        with warnings.catch_warnings():  # a damaged record is none, and no news for a terminal
            warnings.simplefilter("ignore", UserWarning)
            value = image.getexif().get(_ORIENTATION, 1)
    except _DAMAGED:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1

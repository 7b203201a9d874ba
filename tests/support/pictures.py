"""Small image files of every kind, as bytes: what cameras, scanners and attackers write.

All show the same place, 40 wide and 60 high when upright: red, green, blue and yellow quarters.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Transpose

WIDTH, HEIGHT = 40, 60
CORNERS = ((220, 20, 20), (20, 200, 20), (20, 20, 220), (220, 220, 20))
"""Colours of the quarters: top left, top right, bottom left, bottom right."""

# What a camera held that way stores: the inverse of what its orientation asks for.
_STORED = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_270,
}


def quarters() -> Image.Image:
    """The place, upright."""
    pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    for k, colour in enumerate(CORNERS):
        row, column = divmod(k, 2)
        top, left = row * HEIGHT // 2, column * WIDTH // 2
        pixels[top : top + HEIGHT // 2, left : left + WIDTH // 2] = colour
    return Image.fromarray(pixels)


def corners(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(4, 3) colours in the middles of an image's quarters, in the order of `CORNERS`."""
    height, width = pixels.shape[:2]
    rows, columns = (height // 4, 3 * height // 4), (width // 4, 3 * width // 4)
    return np.array([pixels[v, u] for v in rows for u in columns], np.int64)


def encoded(image: Image.Image, kind: str, **how: Any) -> bytes:
    """An image file of Pillow's format ``kind``."""
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def oriented(kind: str, orientation: int, *, thumbnail: bool = False) -> bytes:
    """The place as a camera stores it that was held another way, with the EXIF record of that."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.get_ifd(0x8769)[0xA405] = 26  # focal length, 35 mm equivalent
    image = quarters()
    if (how := _STORED.get(orientation)) is not None:
        image = image.transpose(how)
    record = exif.tobytes()
    if thumbnail:
        record += encoded(image.resize((8, 8)), "JPEG")
    if kind == "TIFF":
        return encoded(image, kind, tiffinfo={0x0112: orientation})
    return encoded(image, kind, exif=record)


def chunk(kind: bytes, data: bytes, checksum: int | None = None) -> bytes:
    """One chunk of a PNG, with a wrong checksum if one is given."""
    told = zlib.crc32(kind + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", told)


PNG = b"\x89PNG\r\n\x1a\n"


def png(pixels: NDArray[Any], colour: int, *more: bytes, interlaced: bool = False) -> bytes:
    """A PNG of pixels (H, W) or (H, W, n) as they are (8 or 16 bits), ``more`` chunks in front.

    ``colour`` is PNG's type: 0 grey, 2 RGB, 4 grey and alpha, 6 RGB and alpha.
    """
    height, width = pixels.shape[:2]
    depth = 8 * pixels.dtype.itemsize
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    starts = (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    )
    passes = [pixels[v::dv, u::du] for v, u, dv, du in starts] if interlaced else [pixels]
    big = pixels.dtype.newbyteorder(">")
    rows = b"".join(
        b"\0" + row.astype(big).tobytes() for part in passes if part.size for row in part
    )
    return b"".join(
        (
            PNG,
            chunk(b"IHDR", header),
            *more,
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        )
    )


def png_of(width: int, height: int) -> bytes:
    """A PNG that declares a size and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        (
            PNG,
            chunk(b"IHDR", header),
            chunk(b"IDAT", zlib.compress(b"\0" * 99)),
            chunk(b"IEND", b""),
        )
    )


def text_bomb(megabytes: int) -> bytes:
    """A PNG whose compressed text unfolds to that many megabytes."""
    text = b"Comment\0\0" + zlib.compress(bytes(megabytes << 20), 9)
    return png(np.asarray(quarters()), 2, chunk(b"zTXt", text))


def scan_bomb(scans: int, size: int = 64, *, progressive: bool = True) -> bytes:
    """A JPEG that repeats its last scan until it has that many."""
    data = encoded(quarters().resize((size, size)), "JPEG", progressive=progressive)
    last, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    more = scans - data.count(b"\xff\xda")
    return data[:end] + more * data[last:end] + data[end:]


def top_down_bmp() -> bytes:
    """A BMP whose rows go from the top to the bottom: its height is negative."""
    data = bytearray(encoded(quarters().transpose(Transpose.FLIP_TOP_BOTTOM), "BMP"))
    data[22:26] = struct.pack("<i", -HEIGHT)
    return bytes(data)


def declared(kind: str, width: int, height: int) -> bytes:
    """A file whose header declares another size than it holds."""
    data = bytearray(encoded(quarters(), kind))
    if kind == "BMP":
        data[18:26] = struct.pack("<ii", width, height)
    elif kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", height, width)
    elif kind == "TIFF":
        for tag, value in ((256, width), (257, height)):
            at = next(k for k in range(8, len(data)) if data[k : k + 2] == struct.pack("<H", tag))
            data[at + 2 : at + 12] = struct.pack("<HII", 4, 1, value)
    return bytes(data)


def ramp(low: float, high: float, kind: type[Any]) -> NDArray[Any]:
    """Values (60, 40) that grow from the left to the right."""
    return np.tile(np.linspace(low, high, WIDTH), (HEIGHT, 1)).astype(kind)

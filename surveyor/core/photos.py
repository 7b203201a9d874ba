"""Somebody's own photographs: from files, folders and videos to what may be looked at and kept.

Photos are photos, not a video: they keep their order and no frame rate is made up. Everything goes
through the doors of `surveyor.core.images` and `surveyor.core.videos`, upright. What a camera wrote
beside the pixels (places, serial numbers, names) is dropped before anything is stored, because
pictures travel to providers and into pages that are sent on; pixels that need no turning keep their
bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from surveyor.core import images, videos
from surveyor.core.blobs import sha256_of
from surveyor.core.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Exif

MOST: Final = 256
FROM_VIDEO: Final = 32
_LOOKED_AT: Final = 4
"""Frames of a video that each kept one is the sharpest of."""
_LONGEST: Final = 2048
_EXIF, _FOCAL_35, _TAKEN = 0x8769, 0xA405, 0x9003
_FULL_FRAME: Final = 43.2666
"""Millimetres of the diagonal that equivalent focal lengths are of."""
_KEPT_PARTS: Final = frozenset({0xE0, 0xEE})
_KEPT_CHUNKS: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"sRGB"})


@dataclass(frozen=True, slots=True)
class Photo:
    """One upright picture. ``focal`` is in its pixels, ``None`` where nothing told it; ``taken``
    is what its camera wrote of the time, empty where it wrote nothing."""

    name: str
    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    focal: float | None = None
    taken: str = ""

    @property
    def sha256(self) -> str:
        """The name of its bytes."""
        return sha256_of(self.data)


@dataclass(frozen=True, slots=True)
class Photos:
    """What was given, in order, and a sentence for everything that was left out or is odd.

    ``left_out`` names pictures that were, before one that was kept: whoever counts what was given
    counts later ones otherwise than they are counted here.
    """

    photos: tuple[Photo, ...]
    warnings: tuple[str, ...] = ()
    video: bool = False
    left_out: tuple[str, ...] = ()


def read_photos(places: Sequence[Path], most: int = MOST) -> Photos:
    """The pictures in files, folders (in the natural order of their names) and videos.

    Damaged ones are named and the rest is used. Raises `UserError` when nothing is left, and for
    more than ``most``.
    """
    files = [file for place in places for file in _files(place)]
    if not files:
        raise UserError("name photos, a folder of them, or a video")
    if len(files) > most:
        raise UserError(f"these are {len(files)} pictures and at most {most} are taken; give fewer")
    found: dict[str, Photo] = {}
    warnings: list[str] = []
    skipped: list[str] = []
    left_out: tuple[str, ...] = ()
    video = False
    for file in files:
        try:
            if file.suffix.lower() in videos.SUFFIXES:
                video = True
                pictures = tuple(_of_video(file))
            else:
                pictures = (read_photo(file.read_bytes(), file.name),)
        except OSError as error:
            warnings.append(f"{file} cannot be read ({error.strerror})")
            skipped.append(file.name)
            continue
        except UserError as error:
            if len(files) == 1:
                raise
            warnings.append(str(error))
            skipped.append(file.name)
            continue
        for photo in pictures:
            if photo.sha256 in found:
                warnings.append(f"{photo.name} is the same picture as {found[photo.sha256].name}")
                skipped += [photo.name] if photo.name == file.name else []  # no frame of a video
            else:
                found[photo.sha256] = photo
                left_out = tuple(skipped)
    if not found:
        raise UserError("none of these is a picture that can be read: " + "; ".join(warnings[:3]))
    return Photos(tuple(found.values()), tuple(warnings), video, left_out)


def read_photo(data: bytes, name: str) -> Photo:
    """One picture from the bytes of its file; `UserError` when it is none or is damaged."""
    image = images.opened(data, name)
    told = image.exif()
    kept, media = data, f"image/{image.format.lower()}"
    if not image.is_plain() or max(image.width, image.height) > _LONGEST:
        kept, media, width, height = _again(image)
    else:
        image.rgb()  # a picture is refused here or nowhere
        width, height = image.width, image.height
        kept = _bare_jpeg(data) if image.format == "JPEG" else _bare_png(data)
    return Photo(name, kept, media, width, height, _focal(told, width, height), _taken(told))


def _files(place: Path) -> Iterator[Path]:
    known = {*images.SUFFIXES, *videos.SUFFIXES}
    if place.is_dir():
        inside = (path for path in place.iterdir() if not path.name.startswith("."))
        found = sorted((p for p in inside if p.suffix.lower() in known), key=_natural)
        if not found:
            raise UserError(f"{place} holds no photos or videos ({', '.join(sorted(known))})")
        yield from found
    elif place.is_file():
        yield place
    elif any(mark in str(place) for mark in "*?["):
        yield from sorted(place.parent.glob(place.name), key=_natural)
    else:
        raise UserError(f"there is no file or folder {place}")


def _natural(path: Path) -> tuple[tuple[int, int, str], ...]:
    parts = re.split(r"(\d+)", path.name)
    return tuple((1, int(p), "") if p.isdecimal() else (0, 0, p) for p in parts)


def _of_video(path: Path) -> Iterator[Photo]:
    """The sharpest frame of each of `FROM_VIDEO` equal parts."""
    from PIL import Image

    film = videos.open_film(path)
    looked = videos.evenly(len(film.seconds), FROM_VIDEO * _LOOKED_AT)
    size = max(1, -(-len(looked) // FROM_VIDEO))
    best: dict[int, tuple[float, float, np.ndarray]] = {}
    for k, (second, pixels) in enumerate(film.frames(looked)):
        sharp = _sharpness(pixels)
        if k // size not in best or sharp > best[k // size][0]:
            best[k // size] = (sharp, second, pixels)
    for _, second, pixels in best.values():
        picture = Image.fromarray(pixels)
        picture.thumbnail((_LONGEST, _LONGEST))
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=95)
        name = f"{path.name} at {second:.1f} s"
        yield Photo(name, out.getvalue(), "image/jpeg", *picture.size, None, f"{second:.3f}")


def _sharpness(pixels: np.ndarray) -> float:
    grey = pixels.mean(axis=2)[::2, ::2]
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())


def _again(image: images.Opened) -> tuple[bytes, str, int, int]:
    picture = image.rgb()
    picture.thumbnail((_LONGEST, _LONGEST))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=95)
    return out.getvalue(), "image/jpeg", *picture.size


def _bare_jpeg(data: bytes) -> bytes:
    """The same coded pixels without EXIF, comments and what else was written beside them."""
    out, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        kind = data[at + 1]
        if kind == 0xFF:
            at += 1
            continue
        if kind == 0xDA:
            break
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if not (0xE0 <= kind <= 0xEF or kind == 0xFE) or kind in _KEPT_PARTS:
            out.append(data[at:end])
        at = end
    last = data.rfind(b"\xff\xd9")
    out.append(data[at : last + 2])  # what follows the end (clips, second images) goes as well
    return b"".join(out)


def _bare_png(data: bytes) -> bytes:
    out, at = [data[:8]], 8
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] in _KEPT_CHUNKS:
            out.append(data[at:end])
        at = end
    return b"".join(out)


def _focal(told: Exif, width: int, height: int) -> float | None:
    """Pixels, from the focal length that a full-frame camera would need for the same picture."""
    try:
        value = float(told.get_ifd(_EXIF).get(_FOCAL_35, 0))
    except (TypeError, ValueError, KeyError, OSError, SyntaxError):
        return None
    return value / _FULL_FRAME * float(np.hypot(width, height)) if 4 < value < 2000 else None


def _taken(told: Exif) -> str:
    try:
        return str(told.get_ifd(_EXIF).get(_TAKEN, ""))[:32]
    except (TypeError, ValueError, KeyError, OSError, SyntaxError):
        return ""

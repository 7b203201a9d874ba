"""Frames of a scene: a folder of images, a video file, or images that came with the question.

Images keep the bytes they came in. Frames decoded from a video become PNG, which loses nothing.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from surveyor.benchmarks.loaders.video import open_video
from surveyor.core.errors import UserError
from surveyor.scenes.datasets.writer import Picture

IMAGES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
VIDEOS = (".mp4", ".avi", ".mov", ".mkv")


class Footage(Protocol):
    """What can be shown of one scene. ``fps`` is ``None`` where no rate is known."""

    @property
    def total(self) -> int:
        """How many frames there are."""

    @property
    def fps(self) -> float | None:
        """Frames a second."""

    def read(self, positions: Sequence[int]) -> Iterator[Picture]:
        """The frames at ascending positions; `UserError` for one that cannot be read."""


@dataclass(frozen=True, slots=True)
class Stills:
    """Images in order, from files or as bytes, named for messages.

    ``complete`` images came with their question: all of them are shown, whatever the frame rule.
    """

    images: tuple[Path | bytes, ...]
    name: str
    fps: float | None = None
    complete: bool = True

    @property
    def total(self) -> int:
        """How many images there are."""
        return len(self.images)

    def read(self, positions: Sequence[int]) -> Iterator[Picture]:
        """The images as they came."""
        for k in positions:
            image = self.images[k]
            name = str(image) if isinstance(image, Path) else f"image {k + 1} of {self.name}"
            data = read_image(image) if isinstance(image, Path) else image
            yield as_picture(data, k / self.fps if self.fps else float(k), name)


def footage_at(places: Sequence[Path], scene_id: str) -> Footage:
    """The frames at the first of ``places`` that exists, as a folder or as a video of that stem.

    Raises `UserError` that names the first place when there are no frames at any of them.
    """
    for place in places:
        for folder in (place, place / "color", place / "frames"):
            if folder.is_dir() and (found := _images(folder)):
                return Stills(found, scene_id, _rate(folder) or _rate(place), complete=False)
        for suffix in VIDEOS:
            video = place.with_name(place.name + suffix)
            if video.is_file():
                return open_video(video)
    raise UserError(
        f"there are no frames of {scene_id}: put a folder of images at {places[0]} or a video at "
        f"{places[0]}.mp4"
    )


def image_of(value: object, folder: Path, name: str) -> Path | bytes:
    """An image field of a row: a path below ``folder``, base64 text, bytes, or a struct of these.

    Raises `UserError` when it is none of them or the file is missing. ``name`` is for messages.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, Mapping):  # the struct that parquet files hold images in
        return image_of(value.get("bytes") or value.get("path"), folder, name)
    if isinstance(value, str):
        if len(value) < 1024 and (folder / value).is_file():
            return folder / value
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise UserError(f"{name} is missing: there is no file {folder / value}") from None
    raise UserError(f"{name} is missing: the row has {type(value).__name__} in its place")


def as_picture(data: bytes, time: float, name: str) -> Picture:
    """Encoded bytes with their size and type; `UserError` when they are no image."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
            media_type = Image.MIME[image.format or ""]
    except (UnidentifiedImageError, KeyError, OSError):
        raise UserError(f"{name} is not an image; fetch it again") from None
    return Picture(time=time, data=data, media_type=media_type, width=width, height=height)


def read_image(path: Path) -> bytes:
    """A file's bytes; `UserError` when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from None


def _images(folder: Path) -> tuple[Path, ...]:
    """Images in the order of the numbers in their names: 2.jpg comes before 10.jpg."""
    found = [path for path in folder.iterdir() if path.suffix.lower() in IMAGES]
    return tuple(sorted(found, key=_natural))


def _natural(path: Path) -> tuple[tuple[int, int, str], ...]:
    parts = re.split(r"(\d+)", path.name)
    return tuple((1, int(p), "") if p.isdecimal() else (0, 0, p) for p in parts)


def _rate(folder: Path) -> float | None:
    path = folder / "fps.txt"
    if not path.is_file():
        return None
    try:
        rate = float(path.read_text())
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise UserError(f"{path} must hold one positive number")
    return rate

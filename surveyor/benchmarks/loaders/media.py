"""Frames of a scene: a folder of images, a video file, or images that came with the question.

Images go through the door of `surveyor.core.images`: upright JPEG and PNG files keep the bytes they
came in. Frames decoded from a video become PNG, which loses nothing.
"""

from __future__ import annotations

import base64
import binascii
import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from surveyor.benchmarks.loaders.video import open_video
from surveyor.core import images, videos
from surveyor.core.errors import UserError
from surveyor.core.images import kept
from surveyor.core.paths import inside
from surveyor.scenes.datasets.writer import EncodedFrame

_RATE: Final = "fps.txt"


class Footage(Protocol):
    """What can be shown of one scene. ``fps`` is ``None`` where no rate is known."""

    @property
    def total(self) -> int:
        """How many frames there are."""

    @property
    def fps(self) -> float | None:
        """Frames a second."""

    @property
    def times(self) -> Sequence[float] | None:
        """Seconds of each frame where they do not follow from ``fps``."""

    def read(self, positions: Sequence[int]) -> Iterator[EncodedFrame]:
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

    @property
    def times(self) -> None:
        """Images are evenly spaced, if they have times at all."""

    def read(self, positions: Sequence[int]) -> Iterator[EncodedFrame]:
        """The images, upright; `UserError` for one that is none or is damaged."""
        for k in positions:
            image = self.images[k]
            name = str(image) if isinstance(image, Path) else f"image {k + 1} of {self.name}"
            data = read_image(image) if isinstance(image, Path) else image
            yield as_picture(data, k / self.fps if self.fps else float(k), name)


def footage_below(roots: Sequence[Path], names: Sequence[str], scene_id: str) -> Footage:
    """`footage_at` of the ``names``, which a benchmark's file gave, below each of the ``roots``.

    Raises `UserError` also for a name, a video or an image that leads out of its root.
    """
    places = {below(root, name): root for root in roots for name in names}
    footage = footage_at(list(places), scene_id)
    files = footage.images if isinstance(footage, Stills) else [getattr(footage, "path", None)]
    for file in files:
        if isinstance(file, Path):
            root = next(r for r in places.values() if file.is_relative_to(r))
            below(root, str(file.relative_to(root)))
    return footage


def footage_at(places: Sequence[Path], scene_id: str) -> Footage:
    """The frames at the first of ``places`` that exists, as a folder or as a video of that stem.

    Raises `UserError` that names the first place when there are no frames at any of them.
    """
    for place in places:
        for folder in (place, place / "color", place / "frames"):
            if folder.is_dir() and (found := _images(folder)):
                return Stills(found, scene_id, _rate(folder) or _rate(place), complete=False)
        if (video := _video(place)) is not None:
            return open_video(video)
    if (unread := next(filter(None, map(_unread, places)), None)) is not None:
        raise UserError(
            f"the frames of {scene_id} cannot be read from {unread}: images are "
            f"{', '.join(sorted(images.SUFFIXES))}, videos {', '.join(videos.SUFFIXES)}; convert it"
        )
    raise UserError(
        f"there are no frames of {scene_id}: put a folder of images at {places[0]} or a video at "
        f"{places[0]}.mp4, or say with --media where they are"
    )


def _video(place: Path) -> Path | None:
    """The video of that name, whatever the case of its ending."""
    for ending in (case for suffix in videos.SUFFIXES for case in (suffix, suffix.upper())):
        video = place.with_name(place.name + ending)
        if video.is_file():
            return video
    return None


def _unread(place: Path) -> Path | None:
    """What lies where frames are looked for and is in no format that is read, if anything."""
    if place.is_dir():
        found = [p for p in sorted(place.iterdir()) if p.is_file() and not _hidden(p)]
        return next((p for p in found if p.name != _RATE), None)
    known = place.parent.glob(f"{glob.escape(place.name)}.*") if place.parent.is_dir() else ()
    return next((p for p in sorted(known) if p.is_file() and p.stem == place.name), None)


def below(root: Path, name: str) -> Path:
    """A path that a benchmark's file names, below ``root``; the hub's cache may be linked to."""
    return inside(root, name, also=(_hub_cache(),))


def _hub_cache() -> Path:
    """Where huggingface_hub keeps what it fetched, by its own rules."""
    home = os.environ.get("HF_HOME") or Path(
        os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "huggingface"
    )
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home, "hub"))


def image_of(value: object, roots: Sequence[Path], name: str) -> Path | bytes:
    """An image field of a row: a path below one of ``roots``, base64 text, bytes, or a struct of
    these.

    Raises `UserError` when it is none of them, the file is missing, or its path leads out of the
    roots. ``name`` is for messages.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, Mapping):  # the struct that parquet files hold images in
        return image_of(value.get("bytes") or value.get("path"), roots, name)
    if isinstance(value, str):
        for root in roots if len(value) < 1024 else ():
            if _is_file(root / value):
                return below(root, value)
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise UserError(
                f"{name} is missing: there is no file {roots[0] / value}; "
                "say with --media where images are"
            ) from None
    raise UserError(f"{name} is missing: the row has {type(value).__name__} in its place")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # text that is no path at all
        return False


def as_picture(data: bytes, time: float, name: str) -> EncodedFrame:
    """What to store of an encoded image; `UserError` when it is none or is damaged."""
    image = kept(data, name)
    return EncodedFrame(time, image.data, image.media_type, image.width, image.height)


def read_image(path: Path) -> bytes:
    """A file's bytes; `UserError` when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from None


def _images(folder: Path) -> tuple[Path, ...]:
    """Images in the order of the numbers in their names: 2.jpg comes before 10.jpg.

    Names that start with a dot are what archives of other systems leave beside each file.
    """
    files = [path for path in folder.iterdir() if not _hidden(path)]
    found = [path for path in files if path.suffix.lower() in images.SUFFIXES]
    pictures = images.SUFFIXES | images.UNREAD_SUFFIXES
    if len(others := [p for p in files if p.suffix.lower() in pictures]) > len(found) > 0:
        unread = min(set(others) - set(found))
        raise UserError(f"{unread} is in no format that is read; save it as JPEG or PNG")
    return tuple(sorted(found, key=_natural))


def _hidden(path: Path) -> bool:
    return path.name.startswith(".")


def _natural(path: Path) -> tuple[tuple[int, int, str], ...]:
    parts = re.split(r"(\d+)", path.name)
    return tuple((1, int(p), "") if p.isdecimal() else (0, 0, p) for p in parts)


def _rate(folder: Path) -> float | None:
    path = folder / _RATE
    if not path.is_file():
        return None
    try:
        rate = float(path.read_text())
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise UserError(f"{path} must hold one positive number")
    return rate

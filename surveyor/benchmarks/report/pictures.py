"""Frames with what was found in them drawn in: masks in the pixels, boxes as vectors over them."""

from __future__ import annotations

import base64
import colorsys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.core.images import rgb
from surveyor.core.masks import decode_rle
from surveyor.memory.episodes import Episode
from surveyor.tools.wire import Box, Mask

WIDTH = 480
"""Pixels across in the page: sharp on a phone, small in the file."""


class Shape(BaseModel):
    """Anything in a result's data that lies in a frame; other fields are of no concern here."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    handle: str
    frame: str
    category: str
    score: float = 1.0
    box: Box
    mask: Mask | None = None

    @property
    def colour(self) -> str:
        """The CSS colour of its category."""
        red, green, blue = colour_of(self.category)
        return f"rgb({red},{green},{blue})"


@dataclass(frozen=True, slots=True)
class PagePicture:
    """One frame for the page; ``data`` is a JPEG data URI, sizes are pixels of the original."""

    handle: str
    data: str
    width: int
    height: int
    shapes: tuple[Shape, ...]

    @property
    def text_size(self) -> float:
        """Height of labels that are readable at the page's width."""
        return self.width / 30


def pictures(
    episode: Episode, frames: Sequence[int], stores: Sequence[BlobStore], most: int = 3
) -> tuple[PagePicture, ...]:
    """The frames in which most was found, in order; none when no pixels can be had."""
    hashes = dict(zip((f"frame_{index}" for index in frames), episode.started.frames, strict=False))
    found = {handle: shapes for handle, shapes in _by_frame(episode).items() if handle in hashes}
    telling = _telling(found, most) or list(hashes)[:1]
    order = {handle: place for place, handle in enumerate(hashes)}
    drawn = (
        _picture(handle, hashes[handle], found.get(handle, ()), stores)
        for handle in sorted(telling, key=order.__getitem__)
    )
    return tuple(picture for picture in drawn if picture is not None)


def _by_frame(episode: Episode) -> Mapping[str, tuple[Shape, ...]]:
    """The shapes of every frame; a mask replaces the box that it was cut out of."""
    found: dict[str, dict[tuple[str, Box], Shape]] = {}
    for outcome in episode.outcomes:
        for shape in _shapes(outcome.data):
            found.setdefault(shape.frame, {})[shape.category, _rounded(shape.box)] = shape
    return {frame: tuple(shapes.values()) for frame, shapes in found.items()}


def _telling(found: Mapping[str, Sequence[Shape]], most: int) -> list[str]:
    """Few frames that show everything: each next one adds most new categories, then most area."""
    left = dict(found)
    chosen: list[str] = []
    seen: set[str] = set()

    def worth(handle: str) -> tuple[int, float]:
        new = {shape.category for shape in left[handle]} - seen
        return len(new), sum(_area(shape.box) for shape in left[handle])

    while left and len(chosen) < most:
        best = max(left, key=worth)
        chosen.append(best)
        seen |= {shape.category for shape in left.pop(best)}
    return chosen


def _area(box: Box) -> float:
    left, top, right, bottom = box
    return (right - left) * (bottom - top)


def _rounded(box: Box) -> Box:
    left, top, right, bottom = (round(edge) for edge in box)
    return (left, top, right, bottom)


def _shapes(data: JsonValue) -> Iterator[Shape]:
    for row in data if isinstance(data, list) else ():
        try:
            yield Shape.model_validate(row)
        except ValidationError:
            continue


def _picture(
    handle: str, sha256: str, shapes: Sequence[Shape], stores: Sequence[BlobStore]
) -> PagePicture | None:
    store = next((store for store in stores if sha256 in store), None)
    if store is None:
        return None
    try:
        image = rgb(store.get(sha256))
    except UserError:  # a report is not the place to fail over one picture
        return None
    painted = _painted(np.asarray(image, np.float32), shapes)
    small = Image.fromarray(painted)
    small.thumbnail((WIDTH, WIDTH))
    out = BytesIO()
    small.save(out, "JPEG", quality=82)
    data = "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
    return PagePicture(handle, data, image.width, image.height, tuple(shapes))


def _painted(pixels: NDArray[np.float32], shapes: Sequence[Shape]) -> NDArray[np.uint8]:
    """The (H, W, 3) image with masks tinted."""
    out = pixels.copy()
    for shape in shapes:
        if shape.mask is None or shape.mask.size != pixels.shape[:2]:
            continue
        inside = decode_rle(shape.mask.size, shape.mask.counts)
        out[inside] = 0.55 * out[inside] + 0.45 * np.asarray(colour_of(shape.category), np.float32)
    return out.astype(np.uint8)


def colour_of(category: str) -> tuple[int, int, int]:
    """A bright colour, always the same for the same word, in 0..255."""
    hue = zlib.crc32(category.encode()) % 360 / 360
    red, green, blue = colorsys.hls_to_rgb(hue, 0.56, 0.85)
    return (round(255 * red), round(255 * green), round(255 * blue))

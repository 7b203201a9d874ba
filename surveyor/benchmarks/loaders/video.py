"""Frames of a video file, kept as PNG."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from surveyor.core.videos import Film, Pixels, open_film
from surveyor.scenes.datasets.writer import EncodedFrame


@dataclass(frozen=True, slots=True)
class Video:
    """A video file as footage. Frames are decoded in order and kept as PNG."""

    film: Film

    @property
    def made_by(self) -> str:
        """The library that decodes and its version, for the dataset's settings."""
        return self.film.made_by

    @property
    def total(self) -> int:
        """How many frames there are."""
        return len(self.film.seconds)

    @property
    def fps(self) -> float | None:
        """Frames a second, on average where the rate varies."""
        return self.film.fps

    @property
    def times(self) -> tuple[float, ...] | None:
        """Seconds of each frame where they are not those of an even rate."""
        return self.film.seconds if self.film.uneven else None

    def read(self, positions: Sequence[int]) -> Iterator[EncodedFrame]:
        """The frames at ascending positions."""
        for time, pixels in self.film.frames(positions):
            yield _encode(pixels, time)


def open_video(path: Path) -> Video:
    """The video's frames and times; raises as `surveyor.core.videos.open_film` does."""
    return Video(open_film(path))


def _encode(pixels: Pixels, time: float) -> EncodedFrame:
    from PIL import Image

    height, width = pixels.shape[:2]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return EncodedFrame(
        time=time, data=buffer.getvalue(), media_type="image/png", width=width, height=height
    )

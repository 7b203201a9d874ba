"""The one door for videos: which frames one holds, when each is shown, and which way is up.

PyAV or OpenCV decodes, whichever is installed. Frames are those that a player shows: edit lists
are honoured, times are the file's own (not a rate multiplied), the display matrix is applied, and
pixels that are no squares are made square (by PyAV).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveyor.core.errors import UserError
from surveyor.core.images import MAX_PIXELS

SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".m4v", ".webm")
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Film:
    """A video file whose frames are known by their times, ``seconds`` after the first frame.

    ``decoder`` names the library. ``stamps`` are the frames' times in the file's own ticks.
    """

    path: Path
    decoder: str
    seconds: tuple[float, ...]
    stamps: tuple[int, ...] = field(default=(), repr=False)

    @property
    def made_by(self) -> str:
        """The library that decodes and its version."""
        return f"{self.decoder} {import_module(self.decoder).__version__}"

    @property
    def fps(self) -> float | None:
        """Frames a second on average; None for a single frame."""
        span = self.seconds[-1]
        return (len(self.seconds) - 1) / span if span > 0 else None

    @property
    def uneven(self) -> bool:
        """Whether frame k is not shown at about k / fps: recorded at a variable rate, or cut."""
        rate = self.fps or 1.0
        return any(abs(t * rate - k) > 0.5 for k, t in enumerate(self.seconds))

    def frames(self, positions: Sequence[int]) -> Iterator[tuple[float, Pixels]]:
        """Time and upright RGB pixels (H, W, 3) of the frames at ascending positions.

        Raises `UserError` where the file ends or cannot be decoded before the last of them.
        """
        wanted = dict.fromkeys(positions)
        decode = _av_frames if self.decoder == "av" else _cv2_frames
        for k, pixels in decode(self, set(wanted)):
            if k in wanted:
                del wanted[k]
                yield self.seconds[k], pixels
            if not wanted:
                return
        raise UserError(f"{self.path} has no frame {min(wanted)} that can be decoded; {_AGAIN}")


_AGAIN = "fetch it again"


def open_film(path: Path) -> Film:
    """The frames of a video file.

    Raises `UserError` without a decoder, for a file that is missing or holds no video (sound
    alone, a still cover), and for one that cannot be read.
    """
    if not path.is_file():
        raise UserError(f"there is no video {path}")
    if find_spec("av") is not None:
        film = _av_film(path)
    elif find_spec("cv2") is not None:
        film = _cv2_film(path)
    else:
        raise UserError(
            f"{path} is a video and no decoder is installed; run `pip install av`, or put its "
            f"frames into a folder {path.with_suffix('')}"
        )
    if not film.seconds:
        raise UserError(f"{path} holds no frames that {film.decoder} can decode; {_AGAIN}")
    return film


def evenly(total: int, n: int) -> tuple[int, ...]:
    """``n`` positions from the first of ``total`` frames to the last, rounded down; all where
    there are no more (as lmms-eval and VLMEvalKit choose)."""
    if n >= total:
        return tuple(range(total))
    return tuple(int(k) for k in np.linspace(0, total - 1, n).astype(int))


def _av_film(path: Path) -> Film:
    import av

    try:
        with av.open(str(path)) as container:
            stream = _shown_stream(container, path)
            if stream.width * stream.height > MAX_PIXELS:
                raise UserError(
                    f"{path} has frames of {stream.width} x {stream.height} pixels; make it smaller"
                )
            base, rate = stream.time_base or Fraction(1), stream.average_rate
            # A packet is a frame in the usual containers, and reading packets costs little.
            kept = [p for p in container.demux(stream) if p.size and not p.is_discard]
            stamps = _ordered([packet.pts for packet in kept])
            if stamps and len(container.streams) == 1:
                shown_until = float((stamps[-1] + (kept[-1].duration or 0)) * base)
                _check_whole(path, shown_until, (container.duration or 0) / av.time_base)
        if stamps is None:
            with av.open(str(path)) as container:
                shown = [f.pts for f in container.decode(_shown_stream(container, path))]
            stamps = _ordered(shown)
            if stamps is None:  # no times at all, as in a raw stream
                step = 1 / (rate or Fraction(25))
                return Film(path, "av", tuple(float(k * step) for k in range(len(shown))))
    except (av.FFmpegError, IndexError) as error:
        reason = str(error).partition(":")[0]
        raise UserError(f"{path} is no video that av can read ({reason}); {_AGAIN}") from None
    seconds = tuple(float((stamp - stamps[0]) * base) for stamp in stamps)
    return Film(path, "av", seconds, stamps)


def _check_whole(path: Path, end: float, told: float) -> None:
    """`UserError` where the frames of a file end long before the seconds that its header tells."""
    if end < 0.9 * told - 1:
        raise UserError(
            f"{path} is cut short: its frames end at {end:.1f} of {told:.1f} s; {_AGAIN}"
        )


def _shown_stream(container: Any, path: Path) -> Any:
    """The first stream of moving pictures; a cover of a song is none."""
    from av.stream import Disposition

    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    raise UserError(f"{path} holds no video; give a file that was filmed, or a folder of images")


def _ordered(stamps: Sequence[int | None]) -> tuple[int, ...] | None:
    """Times in the order of showing; None when some are missing or occur twice."""
    known = sorted(stamp for stamp in stamps if stamp is not None)
    if len(known) < len(stamps) or any(a == b for a, b in pairwise(known)):
        return None
    return tuple(known)


def _av_frames(film: Film, wanted: set[int]) -> Iterator[tuple[int, Pixels]]:
    import av

    place = {stamp: k for k, stamp in enumerate(film.stamps)}
    try:
        with av.open(str(film.path)) as container:
            stream = _shown_stream(container, film.path)
            for order, frame in enumerate(container.decode(stream)):
                k = place.get(frame.pts, -1) if place else order
                if k in wanted:
                    # Pixels of old cameras and discs are no squares; a player shows them wider.
                    wide = round(frame.width * (stream.sample_aspect_ratio or 1))
                    square = frame.reformat(width=min(max(wide, 1), 4 * frame.width))
                    yield k, _upright(square.to_ndarray(format="rgb24"), _matrix(frame))
    except av.FFmpegError as error:
        reason = str(error).partition(":")[0]
        raise UserError(f"{film.path} cannot be decoded ({reason}); {_AGAIN}") from None


def _matrix(frame: Any) -> NDArray[np.int32] | None:
    """The display matrix (3, 3) that came with a frame: a point (x, y, 1) times it is shown."""
    side = frame.side_data.get("DISPLAYMATRIX")
    return None if side is None else np.frombuffer(bytes(side), np.int32).reshape(3, 3)


def _upright(pixels: Pixels, matrix: NDArray[np.int32] | None) -> Pixels:
    """Pixels as the matrix shows them, by quarter turns and flips."""
    if matrix is None:
        return pixels
    (a, b), (c, d) = matrix[:2, :2].astype(int).tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):  # x and y change places
        pixels, across, down = pixels.swapaxes(0, 1), c, b
    else:
        across, down = a, d
    pixels = pixels[:, ::-1] if across < 0 else pixels
    return np.ascontiguousarray(pixels[::-1] if down < 0 else pixels)


def _cv2_film(path: Path) -> Film:
    import cv2

    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise UserError(f"{path} holds no video that cv2 can read; {_AGAIN}")
        rate, seconds = float(capture.get(cv2.CAP_PROP_FPS)), []
        while capture.grab():
            seconds.append(float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000)
    finally:
        capture.release()
    if any(a >= b for a, b in pairwise(seconds)):
        seconds = [k / (rate if rate > 0 else 25.0) for k in range(len(seconds))]
    return Film(path, "cv2", tuple(t - seconds[0] for t in seconds))


def _cv2_frames(film: Film, wanted: set[int]) -> Iterator[tuple[int, Pixels]]:
    """OpenCV applies edit lists and the display matrix by itself."""
    import cv2

    capture = cv2.VideoCapture(str(film.path))
    try:
        for k in range(len(film.seconds)):
            if not capture.grab():
                return
            if k in wanted:
                yield k, np.ascontiguousarray(capture.retrieve()[1][..., ::-1])
    finally:
        capture.release()

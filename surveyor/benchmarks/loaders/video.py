"""Decoding video files with whichever optional library there is: PyAV or OpenCV."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from surveyor.core.errors import UserError
from surveyor.scenes.datasets.writer import Picture


@dataclass(frozen=True, slots=True)
class Video:
    """A video file; ``decoder`` names the library. Frames are decoded in order and kept as PNG."""

    path: Path
    decoder: str
    total: int
    fps: float | None

    @property
    def made_by(self) -> str:
        """The library that decodes and its version, for the dataset's settings."""
        return f"{self.decoder} {import_module(self.decoder).__version__}"

    def read(self, positions: Sequence[int]) -> Iterator[Picture]:
        """The frames at ascending positions."""
        wanted, found = set(positions), 0
        for k, image in enumerate(_decode(self.path, self.decoder)):
            if k in wanted:
                found += 1
                yield _encode(image, k / self.fps if self.fps else float(k))
            if found == len(wanted):
                return
        raise UserError(f"{self.path} ends before frame {max(positions)}; fetch it again")


def open_video(path: Path) -> Video:
    """The video's length and rate; `UserError` without a decoder or when it cannot be read."""
    for decoder in ("av", "cv2"):
        if find_spec(decoder) is not None:
            total, fps = _probe(path, decoder)
            if total < 1:
                raise UserError(f"{path} holds no frames that {decoder} can decode")
            return Video(path, decoder, total, fps)
    raise UserError(
        f"{path} is a video and no decoder is installed; run `pip install av`, or put its frames "
        f"into a folder {path.with_suffix('')}"
    )


def _probe(path: Path, decoder: str) -> tuple[int, float | None]:
    if decoder == "av":
        import av

        try:
            with av.open(str(path)) as container:
                stream = container.streams.video[0]
                rate = float(stream.average_rate) if stream.average_rate else None
                total = int(stream.frames) or sum(1 for _ in container.decode(video=0))
                return total, rate
        except (av.FFmpegError, IndexError) as error:
            raise _unreadable(path, error) from None
    import cv2

    capture = cv2.VideoCapture(str(path))
    try:
        rate = float(capture.get(cv2.CAP_PROP_FPS)) or None
        return int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), rate
    finally:
        capture.release()


def _decode(path: Path, decoder: str) -> Iterator[Any]:
    """Frames as RGB arrays (H, W, 3) of uint8."""
    if decoder == "av":
        import av

        try:
            with av.open(str(path)) as container:
                for frame in container.decode(video=0):
                    yield frame.to_ndarray(format="rgb24")
        except av.FFmpegError as error:
            raise _unreadable(path, error) from None
        return
    import cv2

    capture = cv2.VideoCapture(str(path))
    try:
        while (read := capture.read())[0]:
            yield read[1][..., ::-1]
    finally:
        capture.release()


def _unreadable(path: Path, error: Exception) -> UserError:
    reason = str(error).partition(":")[0]
    return UserError(f"{path} is no video that av can read ({reason}); fetch it again")


def _encode(image: Any, time: float) -> Picture:
    from PIL import Image

    height, width = image.shape[:2]
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return Picture(
        time=time, data=buffer.getvalue(), media_type="image/png", width=width, height=height
    )

"""Small video files of every kind. Frames are 64 wide and 48 high and show their own number.

In each, a green stripe lies at the top, and the left half gets brighter from frame to frame.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

WIDTH, HEIGHT, STRIPE = 64, 48, 12
STEP = 6


def frame(k: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """Pixels of frame ``k``."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2] = 10 + STEP * k
    pixels[:STRIPE] = (0, 200, 0)
    return pixels


def number(pixels: NDArray[np.uint8]) -> int:
    """Which frame upright pixels show."""
    height, width = pixels.shape[:2]
    return round((float(pixels[STRIPE + 6 : height - 4, 4 : width // 2 - 4].mean()) - 10) / STEP)


def film(
    path: Path,
    ticks: list[int],
    *,
    rate: int = 10,
    codec: str = "mpeg4",
    container: str | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> Path:
    """Write a video whose frame k is shown at ``ticks[k] / rate`` seconds; skips without PyAV."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.bit_rate = 2_000_000
        stream.codec_context.time_base = Fraction(1, rate)
        for k, tick in enumerate(ticks):
            shown = av.VideoFrame.from_ndarray(frame(k, *size), format="rgb24")
            shown.pts, shown.time_base = tick, Fraction(1, rate)
            out.mux(stream.encode(shown))
        out.mux(stream.encode())
    return path


def with_matrix(path: Path, a: int, b: int, c: int, d: int) -> Path:
    """Write a display matrix into an mp4's only track: what a phone does that was held so."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    data[at : at + 36] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(bytes(data))
    return path

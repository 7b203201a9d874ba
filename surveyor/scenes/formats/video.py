"""Writing a capture as an mp4, with the library that `surveyor.benchmarks.loaders.video` reads
with: PyAV.

H.264 at a quality that leaves edges where they were; colours are halved in resolution (4:2:0), as
every phone and every benchmark has them, so an odd last row or column of pixels is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from surveyor.core.errors import UserError
from surveyor.core.images import rgb

QUALITY = "12"


def check_encoder() -> None:
    """Raise `UserError` that says what to install where no encoder is."""
    if find_spec("av") is None:
        raise UserError(
            "no video encoder is installed; run `pip install av`, or choose the layout vsibench, "
            "which writes the frames as images"
        )


def write_mp4(path: Path, images: Sequence[bytes], fps: float) -> None:
    """Encode pictures of one size as a video of constant rate: picture k is shown at k / fps.

    Raises `UserError` without PyAV. Equal pictures give equal bytes on one machine.
    """
    check_encoder()
    import av

    rate = Fraction(fps).limit_denominator(1000)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(_codec(), rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.thread_count = 1
        for k, image in enumerate(images):
            pixels = _even(image)
            if k == 0:
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.options = {"crf": QUALITY}
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = k, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _codec() -> str:
    """H.264 where the library was built with it, else what every build has."""
    import av

    try:
        av.codec.Codec("libx264", "w")
    except av.codec.codec.UnknownCodecError:
        return "mpeg4"
    return "libx264"


def _even(image: bytes) -> Any:
    """Pixels (H, W, 3) uint8 with even height and width."""
    pixels = np.asarray(rgb(image))
    height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    return np.ascontiguousarray(pixels[:height, :width])

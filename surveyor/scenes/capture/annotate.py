"""Boxes and points drawn into frames, for questions that point at things."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ImageDraw

from surveyor.core.blobs import BlobStore, Derivation
from surveyor.core.cameras import Frame
from surveyor.core.images import rgb


@dataclass(frozen=True, slots=True)
class Annotation:
    """Something drawn into a frame that a question refers to: a coloured box or a lettered point.

    ``box`` is (x1, y1, x2, y2) in pixels of the frame; a point has equal corners and a ``label``.
    """

    frame: int
    box: tuple[int, int, int, int]
    colour: str
    label: str = ""


def draw_marks(blobs: BlobStore, frame: Frame, marks: Sequence[Annotation]) -> Frame:
    """The frame with marks drawn in, stored as a PNG derived from it; unchanged without marks."""
    if not marks:
        return frame
    image = rgb(blobs.get(frame.image.sha256), "the frame")
    pen = ImageDraw.Draw(image)
    width = max(2, image.width // 200)
    for mark in marks:
        if mark.label:
            u, v, radius = mark.box[0], mark.box[1], 3 * width
            pen.ellipse((u - radius, v - radius, u + radius, v + radius), None, mark.colour, width)
            pen.text((u + radius + 1, v - radius), mark.label, mark.colour, font_size=5 * width)
        else:
            pen.rectangle(mark.box, outline=mark.colour, width=width)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    reference = blobs.put(
        buffer.getvalue(),
        "image/png",
        width=image.width,
        height=image.height,
        derivation=Derivation(parent=frame.image.sha256, op="marked"),
    )
    return frame.model_copy(update={"image": reference})

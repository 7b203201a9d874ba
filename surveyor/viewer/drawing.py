"""The picture of a finding: one or two photos with what was found outlined, and the segment."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from surveyor.benchmarks.report.pictures import colour_of
from surveyor.core.geometry import Float, Intrinsics, Pose
from surveyor.core.images import rgb
from surveyor.core.masks import decode_rle
from surveyor.memory.episodes import Episode
from surveyor.memory.evidence import Chain, Node, box_of, chain
from surveyor.tools.geometry.kept import KeptGeometry

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage
    from PIL.ImageDraw import ImageDraw as Draw

Pixel = tuple[float, float]
Font = Any
_MOST: Final = 2
_WIDTH: Final = 720
_SEGMENT: Final = (255, 214, 10)
_DARK: Final = (20, 20, 24)


@dataclass(frozen=True, slots=True)
class DrawnSegment:
    """A measured length in one photo's pixels."""

    first: Pixel
    second: Pixel
    label: str


def segments(
    episode: Episode, links: Chain, blob: Callable[[str], bytes], label: str
) -> Mapping[str, DrawnSegment]:
    """The measured segment by frame handle, in every frame that shows all of it.

    ``blob`` gives what the run kept; nothing where no end points or cameras were logged.
    """
    row = next((n.row for r in links.roots if (n := links.nodes[r]).row.get("points")), None)
    if row is None:
        return {}
    kept = next(
        (
            outcome.data["geometry"]
            for outcome in episode.outcomes
            if isinstance(outcome.data, dict)
            and outcome.data.get("handle") == row.get("space")
            and outcome.data.get("geometry")
        ),
        None,
    )
    points = row.get("points")
    if not isinstance(kept, dict) or not isinstance(points, list) or len(points) != 2:
        return {}
    geometry = KeptGeometry.model_validate_json(blob(str(kept["sha256"])))
    ends = np.asarray(points, np.float64)
    found = {}
    for view in geometry.views:
        at = pixels_of(ends, Pose(np.array(view.T_world_camera)), view.intrinsics)
        if at is not None:
            found[view.frame] = DrawnSegment(at[0], at[1], label)
    return found


def pixels_of(points: Float, pose: Pose, intrinsics: Intrinsics) -> list[Pixel] | None:
    """Pixels of world points (n, 3) where a camera shows all of them, as shares of its size."""
    pixels, depth = intrinsics.project(pose.to_camera(points))
    shares = (pixels + 0.5) / np.array([intrinsics.width, intrinsics.height])
    if (depth <= 0.05).any() or (shares < 0).any() or (shares > 1).any():
        return None
    return [(float(u), float(v)) for u, v in shares]


def picture(
    episode: Episode,
    photo: Callable[[str], bytes | None],
    blob: Callable[[str], bytes],
    label: str,
) -> bytes | None:
    """A JPEG of the one or two most telling frames side by side; ``None`` where there is none.

    ``photo`` gives a frame's encoded bytes by its handle.
    """
    links = chain(episode)
    drawn = segments(episode, links, blob, label)
    outlined = _by_frame(links)
    chosen = _telling(outlined, drawn)
    shown = [(frame, data) for frame in chosen if (data := photo(frame)) is not None]
    if not shown:
        return None
    return joined([painted(data, outlined.get(f, ()), drawn.get(f)) for f, data in shown])


def _by_frame(links: Chain) -> dict[str, list[Node]]:
    masked = {str(node.row.get("prompt")) for node in links.of("mask")}
    found: dict[str, list[Node]] = {}
    for node in (*links.of("box"), *links.of("mask")):
        if node.handle not in masked:
            found.setdefault(str(node.row.get("frame")), []).append(node)
    return found


def _telling(
    outlined: Mapping[str, Sequence[Node]], drawn: Mapping[str, DrawnSegment]
) -> tuple[str, ...]:
    """One frame if it shows the segment or everything; else two that show most together."""

    def worth(frame: str) -> tuple[bool, int, float]:
        nodes = outlined.get(frame, ())
        return frame in drawn, len({n.row.get("category") for n in nodes}), _area(nodes)

    ranked = sorted({*outlined, *drawn}, key=worth, reverse=True)
    if not ranked:
        return ()
    every = {n.row.get("category") for nodes in outlined.values() for n in nodes}
    first = ranked[0]
    seen = {n.row.get("category") for n in outlined.get(first, ())}
    if seen >= every:
        return (first,)
    rest = [f for f in ranked[1:] if {n.row.get("category") for n in outlined.get(f, ())} - seen]
    return (first, *rest[: _MOST - 1])


def _area(nodes: Sequence[Node]) -> float:
    boxes = [box for node in nodes if (box := box_of(node.row)) is not None]
    return sum((right - left) * (bottom - top) for left, top, right, bottom in boxes)


def painted(data: bytes, nodes: Sequence[Node], segment: DrawnSegment | None) -> PillowImage:
    """A photo with outlines and the measured segment drawn in."""
    from PIL import Image, ImageDraw, ImageFont

    image = rgb(data)
    pixels = np.asarray(image, np.float32).copy()
    out_size = (pixels.shape[0], pixels.shape[1])
    for node in nodes:
        mask = node.row.get("mask")
        if isinstance(mask, dict) and mask.get("size") == list(pixels.shape[:2]):
            inside = decode_rle(out_size, str(mask["counts"]))
            if inside.shape == pixels.shape[:2]:
                tint = np.asarray(colour_of(str(node.row.get("category"))), np.float32)
                pixels[inside] = 0.6 * pixels[inside] + 0.4 * tint
    scale = _WIDTH / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    out = Image.fromarray(pixels.astype(np.uint8)).resize(size)
    draw = ImageDraw.Draw(out)
    font = ImageFont.load_default(15)
    for node in nodes:
        box = box_of(node.row)
        if box is not None:
            category = str(node.row.get("category"))
            edges = [edge * scale for edge in box]
            draw.rectangle(edges, outline=colour_of(category), width=2)
            _label(draw, (edges[0] + 3, max(edges[1] - 19, 2)), category, colour_of(category), font)
    if segment is not None:
        _draw_segment(draw, segment, size, ImageFont.load_default(20))
    return out


def _draw_segment(draw: Draw, segment: DrawnSegment, size: tuple[int, int], font: Font) -> None:
    ends = [(u * size[0], v * size[1]) for u, v in (segment.first, segment.second)]
    draw.line(ends, fill=_DARK, width=7)
    draw.line(ends, fill=_SEGMENT, width=4)
    for x, y in ends:
        draw.ellipse((x - 6, y - 6, x + 6, y + 6), fill=_SEGMENT, outline=_DARK, width=2)
    middle = ((ends[0][0] + ends[1][0]) / 2, (ends[0][1] + ends[1][1]) / 2 - 28)
    width = draw.textlength(segment.label.replace("–", "-"), font=font)
    x = min(max(middle[0] - width / 2, 6), size[0] - width - 6)
    _label(draw, (x, min(max(middle[1], 4), size[1] - 28)), segment.label, _SEGMENT, font)


def _label(draw: Draw, at: Pixel, text: str, colour: tuple[int, int, int], font: Font) -> None:
    text = text.replace("–", "-")  # the font of Pillow has no dash
    box = draw.textbbox(at, text, font=font)
    draw.rectangle((box[0] - 3, box[1] - 2, box[2] + 3, box[3] + 2), fill=_DARK)
    draw.text(at, text, fill=colour, font=font)


def joined(pictures: Sequence[PillowImage]) -> bytes:
    """Pictures side by side as one JPEG."""
    from PIL import Image

    height = max(one.height for one in pictures)
    gap = 8 * (len(pictures) - 1)
    out = Image.new("RGB", (sum(one.width for one in pictures) + gap, height), (24, 26, 31))
    x = 0
    for one in pictures:
        out.paste(one, (x, (height - one.height) // 2))
        x += one.width + 8
    buffer = io.BytesIO()
    out.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()

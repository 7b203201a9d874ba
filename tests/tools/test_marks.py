from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from surveyor.tools.geometry.marks import Rgb, drawn

SIZE = (480, 360)


def photograph(seed: int = 0) -> Image.Image:
    """Soft colours with saturated blobs of red and green, as a room may have."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(60, 200, (9, 12, 3), np.uint8))
    image = coarse.resize(SIZE, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    pen.ellipse((300, 200, 380, 290), fill=(250, 6, 4))
    pen.rectangle((20, 300, 90, 350), fill=(0, 128, 0))
    return image


def pixels(image: Image.Image) -> Rgb:
    return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("compressed", [False, True])
def test_coloured_boxes_are_found_where_they_were_drawn(compressed: bool) -> None:
    image = photograph()
    boxes = {"red": (40, 60, 160, 200), "blue": (120, 100, 300, 260), "green": (310, 20, 460, 90)}
    for colour, box in boxes.items():
        ImageDraw.Draw(image).rectangle(box, outline=colour, width=3)
    if compressed:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=92)
        image = Image.open(out)
    found, points = drawn(pixels(image))
    assert points == []
    placed = {one.colour: one.box for one in found}
    for colour, box in boxes.items():
        assert np.abs(np.subtract(placed[colour], box)).max() <= 3, colour


def test_a_side_that_another_mark_covers_is_still_a_side() -> None:
    image = photograph()
    pen = ImageDraw.Draw(image)
    pen.rectangle((200, 150, 400, 359), outline="red", width=2)
    pen.rectangle((150, 250, 420, 359), outline="blue", width=2)
    found, _ = drawn(pixels(image))
    assert {one.colour: one.box for one in found}["red"] == pytest.approx(
        (200, 150, 400, 359), abs=3
    )


def lettered(image: Image.Image, letter: str, u: int, v: int) -> None:
    pen = ImageDraw.Draw(image)
    pen.ellipse((u - 6, v - 6, u + 6, v + 6), None, "red", 2)
    pen.text((u + 7, v - 6), letter, "red", font_size=10)


@pytest.mark.parametrize("seed", range(3))
def test_points_are_told_apart_by_their_letters(seed: int) -> None:
    image = photograph(seed)
    lettered(image, "B", 60, 90)
    lettered(image, "A", 400, 120)
    boxes, points = drawn(pixels(image))
    assert boxes == []
    assert [(one.letter, one.pixel) for one in points] == [("A", (400, 120)), ("B", (60, 90))]


@pytest.mark.parametrize("edge", [(2, 200), (474, 200)])
def test_a_point_at_the_edge_of_the_picture_is_named_by_the_other(edge: tuple[int, int]) -> None:
    image = photograph()
    lettered(image, "A", 240, 60)
    lettered(image, "B", *edge)
    _, points = drawn(pixels(image))
    assert [one.letter for one in points] == ["A", "B"]
    assert points[0].pixel == (240, 60)


def test_a_picture_without_marks_has_none() -> None:
    assert drawn(pixels(photograph())) == ([], [])

"""The check of alignment sees a picture that lies one pixel off, whichever way."""

from __future__ import annotations

import numpy as np
import pytest

from surveyor.scenes.capture.rendering import RenderedFrame
from tests.claims.rooms.alignment import alignment, offsets


def _frame(shift: tuple[int, int] = (0, 0)) -> RenderedFrame:
    """Blocks of sixteen pixels, each with its own id, brightness and depth."""
    rng = np.random.default_rng(1)
    ids = np.repeat(np.repeat(np.arange(1, 49).reshape(6, 8), 16, axis=0), 16, axis=1)
    grey = rng.integers(0, 256, 49).astype(np.uint8)[ids]
    depth = rng.uniform(1, 5, 49).astype(np.float32)[ids]
    moved = np.roll(grey, shift, axis=(0, 1))
    return RenderedFrame(np.repeat(moved[..., None], 3, axis=2), depth, ids.astype(np.int32))


def test_an_aligned_picture_is_found_aligned() -> None:
    assert offsets(_frame()) == [(0, 0), (0, 0)]


@pytest.mark.parametrize(("dv", "du"), [(0, 1), (0, -1), (1, 0), (-2, 0)])
def test_a_shifted_picture_is_found_out(dv: int, du: int) -> None:
    assert offsets(_frame((dv, du))) == [(-du, -dv), (0, 0)]


def test_a_layer_without_a_step_says_nothing() -> None:
    frame = _frame()
    flat = RenderedFrame(frame.rgb, np.full_like(frame.depth, 3.0), frame.ids)
    assert offsets(flat) == [(0, 0)]


def test_a_room_is_filmed_to_the_pixel() -> None:
    assert alignment([6], cameras_per_room=1).value == 1.0

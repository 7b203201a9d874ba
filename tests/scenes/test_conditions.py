"""Conditions: drawn from seeds, recorded, repeatable, and visible in the pixels."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import ndimage

from surveyor.core.errors import UserError
from surveyor.scenes.capture.conditions import (
    CONDITIONS,
    Blur,
    Dark,
    LowResolution,
    Step,
    degrade,
    plan_capture,
)
from surveyor.scenes.rooms.room import RoomSpec

CHECKS = ((np.indices((120, 160)).sum(axis=0) // 8 % 2) * 160 + 60).astype(np.uint8)
FRAME = np.repeat(CHECKS[..., None], 3, axis=2)


def sharpness(rgb: np.ndarray) -> float:
    return float(np.abs(ndimage.laplace(rgb.mean(axis=2))).mean())


def test_plans_repeat_and_record_every_frame() -> None:
    for condition in CONDITIONS:
        first, second = (plan_capture(RoomSpec(seed=4), condition, 12) for _ in range(2))
        assert first == second
        assert len(first.steps) == first.n_frames
    assert plan_capture(RoomSpec(seed=4), "clean").tags == ()


def test_steps_survive_a_round_trip() -> None:
    adapter: TypeAdapter[Step] = TypeAdapter(Step)
    for step in plan_capture(RoomSpec(seed=2), "mixed").steps[0]:
        assert adapter.validate_json(adapter.dump_json(step)) == step


@pytest.mark.parametrize(
    "step",
    [
        Dark(exposure=0.1, read_noise=3),
        Blur(length=12, angle=0.4, sigma=1.5),
        LowResolution(factor=4),
    ],
)
def test_degrading_is_repeatable_and_leaves_the_clean_frame(step: Step) -> None:
    before = FRAME.copy()
    first, second = degrade(FRAME, (step,), 7), degrade(FRAME, (step,), 7)
    assert first.tobytes() == second.tobytes()
    assert FRAME.tobytes() == before.tobytes()
    assert first.shape == FRAME.shape
    assert first.dtype == np.uint8


def test_dark_frames_are_dark_and_noisy() -> None:
    flat = np.full((60, 80, 3), 200, np.uint8)
    dark = degrade(flat, (Dark(exposure=0.06, read_noise=3),), 1)
    assert dark.mean() < 0.45 * flat.mean()
    assert dark.std() > 2


def test_blur_and_low_resolution_remove_detail() -> None:
    assert sharpness(degrade(FRAME, (Blur(length=16, angle=0.5, sigma=2.0),), 0)) < 0.7 * sharpness(
        FRAME
    )
    assert sharpness(degrade(FRAME, (LowResolution(factor=6),), 0)) < 0.7 * sharpness(FRAME)


def test_scene_conditions_change_room_and_walk() -> None:
    spec = RoomSpec(seed=9)
    assert plan_capture(spec, "few_views").n_frames <= 10
    assert plan_capture(spec, "cluttered").spec.clutter == 1.0
    assert plan_capture(spec, "wide").spec.shape == "two_rooms"
    picture, scene = plan_capture(spec, "mixed").tags
    assert picture in ("dark", "blurred", "low_resolution")
    assert scene in ("cluttered", "few_views", "wide")


def test_unknown_conditions_end_in_one_sentence() -> None:
    with pytest.raises(UserError, match="no condition 'foggy'"):
        plan_capture(RoomSpec(seed=1), "foggy")  # type: ignore[arg-type]

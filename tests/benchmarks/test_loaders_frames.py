"""Frame rules, and the places where frames are found."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.image_questions import printed
from surveyor.benchmarks.loaders.media import Stills, as_picture, footage_at
from surveyor.core.errors import UserError
from tests.benchmarks.published import picture, put

RULES = st.one_of(
    st.builds(
        lambda kind, n: f"{kind}:{n}",
        st.sampled_from(["uniform", "uniform-tail", "centre"]),
        st.integers(1, 70),
    ),
    st.floats(0.01, 60).map(lambda rate: f"fps:{rate:g}"),
    st.just("all"),
)


@pytest.mark.parametrize(
    ("rule", "total", "fps", "positions"),
    [
        ("all", 4, None, (0, 1, 2, 3)),
        ("uniform:4", 10, None, (0, 3, 6, 9)),
        ("uniform:4", 3, None, (0, 1, 2)),
        ("uniform:1", 10, None, (0,)),
        ("uniform-tail:1", 10, None, (0, 9)),
        ("centre:2", 10, None, (2, 7)),
        ("fps:1", 10, 4.0, (0, 4)),
        ("fps:30", 3, 10.0, (0, 1, 2)),
        ("fps:0.1", 3, 10.0, (0,)),
        ("list:4,0,4", 5, None, (0, 4)),
    ],
)
def test_rules(rule: str, total: int, fps: float | None, positions: tuple[int, ...]) -> None:
    assert FrameRule.parse(rule).pick("room", total, fps) == positions


@given(RULES, st.integers(1, 400), st.floats(1, 120))
def test_every_rule_gives_frames_that_exist_and_is_recorded(
    text: str, total: int, fps: float
) -> None:
    rule = FrameRule.parse(text)
    positions = rule.pick("room", total, fps)
    assert positions
    assert list(positions) == sorted(set(positions))
    assert 0 <= positions[0] <= positions[-1] < total
    if rule.n is not None:
        assert len(positions) <= min(total, rule.n + 1)
    recorded = json.loads(json.dumps(rule.model_dump(mode="json", exclude_defaults=True)))
    assert FrameRule.model_validate(recorded) == rule
    assert FrameRule.parse(str(rule)).kind == rule.kind


@pytest.mark.parametrize(
    "text",
    ["", "uniform", "uniform:0", "uniform:x", "fps:-1", "fps:nan", "list:", "all:3", "best:3"],
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is no frame rule"):
        FrameRule.parse(text)


def test_a_list_may_differ_by_scene() -> None:
    rule = FrameRule(kind="list", scenes={"attic": (3, 1)})
    assert rule.pick("attic", 4, None) == (1, 3)
    with pytest.raises(UserError, match="lists no frames for studio"):
        rule.pick("studio", 4, None)
    with pytest.raises(UserError, match="4 frames, so there is no frame 7"):
        FrameRule.parse("list:7").pick("attic", 4, None)
    with pytest.raises(UserError, match="no frame rate"):
        FrameRule.parse("fps:1").pick("attic", 4, None)


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for k in (10, 9, 2):
        put(tmp_path / "attic" / "color" / f"frame-{k}.png", picture(k, ".png"))
    put(tmp_path / "attic" / "color" / "poses.txt", b"")
    footage = footage_at([tmp_path / "nowhere", tmp_path / "attic"], "attic")
    assert (footage.total, footage.fps) == (3, None)
    shown = list(footage.read((0, 1, 2)))
    assert [one.data for one in shown] == [picture(k, ".png") for k in (2, 9, 10)]
    assert {(one.media_type, one.width, one.height) for one in shown} == {("image/png", 32, 24)}


def test_a_frame_rate_gives_times(tmp_path: Path) -> None:
    for k in range(3):
        put(tmp_path / "attic" / f"{k}.jpg", picture(k))
    put(tmp_path / "attic" / "fps.txt", b"4\n")
    footage = footage_at([tmp_path / "attic"], "attic")
    assert footage.fps == 4
    assert [one.time for one in footage.read((0, 2))] == [0, 0.5]
    put(tmp_path / "attic" / "fps.txt", b"fast")
    with pytest.raises(UserError, match="one positive number"):
        footage_at([tmp_path / "attic"], "attic")


def test_a_video_that_cannot_be_decoded_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "attic.mp4", b"no video")
    wanted = "fetch it again|holds no frames|is no video"
    if find_spec("av") is None and find_spec("cv2") is None:
        wanted = "pip install av"
    with pytest.raises(UserError, match=wanted):
        footage_at([tmp_path / "attic"], "attic")


def test_bytes_that_are_no_image_are_refused() -> None:
    with pytest.raises(UserError, match="image 2 of row 5 is not an image"):
        as_picture(b"text", 0.0, "image 2 of row 5")
    assert Stills((b"", b""), "row").total == 2


def test_a_prompt_is_split_only_where_its_own_options_end_it() -> None:
    choices = ("left", "right")
    options = ("(A) left", "(B) right")
    assert printed("", "Where?", choices) == ("Where?", options)
    assert printed("Where? Choose.\n(A) left\n(B) right", "Where?", choices) == (
        "Where? Choose.",
        options,
    )
    other = "Where? Choose.\n(A) left\n(B) right."
    assert printed(other, "Where?", choices) == (other, ())

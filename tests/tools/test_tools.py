"""What single tools promise, in a room of boxes."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import JsonValue

from surveyor.core.blobs import BlobStore
from surveyor.core.geometry import PointCloud
from surveyor.memory.events import ToolStatus
from surveyor.tools.records import CloudRecord, FrameRecord, ObjectRecord
from surveyor.tools.schemas import (
    MeasureData,
    MotionData,
    NearestData,
    ObjectsData,
    OrderData,
    TopViewData,
    TurnsData,
)
from tests.support.box_room import THINGS, BoxRoom
from tests.tools.conftest import ALL, FRAMES, Hand, make_client


def test_fused_objects_are_the_things_in_the_room(hand: Hand) -> None:
    found = [row for row in hand.objects().objects if row.accepted]
    assert sorted(row.category for row in found) == sorted(name for name, _ in THINGS)
    for name, box in THINGS:
        row = min(
            (row for row in found if row.category == name),
            key=lambda row: float(np.linalg.norm(np.subtract(row.center, box.center))),
        )
        assert row.center == pytest.approx(box.center, abs=0.08)
        assert max(row.size) == pytest.approx(max(box.size), rel=0.1)
        assert row.support <= row.visible


def test_objects_keep_number_and_size_where_the_reconstruction_drifts(tmp_path: Path) -> None:
    room = BoxRoom(BlobStore(tmp_path / "frames"), drift=0.12)
    found = [row for row in Hand(room, tmp_path).objects().objects if row.accepted]
    assert sorted(row.category for row in found) == sorted(name for name, _ in THINGS)
    for name, box in THINGS:
        row = min(
            (row for row in found if row.category == name),
            key=lambda row: float(np.linalg.norm(np.subtract(row.center, box.center))),
        )
        assert max(row.size) == pytest.approx(max(box.size), rel=0.12)


def test_a_false_alarm_in_one_view_is_not_accepted(tmp_path: Path) -> None:
    """The lamp is found in one view only, though many could see it."""
    misses = frozenset((frame, 4) for frame in range(12))
    room = BoxRoom(BlobStore(tmp_path / "frames"))
    seen = [index for index in range(12) if (room.views[index][1] == 4).sum() > 60]
    room.misses = misses - {(seen[0], 4)}
    lamps = [row for row in Hand(room, tmp_path).objects().objects if row.category == "lamp"]
    assert [(row.support, row.accepted) for row in lamps] == [(1, False)]
    assert lamps[0].visible > 3


def test_costs_are_priced_and_not_discounted_by_the_cache(hand: Hand) -> None:
    first = hand("detect", frames=FRAMES, phrases=["sofa"])
    second = hand("detect", frames=FRAMES, phrases=["sofa"])
    assert (first.expert_calls, first.cached) == (12, 0)
    assert (second.expert_calls, second.cached) == (0, 12)
    assert first.cost == second.cost == pytest.approx(12 * 0.12)
    assert first.producers[0].name == "detect"


def test_falsified_evidence_is_fused_anew(hand: Hand) -> None:
    """What is remembered across episodes must not hide, nor spread, what a probe revised."""
    honest = hand.objects().objects
    recon = honest[0].space
    group = next(h for h in hand.workspace.evidence([honest[0].handle]) if h.startswith("cloud"))
    record = hand.workspace.get(group, CloudRecord)
    moved = PointCloud(record.cloud.points + np.array([0.0, 0.0, 5.0]), record.cloud.scale)
    hand.workspace.revise(group, lambda _: replace(record, cloud=moved))
    lied = ObjectsData.model_validate(hand("fuse", clouds=[group]).data).objects[0]
    assert lied.center[2] > 4
    hand.workspace.revise(group, lambda _: record)
    again = ObjectsData.model_validate(hand("fuse", clouds=[group]).data).objects[0]
    assert again.center[2] < 2
    assert again.space == recon


def test_evidence_goes_back_to_frames(hand: Hand) -> None:
    row = hand.objects().objects[0]
    evidence = hand.workspace.evidence([row.handle])
    assert {h.partition("_")[0] for h in evidence} == {"obj", "cloud", "mask", "box", "frame"}
    assert len([h for h in evidence if h.startswith("frame")]) == row.support


def test_objects_of_different_frames_of_reference_are_not_mixed(hand: Hand) -> None:
    boxes = hand("detect", frames=FRAMES[:4], phrases=["sofa", "table"]).handles[-1]
    depths = hand("depth", frames=FRAMES[:4]).handles[-1]
    clouds = hand("lift", boxes=[boxes], depths=[depths]).handles[-1]
    rows = ObjectsData.model_validate(hand("fuse", clouds=[clouds]).data).objects
    a, b = next((a, b) for a in rows for b in rows if a.space != b.space)
    refused = hand("distance", first=[a.handle], second=[b.handle])
    assert refused.status is ToolStatus.MISTAKE
    assert "different frames" in refused.text


@pytest.mark.parametrize("policy", ["uniform", "quality", "coverage"])
def test_frames_are_chosen_in_order_without_repeats(hand: Hand, policy: str) -> None:
    outcome = hand("frames", policy=policy, number=5)
    assert isinstance(outcome.data, list)
    indices = [int(str(handle).rpartition("_")[2]) for handle in outcome.data]
    assert indices == sorted(set(indices))
    assert len(indices) == 5


def test_frames_by_time_and_index(hand: Hand) -> None:
    assert hand("frames", times=[1.1, 99]).data == ["frame_2", "frame_11"]
    assert hand("frames", indices=[3, 1]).data == ["frame_3", "frame_1"]
    assert "frame_99" in hand("frames", indices=[99]).text


def test_quality_picks_the_sharpest_of_each_stretch(tmp_path: Path) -> None:
    room = BoxRoom(BlobStore(tmp_path / "frames"), count=4)
    rng = np.random.default_rng(0)
    sharp = np.kron(rng.integers(60, 200, (12, 16)), np.ones((8, 8))).astype(np.uint8)
    frames = []
    for index, frame in enumerate(room.frames):
        picture = Image.fromarray(sharp)
        if index in (0, 3):
            picture = picture.resize((16, 12)).resize((128, 96), Image.Resampling.BICUBIC)
        out = io.BytesIO()
        picture.save(out, "PNG")
        blob = room.store.put(out.getvalue(), "image/png", width=128, height=96)
        frames.append(frame.model_copy(update={"image": blob}))
    room.frames = tuple(frames)
    assert Hand(room, tmp_path)("frames", policy="quality", number=2).data == [
        "frame_1",
        "frame_2",
    ]


def test_what_is_found_in_a_crop_lies_in_the_captured_frame(hand: Hand, room: BoxRoom) -> None:
    index = max(range(12), key=lambda i: int((room.views[i][1] == 3).sum()))
    boxes = hand("detect", frames=[f"frame_{index}"], phrases=["table"])
    assert isinstance(boxes.data, list)
    row = boxes.data[0]
    assert isinstance(row, dict)
    x1, y1, x2, y2 = row["box"]  # type: ignore[misc]
    zoomed = hand("zoom", frame=f"frame_{index}", box=[x1 - 4, y1 - 4, x2 + 4, y2 + 4], scale=4)
    record = hand.workspace.get(zoomed.handles[0], FrameRecord)
    assert record.original == f"frame_{index}"
    assert record.to_original is not None
    a, b, c, d, e, f = record.to_original
    corner = (a * -0.5 + b * -0.5 + c, d * -0.5 + e * -0.5 + f)
    assert corner == pytest.approx((round(x1 - 4) - 0.5, round(y1 - 4) - 0.5))
    assert zoomed.images[0].width == record.image.width
    assert zoomed.sources == (f"frame_{index}",)


def test_a_guard_leaves_good_frames_alone_and_says_when_nothing_restores(
    hand: Hand, room: BoxRoom, tmp_path: Path
) -> None:
    out = io.BytesIO()
    Image.fromarray(np.full((96, 128), 9, np.uint8)).save(out, "PNG")
    dark = room.store.put(out.getvalue(), "image/png", width=128, height=96)
    room.frames = (room.frames[0].model_copy(update={"image": dark}), *room.frames[1:])
    refused = Hand(room, tmp_path)("restore", frames=["frame_0"])
    assert refused.status is ToolStatus.MISTAKE
    assert "no restore expert" in refused.text


def test_soft_frames_can_be_left_as_they_are(hand: Hand, room: BoxRoom, tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(90, 220, 128).astype(np.uint8), (96, 1))
    out = io.BytesIO()
    Image.fromarray(ramp).save(out, "PNG")
    soft = room.store.put(out.getvalue(), "image/png", width=128, height=96)
    room.frames = (room.frames[0].model_copy(update={"image": soft}), *room.frames[1:])
    hand = Hand(room, tmp_path)
    assert "no restore expert" in hand("restore", frames=["frame_0"]).text
    assert "none needed it" in hand("restore", frames=["frame_0"], soft=False).text


def test_the_order_of_first_sight(hand: Hand, room: BoxRoom) -> None:
    boxes = hand("detect", frames=FRAMES, phrases=ALL).handles[-1]
    outcome = hand("appearance_order", boxes=[boxes], categories=["lamp", "sofa", "piano"])
    data = OrderData.model_validate(outcome.data)
    first = {
        name: [int((number == thing).sum()) >= 20 for _, number in room.views].index(True)
        for name, thing in (("lamp", 4), ("sofa", 0))
    }
    assert list(data.order) == sorted(first, key=lambda name: first[name])
    assert data.unseen == ("piano",)


def test_camera_motion_is_told_from_the_first_camera(hand: Hand, room: BoxRoom) -> None:
    recon = hand("reconstruct", frames=FRAMES).handles[0]
    outcome = hand("camera_motion", reconstruction=recon, start="frame_0", end="frame_1")
    moved = MotionData.model_validate(outcome.data)
    start, end = room.poses[0], room.poses[1]
    level = start.to_camera(np.array([end.position]))[0]
    assert moved.right == pytest.approx(level[0], abs=1e-6)
    headings = [np.arctan2(pose.forward[1], pose.forward[0]) for pose in (start, end)]
    assert np.cos(moved.yaw - (headings[1] - headings[0])) == pytest.approx(1)
    assert moved.yaw > 0, "the ring is walked leftwards"
    assert moved.up == pytest.approx(0, abs=1e-6)


def test_an_anchor_measures_like_an_object(hand: Hand) -> None:
    row = next(row for row in hand.objects().objects if row.category == "table")
    anchored = hand("place_anchor", name="me", beside=row.handle, position=[2.0, 0, 0])
    outcome = hand("distance", first=[row.handle], second=[anchored.handles[0]])
    assert "1.4 m" in outcome.text or "1.39 m" in outcome.text or "1.40 m" in outcome.text
    assert hand.workspace.get(anchored.handles[0], ObjectRecord).category == "me"


def test_the_view_from_above_maps_pixels_to_metres(hand: Hand) -> None:
    rows = hand.objects().objects
    recon = rows[0].space
    outcome = hand("bird_eye", reconstruction=recon, objects=[row.handle for row in rows])
    data = TopViewData.model_validate(outcome.data)
    assert set(data.numbered) <= {row.handle for row in rows}
    assert data.numbered
    with Image.open(io.BytesIO(hand.workspace.experts.image(outcome.images[0].sha256))) as image:
        assert image.width / data.scale == pytest.approx(6.3, abs=0.2)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("orient", {"box": "box_1"}), ("render_view", {"frames": FRAMES, "azimuth": 0})],
)
def test_tools_without_an_expert_say_so(
    hand: Hand, tool: str, arguments: dict[str, object]
) -> None:
    hand("detect", frames=["frame_0"], phrases=ALL)
    outcome = hand(tool, **arguments)
    assert outcome.status is ToolStatus.MISTAKE
    assert f"no {tool} expert" in outcome.text


def test_endpoints_name_what_is_served(room: BoxRoom, tmp_path: Path) -> None:
    client = make_client(room, tmp_path)
    assert client.serves("detect")
    assert not client.serves("orient")


def test_a_thing_is_enlarged_by_its_handle_with_a_margin_and_within_bounds(hand: Hand) -> None:
    box = hand("detect", frames=["frame_0"], phrases=["table"]).handles[0]
    mask = hand("segment", boxes=[box]).handles[0]
    for handle in (box, mask):
        outcome = hand("zoom", of=handle, scale=4)
        assert outcome.status is ToolStatus.OK, outcome.text
        assert outcome.sources == ("frame_0", handle)
        assert "4 times larger" in outcome.text
        assert outcome.images
    assert "either frame and box, or of" in hand("zoom", of=box, frame="frame_0").text
    assert "zoom needs a frame" in hand("zoom").text


def test_an_enlargement_is_bounded_by_its_longest_side(room: BoxRoom, hand: Hand) -> None:
    huge = Image.new("RGB", (1500, 40))
    buffer = io.BytesIO()
    huge.save(buffer, "PNG")
    blob = room.store.put(buffer.getvalue(), "image/png", width=1500, height=40)
    hand.workspace.revise("frame_0", lambda r: replace(r, image=blob))  # type: ignore[type-var]
    outcome = hand("zoom", frame="frame_0", box=[0, 0, 1499, 39], scale=8)
    assert outcome.images[0].width == 1500
    assert "1 times larger" in outcome.text


def test_a_name_stands_for_its_best_supported_object(hand: Hand) -> None:
    assert "no objects were found" in hand("size", object="sofa").text
    rows = hand.objects().objects

    def best(name: str) -> str:
        mine = [row for row in rows if row.category == name]
        mine = [row for row in mine if row.accepted] or mine
        return max(mine, key=lambda row: (row.confidence * row.support, row.confidence)).handle

    sofa, lamp, chair = best("sofa"), best("lamp"), best("chair")
    for name, by_name, by_handle in (
        ("size", {"object": "Sofa"}, {"object": sofa}),
        ("distance", {"first": ["sofa"], "second": [lamp]}, {"first": [sofa], "second": [lamp]}),
        (
            "direction",
            {"stand": "lamp", "face": "sofa", "query": "chair"},
            {"stand": lamp, "face": sofa, "query": chair},
        ),
        (
            "nearest",
            {"anchor": "lamp", "candidates": ["sofa", "chair"]},
            {"anchor": lamp, "candidates": ["sofa", "chair"]},
        ),
        (
            "route_turns",
            {"start": "lamp", "facing": "sofa", "stops": ["Chair"]},
            {"start": lamp, "facing": sofa, "stops": [chair]},
        ),
    ):
        named, handled = hand(name, **by_name), hand(name, **by_handle)
        assert named.status is ToolStatus.OK, named.text
        measured = [told.text.rpartition(": ")[2] for told in (named, handled)]
        assert measured[0] == measured[1]
        assert named.sources == handled.sources
    chairs = [row for row in rows if row.category == "chair" and row.accepted]
    counted = hand("count", category="chair")
    assert MeasureData.model_validate(counted.data).value == len(chairs)
    named = hand("count", objects=["Chair", sofa])
    assert MeasureData.model_validate(named.data).value == len(chairs) + 1
    every = hand("count", category="chair", weak=True)
    assert MeasureData.model_validate(every.data).value == sum(r.category == "chair" for r in rows)
    assert hand("count", category="piano").status is ToolStatus.MISTAKE
    refused = hand("size", object="piano")
    assert refused.status is ToolStatus.MISTAKE
    assert "there: " in refused.text
    assert "sofa" in refused.text
    assert "known: " in hand("size", object="obj_99").text
    same = hand("direction", stand="lamp", face="sofa", query=lamp)
    assert "three different things" in same.text


def test_names_are_looked_up_in_one_view_where_views_stay_apart(hand: Hand) -> None:
    boxes = hand("detect", frames=["frame_0", "frame_1"], phrases=["sofa"]).handles[-1]
    depths = hand("depth", frames=["frame_0", "frame_1"]).handles[-1]
    clouds = hand("lift", boxes=[boxes], depths=[depths]).handles[-1]
    rows = ObjectsData.model_validate(hand("fuse", clouds=[clouds]).data).objects
    assert {row.space for row in rows} == {"frame_0", "frame_1"}
    for frame in ("frame_0", "frame_1"):
        sized = hand("size", object="sofa", within=frame)
        assert sized.sources == tuple(row.handle for row in rows if row.space == frame)
    assert hand("size", object="sofa").sources == (rows[-1].handle,), "the newest"
    elsewhere = hand("size", object="sofa", within="depths_1").text
    assert "no objects were found in depths_1; they lie in " in elsewhere
    assert {"frame_0", "frame_1"} <= set(elsewhere.replace(",", "").split())
    nowhere = hand("size", object="sofa", within="recon_7").text
    assert "there is no recon_7; objects lie in " in nowhere


def test_a_place_that_is_none_is_said_before_anything_is_found(hand: Hand) -> None:
    assert (
        "there is no recon_7; none is found yet" in hand("size", object="x", within="recon_7").text
    )


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_name_is_said_to_be_one(hand: Hand, empty: str) -> None:
    hand.objects()
    asked: list[tuple[str, dict[str, JsonValue]]] = [
        ("distance", {"first": [empty], "second": ["sofa"]}),
        ("size", {"object": empty}),
        ("count", {"category": empty}),
        ("route_turns", {"start": "lamp", "facing": "sofa", "stops": [empty]}),
    ]
    for name, arguments in asked:
        refused = hand(name, **arguments)
        assert refused.status is ToolStatus.MISTAKE
        assert "one of the names is empty; say an object's handle or its name" in refused.text


def test_a_walk_goes_from_thing_to_another_thing(hand: Hand) -> None:
    hand.objects()
    for start, facing, stops in (
        ("sofa", "sofa", ["lamp"]),
        ("sofa", "lamp", ["sofa"]),
        ("sofa", "lamp", ["table", "table"]),
    ):
        refused = hand("route_turns", start=start, facing=facing, stops=stops)
        assert refused.status is ToolStatus.MISTAKE
        assert "must be different things" in refused.text
    there_and_back = hand("route_turns", start="sofa", facing="lamp", stops=["lamp", "sofa"])
    assert "to lamp: straight on; to sofa: back (" in there_and_back.text
    assert TurnsData.model_validate(there_and_back.data).turns == ("straight on", "back")


def test_what_a_count_leaves_out_is_said(hand: Hand) -> None:
    rows = hand.objects().objects
    sofa = next(row.handle for row in rows if row.category == "sofa")
    counted = hand("count", objects=[sofa], category="chair")
    assert MeasureData.model_validate(counted.data).value == 0
    assert f"0 chair(s); not counted: {sofa} is a sofa" in counted.text
    assert "1 Sofa(s) (" in hand("count", objects=[sofa], category="Sofa").text


def test_rivals_are_named_by_handle_or_by_what_they_are(hand: Hand) -> None:
    rows = hand.objects().objects
    anchor = next(row.handle for row in rows if row.category == "lamp")
    rivals = [row.handle for row in rows if row.category in ("sofa", "chair") and row.accepted]
    listed = hand("nearest", anchor=anchor, candidates=rivals)
    named = hand("nearest", anchor=anchor, candidates=["Sofa", "chair", "piano"])
    assert NearestData.model_validate(named.data).order == (
        NearestData.model_validate(listed.data).order
    )
    refused = hand("nearest", anchor=anchor, candidates=["piano"])
    assert refused.status is ToolStatus.MISTAKE
    assert "same frame of reference" in refused.text
    assert hand("nearest", anchor=anchor, candidates=["obj_99"]).status is ToolStatus.MISTAKE

"""The conversation's parts: image budget, places, prices, capabilities, fuzz."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import orjson
import pytest
from PIL import Image

from surveyor.agent.chat.capabilities import Capabilities, Coordinates, DialectName, capabilities_of
from surveyor.agent.chat.coordinates import Places
from surveyor.agent.chat.images import InlineImages, LinkedImages
from surveyor.agent.chat.messages import Message, Picture
from surveyor.agent.chat.prices import Price, usage_of
from surveyor.agent.chat.prompt import agent_prompt, opening
from surveyor.agent.chat.transcript import Transcript
from surveyor.agent.planner import PlannerInput
from surveyor.core.blobs import BlobRef, BlobStore
from surveyor.core.errors import UserError
from surveyor.core.tasks import PHOTOS
from surveyor.skills.entries import RetrievedSkill
from surveyor.tools.builtin import default_tools
from surveyor.tools.registry import Registry
from surveyor.tools.spec import CallRequest
from tests.claims.agent.fuzz import fuzz
from tests.support.agent_stage import make_task, png

LINKS = LinkedImages("http://blobs")


def ref(number: int, width: int = 640, height: int = 480) -> BlobRef:
    return BlobRef(
        sha256=f"{number:064x}", media_type="image/png", size=1, width=width, height=height
    )


def view(number: int) -> Message:
    return Message("user", (f"view {number}", Picture(f"crop_{number}", ref(number))))


def frames(number: int) -> Message:
    return Message("user", tuple(Picture(f"frame_{i}", ref(1000 + i), True) for i in range(number)))


def images_in(transcript: Transcript) -> list[str]:
    messages = orjson.loads(transcript.body)["messages"]
    parts = [p for m in messages if isinstance(m["content"], list) for p in m["content"]]
    return [p["image_url"]["url"][-64:].lstrip("0") for p in parts if p["type"] == "image_url"]


def test_the_budget_keeps_originals_and_latest_views_and_leaves_stubs() -> None:
    transcript = Transcript({"model": "m"}, LINKS, max_images=8)
    transcript.append(frames(4))
    for number in range(1, 9):
        transcript.append(view(number))
    shown = images_in(transcript)
    assert len(shown) <= 8
    assert shown[:4] == [f"{1000 + i:x}" for i in range(4)]
    assert shown[4:] == [f"{i:x}" for i in range(9 - len(shown[4:]), 9)]
    assert b"[crop_1 was shown here; look at it again by its handle]" in transcript.body
    assert [name.lstrip("0") for name in transcript.shown] == shown


def test_making_room_breaks_the_prefix_rarely() -> None:
    transcript = Transcript({"model": "m"}, LINKS, max_images=64)
    breaks, before = 0, b""
    for number in range(1, 200):
        transcript.append(view(number))
        body = transcript.body.removesuffix(b"]}")
        breaks += not body.startswith(before)
        before = body
    assert 0 < breaks <= (200 - 64) / 8 + 1


def test_one_message_with_too_many_views_shows_the_last_of_them() -> None:
    transcript = Transcript({}, LINKS, max_images=3)
    parts = tuple(Picture(f"crop_{i}", ref(i)) for i in range(1, 7))
    transcript.append(Message("user", parts))
    assert images_in(transcript) == ["4", "5", "6"]


def test_photos_are_called_photos(tmp_path: Path) -> None:
    task = make_task(BlobStore(tmp_path), frames=1)
    for rule, said, not_said in (
        ("all", "1 frame of a video", "photos"),
        (PHOTOS, "1 photo.", "video"),
    ):
        told = agent_prompt(task.model_copy(update={"frame_rule": rule}), PlannerInput(()), "")
        assert said in told.before + told.system
        assert not_said not in told.before + told.system


def test_the_prompt_hash_names_what_was_said_and_shown() -> None:
    one, same, other = (Transcript({"model": "m"}, LINKS) for _ in range(3))
    for transcript, number in ((one, 1), (same, 1), (other, 2)):
        transcript.append(view(number))
    assert one.prompt_hash == same.prompt_hash != other.prompt_hash


def test_pixels_are_sent_as_they_are_unless_there_are_too_many(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    data = png((1, 2, 3), (400, 300))
    blob = store.put(data, "image/png", width=400, height=300)
    plain = orjson.loads(InlineImages([BlobStore(tmp_path / "empty"), store]).url(blob))
    assert base64.b64decode(plain.removeprefix("data:image/png;base64,")) == data
    small = orjson.loads(InlineImages([store], max_pixels=30_000).url(blob))
    pixels = base64.b64decode(small.removeprefix("data:image/jpeg;base64,"))
    with Image.open(io.BytesIO(pixels)) as image:
        assert image.size == (200, 150)


def test_the_cache_of_encodings_is_bounded(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    blobs = [store.put(png((i, 0, 0)), "image/png") for i in range(5)]
    source = InlineImages([store], cache_bytes=300)
    first = [source.url(blob) for blob in blobs]
    assert first == [source.url(blob) for blob in blobs]
    assert sum(map(len, source._cache.values())) <= 300


def test_more_frames_than_the_model_takes_are_thinned_evenly_and_named(tmp_path: Path) -> None:
    task = make_task(BlobStore(tmp_path), frames=9)
    brief = PlannerInput(({"function": {"name": "f"}},))
    _, user = opening(agent_prompt(task, brief, ""), task, brief, max_images=4)
    assert [p.handle for p in user.pictures] == ["frame_0", "frame_4", "frame_8"]
    assert "frame_1 (not shown)" in user.parts
    _, blind = opening(agent_prompt(task, brief, ""), task, brief, max_images=0)
    assert blind.pictures == ()


def test_skills_are_read_in_the_system_message(tmp_path: Path) -> None:
    task = make_task(BlobStore(tmp_path))
    brief = PlannerInput((), skills=(RetrievedSkill("dark-rooms", "1", "Restore first."),))
    system, _ = opening(agent_prompt(task, brief, "form"), task, brief, max_images=9)
    assert "# Skill: dark-rooms\nRestore first." in str(system.parts[0])


ZOOM = {
    "function": {
        "name": "zoom",
        "parameters": {
            "properties": {"frame": {}, "box": {"pixels_of": "frame"}, "factor": {}},
        },
    }
}


def translated(capabilities: Capabilities, arguments: object) -> object:
    places = Places([ZOOM], capabilities)
    places.saw([Picture("frame_1", ref(1, 2000, 1000))])
    raw = orjson.dumps(arguments).decode()
    return orjson.loads(places.to_pixels(CallRequest("c", "zoom", raw)).raw_arguments)


def test_thousandths_become_pixels_of_the_named_image() -> None:
    can = Capabilities(coordinates=Coordinates.THOUSANDTHS)
    call = {"frame": "frame_1", "box": [100, 100, 500, 900], "factor": 2}
    assert translated(can, call) == {**call, "box": [200.0, 100.0, 1000.0, 900.0]}
    nested = {"frame": "frame_1", "box": [[100, 100], [500, "x"]]}
    assert translated(can, nested) == {"frame": "frame_1", "box": [[200.0, 100.0], [1000.0, "x"]]}


@pytest.mark.parametrize(
    ("convention", "said"), [("thousandths", "0 to 1000"), ("pixels", "pixels of the image")]
)
def test_a_model_is_told_to_give_places_as_it_counts_them(convention: str, said: str) -> None:
    tools = Registry(default_tools()).schemas
    marked = [tool["function"]["name"] for tool in tools if "pixels_of" in str(tool)]
    assert marked == ["zoom", "depth_at"]
    told = Places(tools, Capabilities(coordinates=Coordinates(convention))).told
    assert "pixels_of" not in str(told)
    zoom = next(t["function"] for t in told if t["function"]["name"] == "zoom")
    assert said in zoom["parameters"]["properties"]["box"]["description"]
    assert [t["function"]["name"] for t in told] == [t["function"]["name"] for t in tools]


def test_pixels_of_a_shrunk_image_become_pixels_of_the_original() -> None:
    can = Capabilities(max_pixels=500_000)
    call = {"frame": "frame_1", "box": [10, 10, 20, 20]}
    assert translated(can, call) == {"frame": "frame_1", "box": [20.0, 20.0, 40.0, 40.0]}


@pytest.mark.parametrize("arguments", [[1], {"frame": "frame_9", "box": [1, 2]}, {"box": None}])
def test_what_cannot_be_translated_is_left_to_the_tool(arguments: object) -> None:
    can = Capabilities(coordinates=Coordinates.THOUSANDTHS)
    assert translated(can, arguments) == arguments


def test_a_price_is_known_told_or_unknown_and_never_zero() -> None:
    reported = {
        "prompt_tokens": 1_000_000,
        "completion_tokens": 100_000,
        "prompt_tokens_details": {"cached_tokens": 500_000},
    }
    assert usage_of(reported, None).cost is None
    assert usage_of(reported, Price(input=2, output=10)).cost == pytest.approx(3.0)
    assert usage_of(reported, Price(input=2, output=10, cached=0.2)).cost == pytest.approx(2.1)
    assert usage_of({**reported, "cost": 0.5}, None).cost == 0.5
    assert usage_of({}, Price(input=2, output=10)).cost is None
    odd = usage_of({"prompt_tokens": "many", "completion_tokens": -1, "cost": float("nan")}, None)
    assert (odd.input_tokens, odd.output_tokens, odd.cost) == (None, None, None)


@pytest.mark.parametrize(
    ("model", "coordinates", "in_tools"),
    [
        ("Qwen/Qwen3-VL-8B-Instruct", Coordinates.THOUSANDTHS, True),
        ("Qwen/Qwen2.5-VL-7B-Instruct", Coordinates.PIXELS, False),
        ("gpt-5.4", Coordinates.PIXELS, False),
        ("google/gemini-3-flash", Coordinates.THOUSANDTHS, False),
        ("a-model-nobody-knows", Coordinates.PIXELS, False),
    ],
)
def test_the_table_knows_families(model: str, coordinates: Coordinates, in_tools: bool) -> None:
    row = capabilities_of(model)
    assert (row.coordinates, row.images_in_tools) == (coordinates, in_tools)


def test_the_table_gives_way_to_the_configuration() -> None:
    assert capabilities_of("gpt-oss-120b").images is False
    assert capabilities_of("Skill-3D-SFT-4B").dialect is DialectName.SKILL3D
    assert capabilities_of("gpt-5", {"max_images": 3}).max_images == 3
    with pytest.raises(UserError, match="max_pictures"):
        capabilities_of("gpt-5", {"max_pictures": 3})


def test_no_output_however_broken_leaves_the_loop_as_an_exception() -> None:
    claims = fuzz(750, seed=11)
    assert all(claim.ok for claim in claims)
    assert len(claims) == 3 * len(DialectName)

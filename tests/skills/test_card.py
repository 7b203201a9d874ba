from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from surveyor.core.blobs import BlobStore
from surveyor.core.cameras import Frame
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind, Task
from surveyor.scenes.records import SceneTruth
from surveyor.skills.operands import operands_of
from surveyor.skills.scene_profile import ProfileMaker, SceneProfile
from surveyor.tools.quality import decode_luma, measure, overlap


def picture(seed: int = 0, width: int = 640, height: int = 480) -> Image.Image:
    """Boxes with clean edges on a bright ground: sharp, bright, free of noise."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width), 200.0)
    for _ in range(40):
        x, y = rng.integers(0, width - 60), rng.integers(0, height - 60)
        w, h = rng.integers(8, 60, 2)
        image[y : y + h, x : x + w] = rng.uniform(60, 240)
    return Image.fromarray(image.astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.5))


def darkened(image: Image.Image, seed: int = 0) -> Image.Image:
    linear = (np.asarray(image, float) / 255) ** 2.2 * 0.1
    noisy = linear + np.random.default_rng(seed).normal(0, 0.008, linear.shape)
    return Image.fromarray((np.clip(noisy, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8))


def jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=92)
    return file.getvalue()


def task_of(blobs: BlobStore, images: list[Image.Image], **fields: object) -> Task:
    frames = tuple(
        Frame(index=i, time=i / 2, image=blobs.put(jpeg(image), "image/jpeg"))
        for i, image in enumerate(images)
    )
    base: dict[str, object] = {
        "id": "t1",
        "dataset": "s",
        "scene_id": "room1",
        "question_type": "object_counting",
        "question": "How many chair(s) are in this room?",
        "answer_kind": AnswerKind.NUMBER,
        "frames": frames,
    }
    return Task.model_validate(base | fields)


def test_each_condition_shows_in_its_own_measure() -> None:
    clean = measure(decode_luma(jpeg(picture())))
    dark = measure(decode_luma(jpeg(darkened(picture()))))
    soft = measure(decode_luma(jpeg(picture().filter(ImageFilter.GaussianBlur(2.5)))))
    assert not clean.poor
    assert dark.luma < clean.luma / 1.8
    assert dark.noise > 4 * clean.noise + 0.005
    assert soft.sharpness < clean.sharpness / 2
    assert dark.poor
    assert soft.poor


@pytest.mark.parametrize("sigma", [2.0, 5.0, 10.0])
def test_noise_is_measured_in_its_unit(sigma: float) -> None:
    rng = np.random.default_rng(1)
    image = np.clip(128 + rng.normal(0, sigma, (480, 640)), 0, 255).round().astype(np.uint8)
    assert measure(image).noise * 255 == pytest.approx(sigma, rel=0.1)


def test_neighbouring_views_overlap_and_strange_ones_do_not() -> None:
    wide = np.asarray(picture(3, width=1000))
    here, next_, far = wide[:, :640], wide[:, 120:760], np.asarray(picture(9))
    assert overlap(here, here) == pytest.approx(1.0)
    assert overlap(here, next_) > overlap(here, far) + 0.2


def test_a_card_says_what_the_pixels_say(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    images = [darkened(picture(i), i) for i in range(5)]
    card = ProfileMaker(blobs.get)(task_of(blobs, images))
    assert {"dark", "noisy", "few"} <= set(card.tags)
    assert (card.views, card.width, card.height) == (5, 640, 480)
    assert card.operands == ("chair",)
    assert card.poor_share == 1.0
    assert SceneProfile.model_validate(card.json_fields()) == card
    seen = card.with_detections([0.01, 0.04, 0.09], frames=2)
    assert (seen.detections, seen.apparent) == (1.5, pytest.approx(0.2))


def test_the_truth_never_enters_a_card(tmp_path: Path) -> None:
    """Same pixels, opposite condition tags, renamed scene: the same card. And the card's inputs
    have no field through which a tag could come."""
    blobs = BlobStore(tmp_path)
    images = [picture(i) for i in range(3)]
    plain = task_of(blobs, images)
    tagged = task_of(
        blobs, images, id="dark-t1", scene_id="dark-room", split="dark", dataset="dark"
    )
    assert ProfileMaker(blobs.get)(plain) == ProfileMaker(blobs.get)(tagged)
    truth_only = set(SceneTruth.model_fields) - {"scene_id", "height"}  # a room's, not an image's
    assert truth_only.isdisjoint(Task.model_fields)
    assert truth_only.isdisjoint(SceneProfile.model_fields)


def test_a_task_without_frames_has_a_card() -> None:
    task = Task(
        id="t", dataset="s", scene_id="x", question_type="q", question="?", answer_kind="text"
    )
    card = ProfileMaker(lambda _: b"")(task)
    assert card.tags == ("table",)
    assert len(card.vector) == len(SceneProfile(question_type="q", views=32).vector)


def test_measuring_a_frame_is_cheap() -> None:
    data = jpeg(picture())
    times = []
    for _ in range(9):
        start = time.thread_time()
        measure(decode_luma(data))
        times.append(time.thread_time() - start)
    assert sorted(times)[4] < 0.005 * 4  # the bound is 5 ms on a quiet core; CI is not quiet


def test_bytes_that_are_no_picture_are_refused() -> None:
    with pytest.raises(UserError, match="is not an image"):
        decode_luma(b"not a picture")


@pytest.mark.parametrize(
    ("question", "operands"),
    [
        ("How many chair(s) are in this room?", ("chair",)),
        (
            "Measuring from the closest point of each object, what is the direct distance between"
            " the ceiling light and the door (in meters)?",
            ("ceiling light", "door"),
        ),
        (
            "Measuring from the closest point of each object, which of these objects (bed, lamp, "
            "sofa, tv) is the closest to the table?\nIf there are multiple",
            ("table", "bed", "lamp", "sofa", "tv"),
        ),
        (
            "If I am standing by the stove and facing the tv, is the sofa to my left, right, or",
            ("stove", "tv", "sofa"),
        ),
        (
            "What will be the first-time appearance order of the following categories in the "
            "video: blanket, door, basket, table?",
            ("blanket", "door", "basket", "table"),
        ),
        ("Where is the lamp?", ("lamp",)),
        ("", ()),
    ],
)
def test_operands(question: str, operands: tuple[str, ...]) -> None:
    assert operands_of(question) == operands

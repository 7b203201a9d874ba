"""Tiny detectors: phrases and boxes against the library's own reading."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from surveyor.services.contract import DetectRequest
from surveyor.services.errors import ExpertError
from surveyor.services.images import Images, inline
from surveyor.services.neural.checkpoints import recognise
from surveyor.services.neural.tiny.detect import CLASSES, TinyDetect
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings
from tests.models.conftest import Loaded, Tray, picture

TOKENS, OPEN, FIXED = ("base", "mm"), ("owlv2", "omdet"), ("rtdetr", "dfine")


def ask(loaded: Loaded, images: Images, route: str = "base", **more):
    expert = loaded("detect", route=route)
    request = DetectRequest(**{"image": inline(picture()), "phrases": ("chair",), **more})
    item = expert.preprocess(request, images)
    (raw,) = expert.forward_batch([item])
    return expert.postprocess(request, item, raw, Tray()), item, raw


def told_of(answer, boxes, width: int = 80, height: int = 60) -> bool:
    """Whether every box of an answer is one of ``boxes``, which are pixel corners that may lie
    outside of the image and have pixel centres at halves."""
    theirs = np.asarray(boxes, np.float64).clip(0, [width, height, width, height]) - 0.5
    ours = np.array([one.box for one in answer.detections])
    return bool((np.abs(ours[:, None] - theirs).max(axis=2).min(axis=1) < 0.02).all())


def corners(boxes) -> np.ndarray:
    """Pixel corners of relative centre boxes."""
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], 1) * [80, 60, 80, 60]


@pytest.mark.parametrize("route", TOKENS)
def test_boxes_agree_with_the_librarys_own_post_processing(
    loaded: Loaded, images: Images, route: str
) -> None:
    net = loaded("detect", route=route).net
    import torch
    from transformers import GroundingDinoProcessor

    answer, item, _ = ask(loaded, images, route, threshold=0.0)
    tokens = torch.tensor([item.plan[0].tokens])
    with torch.inference_mode():
        out = net.model(
            pixel_values=torch.tensor(item.pixels[None]),
            input_ids=tokens,
            attention_mask=torch.ones_like(tokens),
        )
    processor = GroundingDinoProcessor(net.image_processor, net.tokenizer)
    (theirs,) = processor.post_process_grounded_object_detection(
        out, tokens, threshold=0.0, target_sizes=[(60, 80)]
    )
    assert told_of(answer, theirs["boxes"].numpy())
    assert len(answer.detections) > 10


@pytest.mark.parametrize("route", OPEN)
def test_open_vocabularies_agree_with_the_library(
    loaded: Loaded, images: Images, route: str
) -> None:
    net = loaded("detect", route=route).net
    import torch
    from transformers import OmDetTurboProcessor, Owlv2Processor

    phrases = ("chair", "red lamp")
    answer, _, raw = ask(loaded, images, route, phrases=phrases, threshold=0.0)
    kind = {"owlv2": Owlv2Processor, "omdet": OmDetTurboProcessor}[route]
    processor = kind(net.image_processor, net.tokenizer)
    words = [f"a photo of a {one}" if route == "owlv2" else one for one in phrases]
    asked = processor(
        images=np.array(picture()),
        text=[words],
        return_tensors="pt",
        padding="max_length",
        max_length=net._length,
    )
    with torch.inference_mode():
        out = net.model(**asked)
    if route == "owlv2":
        (theirs,) = processor.image_processor.post_process_object_detection(
            out, threshold=-1.0, target_sizes=[(60, 80)]
        )
        boxes, best = theirs["boxes"].numpy(), float(theirs["scores"].max())
    else:
        boxes = corners(out.decoder_coord_logits[0].numpy())
        best = float(out.decoder_class_logits.sigmoid().max())
    assert told_of(answer, boxes)
    assert answer.detections
    assert float(raw.scores.max()) == pytest.approx(best, abs=1e-5)


@pytest.mark.parametrize("route", FIXED)
def test_fixed_classes_agree_with_the_library_and_others_are_refused_by_name(
    loaded: Loaded, images: Images, route: str
) -> None:
    net = loaded("detect", route=route).net
    import torch

    answer, item, _ = ask(loaded, images, route, phrases=CLASSES, threshold=0.0)
    with torch.inference_mode():
        out = net.model(pixel_values=torch.tensor(item.pixels[None]))
    (theirs,) = net.image_processor.post_process_object_detection(
        out, threshold=0.0, target_sizes=[(60, 80)]
    )
    assert told_of(answer, corners(out.pred_boxes[0].numpy()))
    assert len(answer.detections) > 10
    first = max(answer.detections, key=lambda one: one.score)
    assert net.classes[first.phrase] == int(theirs["labels"][theirs["scores"].argmax()])
    alone, _, _ = ask(loaded, images, route, phrases=(first.phrase,), threshold=0.0)
    same = [one.box for one in answer.detections if one.phrase == first.phrase]
    assert [one.box for one in alone.detections] == same
    with pytest.raises(
        ExpertError, match="'piano' is none of this detector's classes: chair, door"
    ):
        ask(loaded, images, route, phrases=("chair", "piano"))


def test_the_text_is_built_as_the_library_builds_it(loaded: Loaded, images: Images) -> None:
    tokenizer = loaded("detect", route="base").net.tokenizer
    _, item, _ = ask(loaded, images, phrases=("A red Chair", "table."))
    (prompt,) = item.plan
    assert list(prompt.tokens) == tokenizer("a red chair. table.")["input_ids"]
    parts = [prompt.tokens[start:end] for _, start, end in prompt.spans]
    assert [tokenizer.decode(part).replace(" ", "") for part in parts] == ["aredchair", "table"]


def test_phrases_that_do_not_fit_into_one_text_are_all_asked(
    loaded: Loaded, images: Images
) -> None:
    phrases = tuple(letter * 60 for letter in "abcdefgh")
    answer, item, _ = ask(loaded, images, phrases=phrases, threshold=0.0)
    assert len(item.plan) == 2
    assert max(len(prompt.tokens) for prompt in item.plan) <= 256
    asked = [index for prompt in item.plan for index, _, _ in prompt.spans]
    assert asked == list(range(8))
    assert {one.phrase for one in answer.detections} <= set(phrases)


@pytest.mark.parametrize("route", ["base", "owlv2", "rtdetr"])
def test_only_requests_with_the_same_phrases_share_a_batch(
    loaded: Loaded, images: Images, route: str
) -> None:
    expert = loaded("detect", route=route)
    keys = {
        expert.group(ask(loaded, images, route, phrases=phrases)[1])
        for phrases in (("chair",), ("table",), ("chair",))
    }
    assert len(keys) == 2


@pytest.mark.parametrize("route", [*TOKENS, *OPEN, *FIXED])
@pytest.mark.parametrize("phrase", [" . ", "..."])
def test_a_phrase_without_words_is_refused(
    loaded: Loaded, images: Images, phrase: str, route: str
) -> None:
    with pytest.raises(ExpertError, match="has no words"):
        ask(loaded, images, route, phrases=("chair", phrase))


@pytest.mark.parametrize("route", OPEN)
def test_a_phrase_that_is_too_long_is_refused(loaded: Loaded, images: Images, route: str) -> None:
    with pytest.raises(ExpertError, match="is longer than"):
        ask(loaded, images, route, phrases=("x" * 200,))


@pytest.mark.parametrize("route", [*TOKENS[1:], *OPEN, *FIXED])
def test_a_file_of_ones_own_is_recognised_and_announced(
    loaded: Loaded, tmp_path: Path, images: Images, route: str
) -> None:
    loaded("detect", route=route)  # torch as it is loaded by experts
    folder = tmp_path / "mine"
    made = TinyDetect()
    made.route = route
    made.write(folder)
    kind = recognise(folder)
    assert kind is not None
    assert (kind.expert, kind.route) == ("detect", route)
    if find_spec("timm") is None and route == "omdet":
        pytest.skip("the published OmDet-Turbo needs timm, which is not here")
    expert = make_expert("detect", "neural")
    options = {"route": route, "licence": "MIT"}
    expert.load(Settings(blob_dir=tmp_path, weights=folder, options=options))
    info = expert.info()
    assert info.model == "mine/model.safetensors"
    assert info.licence == "MIT (as the operator states)"
    assert info.revision.startswith("sha256:")
    item = expert.preprocess(expert.probe(), images)
    assert len(expert.forward_batch([item])) == 1

"""Tiny GroundingDINO: phrases and boxes against the library's own reading."""

from __future__ import annotations

import numpy as np
import pytest

from surveyor.services.contract import DetectRequest
from surveyor.services.errors import ExpertError
from surveyor.services.images import Images, inline
from tests.models.conftest import Loaded, Tray, picture


def ask(loaded: Loaded, images: Images, **more):
    expert = loaded("detect")
    request = DetectRequest(**{"image": inline(picture()), "phrases": ("chair",), **more})
    item = expert.preprocess(request, images)
    (raw,) = expert.forward_batch([item])
    return expert.postprocess(request, item, raw, Tray()), item, raw


def test_boxes_agree_with_the_librarys_own_post_processing(loaded: Loaded, images: Images) -> None:
    import torch
    from transformers import GroundingDinoProcessor

    expert = loaded("detect")
    answer, item, (found,) = ask(loaded, images, threshold=0.0)
    tokens = torch.tensor([found.prompt.tokens])
    with torch.inference_mode():
        out = expert._model(
            pixel_values=torch.tensor(item.pixels[None]),
            input_ids=tokens,
            attention_mask=torch.ones_like(tokens),
        )
    processor = GroundingDinoProcessor(expert._image_processor, expert._tokenizer)
    (theirs,) = processor.post_process_grounded_object_detection(
        out, tokens, threshold=0.0, target_sizes=[(60, 80)]
    )
    bounds = [80.0, 60.0, 80.0, 60.0]
    expected = {tuple(row) for row in (theirs["boxes"].numpy().clip(0, bounds) - 0.5).round(2)}
    assert {tuple(np.round(one.box, 2)) for one in answer.detections} <= expected
    assert len(answer.detections) > 10


def test_the_text_is_built_as_the_library_builds_it(loaded: Loaded, images: Images) -> None:
    tokenizer = loaded("detect")._tokenizer
    _, item, _ = ask(loaded, images, phrases=("A red Chair", "table."))
    (prompt,) = item.prompts
    assert list(prompt.tokens) == tokenizer("a red chair. table.")["input_ids"]
    parts = [prompt.tokens[start:end] for _, start, end in prompt.spans]
    assert [tokenizer.decode(part).replace(" ", "") for part in parts] == ["aredchair", "table"]


def test_phrases_that_do_not_fit_into_one_text_are_all_asked(
    loaded: Loaded, images: Images
) -> None:
    phrases = tuple(letter * 60 for letter in "abcdefgh")
    answer, item, _ = ask(loaded, images, phrases=phrases, threshold=0.0)
    assert len(item.prompts) == 2
    assert max(len(prompt.tokens) for prompt in item.prompts) <= 256
    asked = [index for prompt in item.prompts for index, _, _ in prompt.spans]
    assert asked == list(range(8))
    assert {one.phrase for one in answer.detections} <= set(phrases)


def test_only_requests_with_the_same_phrases_share_a_batch(loaded: Loaded, images: Images) -> None:
    expert = loaded("detect")
    keys = {
        expert.group(ask(loaded, images, phrases=phrases)[1])
        for phrases in (("chair",), ("table",), ("chair",))
    }
    assert len(keys) == 2


@pytest.mark.parametrize("phrase", [" . ", "..."])
def test_a_phrase_without_words_is_refused(loaded: Loaded, images: Images, phrase: str) -> None:
    with pytest.raises(ExpertError, match="has no words"):
        ask(loaded, images, phrases=("chair", phrase))

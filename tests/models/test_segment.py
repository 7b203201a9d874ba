"""Tiny SAM 3: two modes, one cached backbone, and agreement with the library's own path."""

from __future__ import annotations

import numpy as np
import pytest

from surveyor.core.masks import decode_rle
from surveyor.services.contract import SegmentRequest
from surveyor.services.errors import ExpertError
from surveyor.services.images import Images, inline
from tests.models.conftest import BOX, Loaded, Tray, picture

CONCEPT = {"mode": "concept", "text": "a chair"}


def ask(expert, images: Images, seed: int = 0, **more):
    request = SegmentRequest(**{"image": inline(picture(seed)), "threshold": 0, **more})
    item = expert.preprocess(request, images)
    (raw,) = expert.forward_batch([item])
    return expert.postprocess(request, item, raw, Tray()), item, raw


class Counter:
    """Counts the images that pass through a module."""

    def __init__(self, module) -> None:
        self.images = 0
        self._hook = module.register_forward_pre_hook(self._count)

    def _count(self, _, inputs) -> None:
        self.images += len(inputs[0])

    def __enter__(self) -> Counter:
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()


def test_the_backbone_sees_an_image_once_whatever_is_asked(loaded: Loaded, images: Images) -> None:
    expert = loaded("segment", embeddings="2")
    with Counter(expert._concept.vision_encoder.backbone) as counter:
        ask(expert, images, 40, **CONCEPT)
        ask(expert, images, 40, mode="concept", text="a lamp")
        ask(expert, images, 40, boxes=(BOX,))
        assert counter.images == 1
        for seed in (41, 42):
            ask(expert, images, seed, boxes=(BOX,))
        assert counter.images == 3
        ask(expert, images, 40, boxes=(BOX,))
        assert counter.images == 4  # two are kept, the first had to go


def test_a_kept_embedding_gives_the_same_answer(loaded: Loaded, images: Images) -> None:
    kept, fresh = loaded("segment", embeddings="8"), loaded("segment", embeddings="0")
    for more in (CONCEPT, {"boxes": (BOX,), "points": ((20.0, 20.0),)}):
        first = ask(kept, images, **more)[0]
        assert ask(kept, images, **more)[0].segments == first.segments
        assert ask(fresh, images, **more)[0].segments == first.segments


def test_the_same_image_twice_in_a_batch_is_seen_once(loaded: Loaded, images: Images) -> None:
    expert = loaded("segment", embeddings="0")
    requests = [
        SegmentRequest(image=inline(picture()), boxes=(box,), threshold=0)
        for box in (BOX, (40.0, 10.0, 70.0, 50.0))
    ]
    items = [expert.preprocess(request, images) for request in requests]
    with Counter(expert._concept.vision_encoder.backbone) as counter:
        expert.forward_batch(items)
    assert counter.images == 1


def test_concept_mode_agrees_with_the_librarys_own_forward(loaded: Loaded, images: Images) -> None:
    import torch

    expert = loaded("segment")
    _, item, cuts = ask(expert, images, **CONCEPT, boxes=(BOX,))
    ids, mask = (torch.tensor([part]) for part in item.tokens)
    x1, y1, x2, y2 = (np.array(BOX) + 0.5) / [80, 60, 80, 60]
    box = torch.tensor([[[(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]]], dtype=torch.float32)
    with torch.inference_mode():
        out = expert._concept(
            pixel_values=torch.tensor(expert._planes(item.image)[None]),
            input_ids=ids,
            attention_mask=mask,
            input_boxes=box,
        )
    scores = (out.pred_logits.sigmoid() * out.presence_logits.sigmoid())[0].sort(descending=True)
    assert [cut.score for cut in cuts] == pytest.approx(scores.values.tolist(), abs=1e-5)


def test_instance_mode_answers_every_prompt_in_order(loaded: Loaded, images: Images) -> None:
    answer, *_ = ask(
        loaded("segment"), images, boxes=(BOX, (40, 10, 70, 50)), points=((5, 5), (70, 50))
    )
    assert [one.prompt for one in answer.segments] == [0, 1, 2, 3]
    assert all(0 <= one.score <= 1 for one in answer.segments)
    for one in answer.segments:
        assert decode_rle(one.mask.size, one.mask.counts).shape == (60, 80)


def test_instance_features_come_from_the_three_finest_maps(loaded: Loaded, images: Images) -> None:
    """The library's image model puts its *no memory* vector on the fourth; here it must be on the
    third, so changing it must change the answer."""
    import torch

    from surveyor.services.neural.sam3 import _instance_features, embed

    expert = loaded("segment")
    hidden = embed(expert._concept, torch.zeros(1, 3, 112, 112))
    before = _instance_features(expert._instance, hidden)
    assert [tuple(part.shape[-2:]) for part in before] == [(32, 32), (16, 16), (8, 8)]
    with torch.inference_mode():
        expert._instance.no_memory_embedding += 1
        after = _instance_features(expert._instance, hidden)
        expert._instance.no_memory_embedding -= 1
    assert torch.allclose(after[2], before[2] + 1, atol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"mode": "concept", "text": "x", "points": ((1, 1),)}, "use instance mode for points"),
        ({"boxes": ((90, 0, 95, 9),)}, "no area inside the image"),
        ({"points": ((-3, 5),)}, "outside the image"),
        ({"mode": "concept", "text": "z" * 100}, "longer than 32 tokens"),
    ],
)
def test_prompts_that_cannot_be_answered(
    loaded: Loaded, images: Images, wrong: dict, sentence: str
) -> None:
    with pytest.raises(ExpertError, match=sentence):
        ask(loaded("segment"), images, **wrong)

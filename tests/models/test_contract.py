"""The contract suite over every tiny expert, by every route that has a tiny model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from surveyor.services.contract import (
    DepthRequest,
    DetectRequest,
    OrientRequest,
    ReconstructRequest,
    RenderViewRequest,
    RestoreRequest,
    SegmentRequest,
)
from surveyor.services.expert import AnyExpert
from surveyor.services.images import Images, inline
from tests.models.conftest import BOX, Loaded, Served, Tray, picture, png
from tests.services.contract_suite import CHECKS, Subject, answers_together_as_alone

ROUTES = [
    ("detect", "base"),
    ("detect", "mm"),
    ("detect", "owlv2"),
    ("detect", "omdet"),
    ("detect", "rtdetr"),
    ("detect", "dfine"),
    ("depth", "da3"),
    ("depth", "da2"),
    ("segment", "sam3"),
    ("reconstruct", "da3"),
    ("render_view", "da3"),
    ("restore", "swinir"),
    ("orient", "v1"),
]
# Stacked arithmetic differs from single in the last bits: compared with a tolerance below.
EXACT = tuple(check for check in CHECKS if check is not answers_together_as_alone)


@pytest.mark.parametrize("check", EXACT, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("expert", "route"), ROUTES)
def test_the_contract(
    served: Served, expert: str, route: str, check: Callable[[Subject], None]
) -> None:
    files = tuple(png(picture(seed)) for seed in range(3))
    subject = Subject(expert, served(expert, route=route), files, BOX)
    subject.put_all()
    check(subject)


def _request(expert: str, seed: int) -> Any:
    image = inline(picture(seed))
    return {
        "detect": lambda: DetectRequest(image=image, phrases=("chair", "lamp"), threshold=0.2),
        "depth": lambda: DepthRequest(image=image, focal=60),
        "segment": lambda: SegmentRequest(image=image, boxes=(BOX,), threshold=0),
        "reconstruct": lambda: ReconstructRequest(images=(image, inline(picture(seed + 1)))),
        "render_view": lambda: RenderViewRequest(images=(image,), azimuth=30),
        "restore": lambda: RestoreRequest(image=image, box=BOX),
        "orient": lambda: OrientRequest(image=image, box=BOX),
    }[expert]()


def _answers(expert: AnyExpert, requests: list[Any], images: Images) -> list[Any]:
    items = [expert.preprocess(request, images) for request in requests]
    assert len({expert.group(item) for item in items}) == 1
    raw = expert.forward_batch(items)
    return [
        expert.postprocess(request, item, one, Tray()).model_dump()
        for request, item, one in zip(requests, items, raw, strict=True)
    ]


@pytest.mark.parametrize(("expert", "route"), ROUTES)
def test_a_batch_gives_what_each_gives_alone(
    loaded: Loaded, images: Images, expert: str, route: str
) -> None:
    adapter = loaded(expert, route=route)
    requests = [_request(expert, seed) for seed in range(3)]
    together = _answers(adapter, requests, images)
    for request, one in zip(requests, together, strict=True):
        (alone,) = _answers(adapter, [request], images)
        assert _close(one, alone)


def _close(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_close(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_close, one, other))
    if isinstance(one, float):
        return one == pytest.approx(other, rel=1e-3, abs=1e-3)
    return bool(one == other)


@pytest.mark.parametrize(("expert", "route"), ROUTES)
def test_mixed_precision_answers_too_and_is_told_apart(
    loaded: Loaded, images: Images, expert: str, route: str
) -> None:
    full, mixed = (loaded(expert, route=route, dtype=dtype) for dtype in ("float32", "bfloat16"))
    _answers(mixed, [_request(expert, 0)], images)
    assert mixed.info().producer.version == f"1-{route}-bfloat16"
    assert mixed.info().producer != full.info().producer


def test_what_serves_is_said(served: Served) -> None:
    info = served("depth", route="da2").get("/v1/info").json()
    assert info["producer"]["backend"] == "tiny"
    assert info["model"].startswith("tiny random depth-anything/")
    assert "Random weights" in info["note"]
    assert info["limits"]["max_batch"] == 8


def test_the_same_seed_gives_the_same_weights(loaded: Loaded, images: Images) -> None:
    first, again = loaded("orient"), loaded("orient", dtype="float32")
    assert first.info().producer == again.info().producer
    request = [_request("orient", 0)]
    assert _answers(first, request, images) == _answers(again, request, images)

"""The contract suite: what every expert with every backend must do, as checks on a served app.

A backend's tests build a `Subject` for each expert (a ready client and images that the expert can
answer for) and run every function of `CHECKS` on it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from surveyor.core.blobs import sha256_of
from surveyor.core.geometry import Pose
from surveyor.core.masks import decode_rle, mask_box
from surveyor.core.tensors import MEDIA_TYPE, unpack
from surveyor.services.contract import ANSWERS, Info, Problem


@dataclass(frozen=True)
class Subject:
    """One served expert. ``images`` are files (at least three) that it can answer for, all of one
    size; ``box`` (x1, y1, x2, y2) holds something in the first."""

    expert: str
    client: TestClient
    images: tuple[bytes, ...]
    box: tuple[float, float, float, float]
    phrases: tuple[str, ...] = ("chair", "table")

    def body(self, index: int = 0) -> dict[str, Any]:
        """A plain request about one image (or about all of them)."""
        image = {"sha256": sha256_of(self.images[index])}
        all_images = [{"sha256": sha256_of(data)} for data in self.images]
        return {
            "scene": {"image": image},
            "detect": {"image": image, "phrases": list(self.phrases), "threshold": 0.1},
            "segment": {"image": image, "boxes": [list(self.box)], "threshold": 0.0},
            "depth": {"image": image, "focal": 60.0},
            "reconstruct": {"images": all_images[index:] + all_images[:index]},
            "orient": {"image": image, "box": list(self.box)},
            "restore": {"image": image},
            "render_view": {"images": all_images[index:] + all_images[:index], "azimuth": 30.0},
        }[self.expert]

    def ask(self, body: dict[str, Any], **headers: str) -> Any:
        """POST a request."""
        return self.client.post(f"/v1/{self.expert}", json=body, headers=headers)

    def put_all(self) -> None:
        """Upload every image."""
        for data in self.images:
            self.client.put(f"/v1/blobs/{sha256_of(data)}", content=data)

    def size(self) -> tuple[int, int]:
        """(width, height) of the images."""
        return Image.open(io.BytesIO(self.images[0])).size

    def array(self, reference: Any) -> np.ndarray:
        """A dense array of an answer."""
        data = self.client.get(f"/v1/blobs/{reference.sha256}").content
        values: np.ndarray = np.load(io.BytesIO(data), allow_pickle=False)
        assert values.shape == reference.shape
        assert str(values.dtype) == reference.dtype
        return values


def answers_in_its_own_type(subject: Subject) -> None:
    """The answer has the contract's type and names the producer that `/v1/info` names."""
    response = subject.ask(subject.body())
    assert response.status_code == 200, response.text
    answer = ANSWERS[subject.expert].model_validate_json(response.content)
    info = Info.model_validate_json(subject.client.get("/v1/info").content)
    assert answer.producer == info.producer
    assert info.expert == subject.expert
    assert info.licence
    assert info.model
    assert subject.client.get("/readyz").status_code == 200


def has_the_contracts_units(subject: Subject) -> None:
    """Sizes, ranges and frames are what the contract says."""
    answer = ANSWERS[subject.expert].model_validate(subject.ask(subject.body()).json())
    _UNITS[subject.expert](subject, answer)


def repeats_itself(subject: Subject) -> None:
    """The same question gets the same answer."""
    first, second = (subject.ask(subject.body()).json() for _ in range(2))
    assert first == second


def answers_together_as_alone(subject: Subject) -> None:
    """Requests that arrive at once (one batch) get what each gets alone, to the last bit.

    Stacked arithmetic of a network differs in the last bits, and hashes with it: such a backend
    leaves this check out and compares within a tolerance (`tests/models/test_contract.py`)."""
    bodies = [subject.body(index) for index in range(len(subject.images))]
    alone = [subject.ask(body).json() for body in bodies]
    with ThreadPoolExecutor(len(bodies)) as pool:
        together = list(pool.map(lambda body: subject.ask(body).json(), bodies))
    assert together == alone


def takes_images_inline(subject: Subject) -> None:
    """An image inside the request is worth as much as one by hash."""
    body = subject.body()

    def inlined(reference: dict[str, str]) -> dict[str, str]:
        data = next(d for d in subject.images if sha256_of(d) == reference["sha256"])
        kind = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
        return {"data": base64.b64encode(data).decode(), "media_type": kind}

    other = dict(body)
    if "image" in body:
        other["image"] = inlined(body["image"])
    else:
        other["images"] = [inlined(one) for one in body["images"]]
    assert subject.ask(other).json() == subject.ask(body).json()


def packs_arrays_into_one_body(subject: Subject) -> None:
    """With `Accept: application/vnd.safetensors` the same answer comes as one binary body."""
    plain = ANSWERS[subject.expert].model_validate(subject.ask(subject.body()).json())
    packed = subject.ask(subject.body(), Accept=MEDIA_TYPE)
    assert packed.headers["content-type"] == MEDIA_TYPE
    tensors, text = unpack(packed.content)
    assert ANSWERS[subject.expert].model_validate_json(text) == plain
    for digest, values in tensors.items():
        stored = subject.client.get(f"/v1/blobs/{digest}")
        assert np.array_equal(np.load(io.BytesIO(stored.content)), values)


def refuses_with_a_sentence(subject: Subject) -> None:
    """Every mistake is a 4xx with a code and a sentence."""
    good = subject.body()
    missing = {"sha256": "0" * 64}
    junk = {"data": base64.b64encode(b"no picture").decode(), "media_type": "image/png"}
    for image, code in ((missing, "blob_not_found"), (junk, "bad_image")):
        key, value = ("image", image) if "image" in good else ("images", [image])
        _refused(subject, {**good, key: value}, code)
    _refused(subject, {}, "bad_input")
    _refused(subject, {**good, "no_such_field": 1}, "bad_input")
    _refused(subject, {**good, ("image" if "image" in good else "images"): None}, "bad_input")


def keeps_its_caps(subject: Subject) -> None:
    """Images too large, lists too long, boxes outside, numbers that are none."""
    good = subject.body()
    buffer = io.BytesIO()
    Image.new("1", (9000, 9000)).save(buffer, "PNG")
    huge = {"data": base64.b64encode(buffer.getvalue()).decode(), "media_type": "image/png"}
    key, value = ("image", huge) if "image" in good else ("images", [huge])
    _refused(subject, {**good, key: value}, "too_large")
    wrong: dict[str, list[dict[str, Any]]] = {
        "detect": [{"phrases": []}, {"phrases": ["x"] * 10_000}, {"phrases": [""]}],
        "segment": [{"boxes": [[9e9, 9e9, 9e9, 9e9]]}, {"boxes": [[0, 0, 1, 1]] * 1000}],
        "depth": [{"focal": 0}, {"focal": -1}],
        "orient": [{"box": [-9, -9, -1, -1]}, {"box": [1, 2, 3]}],
        "restore": [{"scale": 3}, {"box": [5, 5, 5, 9]}],
        "reconstruct": [{"images": []}, {"images": [{"sha256": "0" * 64}] * 300}],
        "render_view": [{"images": []}, {"T_world_camera": [[1.0]]}],
    }
    for change in wrong.get(subject.expert, []):
        _refused(subject, {**good, **change})


CHECKS: tuple[Callable[[Subject], None], ...] = (
    answers_in_its_own_type,
    has_the_contracts_units,
    repeats_itself,
    answers_together_as_alone,
    takes_images_inline,
    packs_arrays_into_one_body,
    refuses_with_a_sentence,
    keeps_its_caps,
)


def _refused(subject: Subject, body: dict[str, Any], code: str | None = None) -> None:
    response = subject.ask(body)
    assert 400 <= response.status_code < 500, (response.status_code, response.text[:300], body)
    told = Problem.model_validate_json(response.content)
    assert told.message
    assert code is None or told.code == code, (told, code)


def _inside(subject: Subject, box: tuple[float, ...]) -> None:
    width, height = subject.size()
    assert -0.5 <= box[0] < box[2] <= width - 0.5
    assert -0.5 <= box[1] < box[3] <= height - 0.5


def _scene(subject: Subject, answer: Any) -> None:
    assert answer.scene_id
    assert len({thing.id for thing in answer.objects}) == len(answer.objects)
    assert all(min(thing.box.size) > 0 for thing in answer.objects)


def _detect(subject: Subject, answer: Any) -> None:
    scores = [one.score for one in answer.detections]
    assert scores == sorted(scores, reverse=True)
    for one in answer.detections:
        assert one.phrase in subject.phrases
        assert 0.1 <= one.score <= 1
        _inside(subject, one.box)


def _segment(subject: Subject, answer: Any) -> None:
    width, height = subject.size()
    for one in answer.segments:
        assert one.mask.size == (height, width)
        mask = decode_rle(one.mask.size, one.mask.counts)
        assert mask.any()
        assert one.box == pytest.approx(mask_box(mask), abs=1.0)
        assert one.prompt == 0


def _depth(subject: Subject, answer: Any) -> None:
    width, height = subject.size()
    values = subject.array(answer.depth)
    assert values.shape == (height, width)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()
    assert (values >= 0).all()
    measured = values[values > 0]
    assert answer.minimum == pytest.approx(measured.min())
    assert answer.maximum == pytest.approx(measured.max())
    assert (answer.intrinsics.width, answer.intrinsics.height) == (width, height)
    assert answer.scale_source == "given"


def _reconstruct(subject: Subject, answer: Any) -> None:
    indices = [view.index for view in answer.views]
    assert sorted([*indices, *answer.missing]) == list(range(len(subject.images)))
    for view in answer.views:
        Pose(np.array(view.T_world_camera))
        depth, confidence = subject.array(view.depth), subject.array(view.confidence)
        assert depth.shape == confidence.shape == (view.intrinsics.height, view.intrinsics.width)
        assert ((confidence >= 0) & (confidence <= 1)).all()
        assert np.isfinite(depth).all()
    points = subject.array(answer.cloud)
    assert points.ndim == 2
    assert points.shape[1] == 3
    assert np.isfinite(points).all()


def _orient(subject: Subject, answer: Any) -> None:
    told = answer.orientation
    assert -180 < told.azimuth <= 180
    assert -90 <= told.polar <= 90
    assert -180 <= told.rotation <= 180
    assert told.symmetry in (0, 1, 2, 4)
    assert 0 <= told.confidence <= 1


def _restore(subject: Subject, answer: Any) -> None:
    assert answer.derivation.parent == sha256_of(subject.images[0])
    data = subject.client.get(f"/v1/blobs/{answer.image.sha256}").content
    assert Image.open(io.BytesIO(data)).size == (answer.image.width, answer.image.height)


def _render_view(subject: Subject, answer: Any) -> None:
    Pose(np.array(answer.T_world_camera))
    data = subject.client.get(f"/v1/blobs/{answer.image.sha256}").content
    size = (answer.intrinsics.width, answer.intrinsics.height)
    assert Image.open(io.BytesIO(data)).size == size


_UNITS: dict[str, Callable[[Subject, Any], None]] = {
    "scene": _scene,
    "detect": _detect,
    "segment": _segment,
    "depth": _depth,
    "reconstruct": _reconstruct,
    "orient": _orient,
    "restore": _restore,
    "render_view": _render_view,
}

"""Recorded answers: complete, keyed by content, served again without the expert."""

from __future__ import annotations

import numpy as np
import pytest

from surveyor.core.dataset import BLOBS
from surveyor.core.errors import UserError
from surveyor.core.tensors import MEDIA_TYPE, unpack
from surveyor.services.contract import DepthRequest, DetectRequest, ImageByHash
from surveyor.services.recording import Recording, request_key
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings
from tests.services.test_app import inline_body, problem
from tests.services.world import frame


def replay(serve, name, folder):
    options = {"recording": str(folder)}
    return serve(make_expert(name, "replay"), options=options, blob_folders=(folder / BLOBS,))


def body(dataset, index=0):
    return {"image": {"sha256": frame(dataset, index=index)}, "focal": 60.0}


def test_what_was_answered_is_answered_again(reference, serve, dataset, tmp_path):
    recording = tmp_path / "recording"
    live = reference("depth", record=recording)
    first = live.post("/v1/depth", json=body(dataset))
    packed = live.post("/v1/depth", json=body(dataset, 1), headers={"Accept": MEDIA_TYPE})
    live.post("/v1/depth", json=body(dataset))  # asked twice, kept once
    (tmp_path / "blobs").rename(tmp_path / "gone")
    again = replay(serve, "depth", recording)
    assert len(Recording(recording, "depth")) == 2
    answer = again.post("/v1/depth", json=body(dataset))
    assert answer.json() == first.json()
    digest = first.json()["depth"]["sha256"]
    assert again.get(f"/v1/blobs/{digest}").status_code == 200
    repacked = again.post("/v1/depth", json=body(dataset, 1), headers={"Accept": MEDIA_TYPE})
    (one, told), (other, retold) = unpack(packed.content), unpack(repacked.content)
    assert told == retold
    assert all(np.array_equal(one[key], other[key]) for key in one)
    problem(again.post("/v1/depth", json=body(dataset, 2)), 404, "not_found")
    info, before = again.get("/v1/info").json(), live.get("/v1/info").json()
    assert info["producer"] == before["producer"]
    assert "Replays 2 recorded answers" in info["note"]


def test_a_replay_needs_no_image(reference, serve, dataset, tmp_path):
    recording = tmp_path / "recording"
    asked = {"images": [{"sha256": frame(dataset, index=index)} for index in range(2)]}
    told = reference("reconstruct", record=recording).post("/v1/reconstruct", json=asked)
    again = replay(serve, "reconstruct", recording)
    assert again.post("/v1/reconstruct", json=asked).json() == told.json()


def test_one_key_for_both_ways_to_send_an_image(dataset):
    digest = frame(dataset)
    data = (dataset / BLOBS / digest[:2] / digest[2:]).read_bytes()
    by_hash = DepthRequest(image=ImageByHash(sha256=digest), focal=60)
    inside = DepthRequest.model_validate(inline_body(data, focal=60))
    assert request_key("depth", by_hash) == request_key("depth", inside)
    assert request_key("depth", by_hash) != request_key("orient", by_hash)
    one, two = (
        DetectRequest(image=ImageByHash(sha256=digest), phrases=(phrase,)) for phrase in "ab"
    )
    assert request_key("detect", one) != request_key("detect", two)


def test_a_torn_line_is_dropped(reference, dataset, tmp_path):
    recording = tmp_path / "recording"
    live = reference("detect", record=recording)
    for index in range(2):
        image = {"sha256": frame(dataset, index=index)}
        live.post("/v1/detect", json={"image": image, "phrases": ["chair"]})
    file = recording / "detect" / "answers.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    assert len(Recording(recording, "detect")) == 1


def test_a_missing_or_empty_recording_is_told(tmp_path, dataset, reference):
    expert = make_expert("depth", "replay")
    with pytest.raises(UserError, match="option `recording`"):
        expert.load(Settings(blob_dir=tmp_path))
    with pytest.raises(UserError, match="surveyor serve record"):
        expert.load(Settings(blob_dir=tmp_path, options={"recording": str(tmp_path)}))
    reference("depth", record=tmp_path / "empty")
    expert.load(Settings(blob_dir=tmp_path, options={"recording": str(tmp_path / "empty")}))
    with pytest.raises(UserError, match="is empty"):
        expert.probe()

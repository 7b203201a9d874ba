"""The app factory: blobs, guards, limits, errors, readiness, both answer forms."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import shutil
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from surveyor.core.blobs import sha256_of
from surveyor.core.errors import UserError
from surveyor.core.tensors import MEDIA_TYPE, unpack
from surveyor.services.contract import DepthAnswer, Info, Problem
from surveyor.services.settings import Batching, RequestLimits
from tests.services.fakes import FlatDepth
from tests.services.world import picture

AT = "/v1/depth"


def inline_body(data, **more):
    return {"image": {"data": base64.b64encode(data).decode(), "media_type": "image/png"}, **more}


def problem(response, status, code):
    assert response.status_code == status, response.text
    told = Problem.model_validate_json(response.content)
    assert told.code == code
    assert told.message
    return told


def huge_png(width=10_000, height=10_000):
    """A valid PNG of 100 megapixels in a few kilobytes."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    squeezer = zlib.compressobj(9)
    row = bytes(1 + width)
    pixels = b"".join(squeezer.compress(row) for _ in range(height)) + squeezer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


def test_a_blob_is_put_found_and_got(serve):
    client, data = serve(FlatDepth()), picture(1)
    at = f"/v1/blobs/{sha256_of(data)}"
    assert client.head(at).status_code == 404
    assert client.put(at, content=data).status_code == 201
    again = client.put(at, content=data)
    assert again.status_code == 200
    assert again.json()["sha256"] == sha256_of(data)
    got = client.get(at)
    assert got.content == data
    assert "immutable" in got.headers["cache-control"]
    assert client.get(at, headers={"If-None-Match": got.headers["etag"]}).status_code == 304
    head = client.head(at)
    assert head.status_code == 200
    assert head.headers["content-length"] == str(len(data))


def test_bytes_under_a_wrong_name_are_refused(serve):
    client = serve(FlatDepth())
    problem(client.put("/v1/blobs/" + "0" * 64, content=b"x"), 422, "hash_mismatch")
    problem(client.put("/v1/blobs/xyz", content=b"x"), 422, "bad_input")
    problem(client.get("/v1/blobs/" + "0" * 64), 404, "blob_not_found")


def test_an_image_by_hash_and_one_inside_the_request_give_the_same(serve):
    client, data = serve(FlatDepth()), picture(2)
    digest = sha256_of(data)
    first = client.post(AT, json={"image": {"sha256": digest}})
    assert digest in problem(first, 404, "blob_not_found").message
    client.put(f"/v1/blobs/{digest}", content=data)
    by_hash = client.post(AT, json={"image": {"sha256": digest}, "focal": 250})
    answer = DepthAnswer.model_validate_json(by_hash.content)
    assert answer.minimum == 2.5
    stored = client.get(f"/v1/blobs/{answer.depth.sha256}").content
    values = np.load(io.BytesIO(stored), allow_pickle=False)
    assert values.shape == answer.depth.shape == (48, 64)
    assert np.all(values == 2.5)
    assert client.post(AT, json=inline_body(data, focal=250)).json() == by_hash.json()


def test_the_same_answer_as_one_binary_body(serve):
    client = serve(FlatDepth())
    body = inline_body(picture(3), focal=300)
    plain = client.post(AT, json=body)
    binary = client.post(AT, json=body, headers={"Accept": MEDIA_TYPE})
    assert binary.headers["content-type"] == MEDIA_TYPE
    tensors, answer = unpack(binary.content)
    assert DepthAnswer.model_validate_json(answer) == DepthAnswer.model_validate(plain.json())
    assert np.all(tensors[plain.json()["depth"]["sha256"]] == 3)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "image"),
        ({"image": {"sha256": "no hash"}}, "image"),
        ({"image": {"sha256": "0" * 64}, "focal": -1}, "focal"),
        ({"image": {"sha256": "0" * 64}, "focal": "wide"}, "focal"),
        ({"image": {"sha256": "0" * 64}, "fokal": 3}, "fokal"),
    ],
)
def test_a_wrong_request_names_the_field(serve, body, field):
    told = problem(serve(FlatDepth()).post(AT, json=body), 422, "bad_input")
    assert told.field is not None
    assert told.field.startswith(field)


def test_bodies_that_are_no_json(serve):
    client = serve(FlatDepth())
    for content in (b"", b"{", b"\xff\xfe", b"[" * 100_000):
        response = client.post(AT, content=content, headers={"content-type": "application/json"})
        assert response.status_code in (400, 422)
        assert Problem.model_validate_json(response.content).code == "bad_input"


def test_unknown_paths_and_methods_are_problems(serve):
    client = serve(FlatDepth())
    problem(client.get("/nothing"), 404, "not_found")
    problem(client.get(AT), 405, "not_found")


def test_images_that_are_none(serve):
    client, whole = serve(FlatDepth()), picture(4)
    for data in (b"hello", b"", whole[: len(whole) // 2], whole[:20], b"\xff\xd8\xff\xe0junk"):
        if data:
            told = problem(client.post(AT, json=inline_body(data)), 422, "bad_image")
            assert "JPEG or PNG" in told.message
    body = {"image": {"data": "***", "media_type": "image/png"}}
    problem(client.post(AT, json=body), 422, "bad_image")


def test_a_hundred_megapixels_are_refused_before_they_are_decoded(serve):
    client = serve(FlatDepth())
    told = problem(client.post(AT, json=inline_body(huge_png())), 413, "too_large")
    assert "100 megapixels" in told.message


def test_exif_orientation_is_applied_once(serve):
    image = Image.new("RGB", (40, 20))
    exif = image.getexif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    answer = serve(FlatDepth()).post(AT, json=inline_body(buffer.getvalue())).json()
    assert answer["depth"]["shape"] == [40, 20]


def test_the_body_limit_holds_for_declared_and_for_streamed_sizes(serve):
    client = serve(FlatDepth(), limits=RequestLimits(body_bytes=1000))
    at = "/v1/blobs/" + sha256_of(b"x" * 2000)
    problem(client.put(at, content=b"x" * 2000), 413, "too_large")
    pieces = (b"x" * 100 for _ in range(20))  # chunked: no declared length
    problem(client.put(at, content=pieces), 413, "too_large")
    lie = {"content-length": "many"}
    assert client.put(at, content=b"x", headers=lie).status_code == 400


def test_a_token_is_asked_for_before_anything_else(serve):
    client = serve(FlatDepth(), token="secret", limits=RequestLimits(body_bytes=1000))
    at = "/v1/blobs/" + sha256_of(b"x" * 2000)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "secret"}):
        told = client.put(at, content=b"x" * 2000, headers=headers)
        problem(told, 401, "unauthorized")
        assert told.headers["www-authenticate"] == "Bearer"
    right = {"Authorization": "Bearer secret"}
    problem(client.put(at, content=b"x" * 2000, headers=right), 413, "too_large")
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
    problem(client.get("/v1/info"), 401, "unauthorized")
    assert "HTTPBearer" in client.get("/openapi.json").text


def test_info_says_what_serves_here(serve):
    info = Info.model_validate(serve(FlatDepth()).get("/v1/info").json())
    assert (info.expert, info.model, info.contract) == ("depth", "flat", "1")
    assert info.limits["pixels"] == 40_000_000


def test_every_route_and_error_is_in_the_schema(serve):
    schema = serve(FlatDepth()).get("/openapi.json").json()
    assert {"/v1/blobs/{sha256}", AT, "/healthz", "/readyz", "/v1/info", "/metrics"} == set(
        schema["paths"]
    )
    answers = schema["paths"][AT]["post"]["responses"]
    assert {"200", "400", "404", "413", "422", "503", "504"} <= set(answers)
    assert answers["200"]["content"]["application/json"]["schema"]["$ref"].endswith("DepthAnswer")
    assert MEDIA_TYPE in answers["200"]["content"]


def test_a_body_that_is_no_text_is_a_documented_problem(serve):
    sent = serve(FlatDepth()).post(
        AT, content=b"\xcb\xff", headers={"content-type": "application/json"}
    )
    assert "not JSON text in UTF-8" in problem(sent, 400, "bad_input").message


def test_metrics_count_by_route_template(serve):
    client = serve(FlatDepth())
    client.post(AT, json=inline_body(picture(5)))
    client.get("/v1/blobs/" + "1" * 64)
    text = client.get("/metrics").text
    assert 'surveyor_requests_total{code="200",route="/v1/depth"} 1.0' in text
    assert 'surveyor_requests_total{code="404",route="/v1/blobs/{sha256}"} 1.0' in text
    assert "surveyor_queue_depth 0.0" in text
    assert "surveyor_batch_size_count 2.0" in text  # the probe and the request


def test_gpu_memory_is_a_metric_where_there_is_a_gpu(serve):
    assert "surveyor_gpu_memory_bytes" not in serve(FlatDepth()).get("/metrics").text
    assert (
        "surveyor_gpu_memory_bytes 0.0" in serve(FlatDepth(), device="cuda:0").get("/metrics").text
    )


def test_a_service_that_cannot_load_says_why_and_takes_nothing(serve):
    expert = FlatDepth()
    expert.load_error = UserError("put the weights at weights.bin")
    client = serve(expert)
    assert client.get("/healthz").status_code == 200
    assert "weights.bin" in problem(client.get("/readyz"), 503, "internal").message
    assert client.post(AT, json=inline_body(picture(6))).status_code == 500
    problem(client.get("/v1/info"), 503, "busy")


def test_a_failing_model_is_an_internal_problem_and_not_the_end(serve):
    expert = FlatDepth()
    expert.poison[13.0] = RuntimeError("unlucky")
    client = serve(expert)
    told = problem(client.post(AT, json=inline_body(picture(7), focal=13)), 500, "internal")
    assert "unlucky" in told.message
    assert client.post(AT, json=inline_body(picture(7), focal=14)).status_code == 200


def test_deadlines(serve):
    expert = FlatDepth()
    client = serve(expert)
    expert.gate.clear()
    body = inline_body(picture(8))
    late = client.post(AT, json=body, headers={"X-Request-Timeout": "0.05"})
    expert.gate.set()
    problem(late, 504, "deadline")
    for wrong in ("soon", "-1", "nan"):
        problem(client.post(AT, json=body, headers={"X-Request-Timeout": wrong}), 422, "bad_input")


def test_a_store_that_cannot_be_written_is_told(serve, tmp_path):
    client = serve(FlatDepth())
    shutil.rmtree(tmp_path / "blobs")
    (tmp_path / "blobs").write_text("a file where the store should be")
    data = picture(9)
    problem(client.put(f"/v1/blobs/{sha256_of(data)}", content=data), 507, "disk_full")
    problem(client.post(AT, json=inline_body(data, focal=77)), 507, "disk_full")


def test_a_caller_that_hangs_up_costs_no_inference(serve):
    """Two requests wait behind a held batch; one caller leaves; the model never sees it."""
    expert = FlatDepth()
    client = serve(expert)
    body = json.dumps(inline_body(picture(8), focal=321)).encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": AT,
        "raw_path": AT.encode(),
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("expert", 80),
        "client": ("test", 1),
    }

    async def leave_early():
        messages = [{"type": "http.request", "body": body}, {"type": "http.disconnect"}]
        sent = []

        async def receive():
            return messages.pop(0) if messages else await asyncio.Event().wait()

        async def send(message):
            sent.append(message)

        await client.app(scope, receive, send)
        return sent

    expert.gate.clear()
    expert.entered.clear()
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(client.post, AT, json=inline_body(picture(8), focal=111))
        assert expert.entered.wait(10)
        client.portal.call(leave_early)
        expert.gate.set()
        assert held.result().status_code == 200
    assert client.post(AT, json=inline_body(picture(8), focal=111)).status_code == 200
    assert 321.0 not in expert.focals
    assert 111.0 in expert.focals


def test_a_hanging_model_makes_the_service_unhealthy_until_it_comes_back(serve):
    expert = FlatDepth()
    client = serve(expert, batching=Batching(stuck=0.01))
    expert.gate.clear()
    expert.entered.clear()
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(client.post, AT, json=inline_body(picture(8)))
        assert expert.entered.wait(10)
        answers = (client.get("/healthz").status_code for _ in range(10_000))
        assert next(status for status in answers if status != 200) == 503
        problem(client.get("/readyz"), 503, "busy")
        expert.gate.set()
        assert held.result().status_code == 200
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type", "told"),
    [
        (b"", "application/json", "the body is empty; send one JSON object"),
        (b"{}\n{}", "application/json", "the body is not JSON; send one JSON object"),
        (b"[]", "application/json", "but no object; send one"),
        (b'{"a": 1}', "application/x-www-form-urlencoded", "content-type: application/json"),
        (b'{"a": 1}', "text/plain", "content-type: application/json"),
        (b'{"a": 1}', "", "content-type: application/json"),
        (b'{"imge": {}}', "application/json", "image: is missing"),
    ],
)
def test_a_body_that_was_not_read_is_told_by_what_to_send(serve, body, content_type, told):
    client = serve(FlatDepth())
    response = client.post(AT, content=body, headers={"content-type": content_type})
    assert told in problem(response, 422, "bad_input").message

"""Every reference expert keeps to its own OpenAPI, whatever it is sent.

Cases come from the schema, valid and broken ones; in a second round their images and scenes are
replaced by ones that the dataset has, so that odd numbers reach the expert itself.
"""

from __future__ import annotations

import json
from itertools import cycle

import pytest

from surveyor.core.dataset import BLOBS, MANIFEST, DatasetManifest
from surveyor.scenes.datasets.truth import FRAMES
from surveyor.services.app import build_app
from surveyor.services.registry import experts_of, make_expert
from surveyor.services.settings import Settings

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from schemathesis import GenerationMode  # noqa: E402
from schemathesis.checks import load_all_checks, not_a_server_error  # noqa: E402
from schemathesis.python import asgi  # noqa: E402
from schemathesis.specs.openapi import checks  # noqa: E402

load_all_checks()
# What a schema cannot say (a hash that matches its bytes, one of two fields, a rotation) is
# refused with 422, so "a valid body is accepted" is not among the checks.
KEPT = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
SHARED_BY = "detect"  # the routes that every expert has are tried on one
BOTH = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


def grounded(value, frames, scene):
    """``value`` with its images and scenes replaced by known ones."""
    if isinstance(value, list):
        return [grounded(item, frames, scene) for item in value]
    if not isinstance(value, dict):
        return value
    if "sha256" in value or "media_type" in value:
        return {"sha256": next(frames)}
    known = {"scene_id": scene} if isinstance(value.get("scene_id"), str) else {}
    return {name: grounded(item, frames, scene) for name, item in value.items()} | known


def try_operation(operation, client, examples, change=lambda body: body):
    """Send cases of one operation; an exception of schemathesis names what was not kept."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in BOTH)))
    def each(case):
        case.body = change(case.body)
        answer = case.call(session=client, base_url="http://testserver", timeout=10)
        case.validate_response(answer, checks=KEPT)

    each()


@pytest.mark.parametrize("name", experts_of("reference"))
def test_an_expert_keeps_to_its_schema(dataset, tmp_path, name):
    told = Settings(blob_dir=tmp_path, datasets=(dataset,), blob_folders=(dataset / BLOBS,))
    app = build_app(make_expert(name), told)
    frames = cycle(sorted(json.loads((dataset / FRAMES).read_text())))
    scene = DatasetManifest.model_validate_json((dataset / MANIFEST).read_bytes()).scenes[0]
    with asgi.get_client(app) as client:
        asgi._get_portal().call(app.state.service.loaded)
        schema = schemathesis.openapi.from_dict(app.openapi())
        schema.app = app
        for found in schema.get_all_operations():
            operation = found.ok()
            asks = operation.path == f"/v1/{name}"
            if asks or name == SHARED_BY:
                try_operation(operation, client, 6)
            if asks:
                try_operation(operation, client, 15, lambda body: grounded(body, frames, scene))

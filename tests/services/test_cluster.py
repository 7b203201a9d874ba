"""The cluster engine: what a replica is, without Ray; and, where Ray is installed, two nodes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx2
import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from surveyor.core.dataset import BLOBS
from surveyor.core.errors import UserError
from surveyor.services.cluster import Replica, Scaling, deploy, replica_app
from surveyor.services.plan import ExpertPlan, LaunchPlan, read_endpoints
from surveyor.services.settings import Settings
from surveyor.services.status import status
from tests.services.world import frame

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
PATIENCE = 90.0

# Two machines in one: each pretends to have one GPU. They end with the pipe to this process.
NODES = """
import sys
from ray.cluster_utils import Cluster
node = {"num_gpus": 1, "num_cpus": 1, "object_store_memory": 80 << 20}
cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
cluster.add_node(**node)
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""


@pytest.fixture
def plan(dataset, tmp_path):
    return LaunchPlan(
        state_dir=tmp_path / "state", experts=(ExpertPlan(expert="scene"),), datasets=(dataset,)
    )


def settings(dataset, tmp_path, **more):
    blob_folders = (dataset / BLOBS,)
    return Settings(
        blob_dir=tmp_path / "blobs", blob_folders=blob_folders, datasets=(dataset,), **more
    )


def test_a_replica_answers_below_its_prefix_as_soon_as_it_has_started(dataset, tmp_path):
    app = replica_app(ExpertPlan(expert="scene"), settings(dataset, tmp_path, token="s3cret"))
    sent = {"Authorization": "Bearer s3cret"}
    with TestClient(app, root_path="/scene") as client:
        assert client.get("/scene/readyz").status_code == 200
        assert client.get("/scene/v1/info").status_code == 401
        answer = client.post("/scene/v1/scene", json={"scene_id": "room0"}, headers=sent)
        assert len(answer.json()["objects"]) == 2
        counted = client.get("/scene/metrics", headers=sent).text
        assert 'surveyor_requests_total{code="200",route="/v1/scene"} 1.0' in counted
        assert "/scene/openapi.json" in client.get("/scene/docs").text


def test_a_replica_that_cannot_load_is_unhealthy_from_the_start(dataset, tmp_path):
    def health(dataset):
        replica = Replica()
        replica.app = replica_app(ExpertPlan(expert="scene"), settings(dataset, tmp_path))
        with TestClient(replica.app):
            asyncio.run(replica.check_health())

    health(dataset)
    with pytest.raises(RuntimeError, match=r"cannot load: .*holds no dataset"):
        health(tmp_path / "nowhere")


def test_what_the_operator_must_mend_is_one_sentence(plan, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install '\.\[ray\]'"):
        deploy(plan, Scaling())
    assert not plan.endpoints_file.exists()
    open_to_all = plan.model_copy(update={"host": "0.0.0.0"})
    with pytest.raises(UserError, match="give a token"):
        deploy(open_to_all, Scaling())
    own = ExpertPlan(expert="scene", python=Path("python"))
    with pytest.raises(UserError, match="own environment"):
        deploy(plan.model_copy(update={"experts": (own,)}), Scaling())


@pytest.mark.parametrize("wrong", [{"gpus": -1}, {"replicas": 0}, {"replicas": 3, "most": 2}])
def test_a_scaling_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValidationError):
        Scaling(**wrong)


@contextmanager
def started(*arguments, **more):
    """A process of this interpreter; interrupted and waited for at the end."""
    with subprocess.Popen(
        [sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more
    ) as process:
        try:
            yield process
        finally:
            process.stdin.close()
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


@contextmanager
def nodes():
    """The address of a cluster of two."""
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    with subprocess.Popen(
        [sys.executable, "-c", NODES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    ) as process:
        yield process.stdout.readline().strip()
        process.stdin.close()
        process.wait(PATIENCE)


@needs_ray
def test_halves_of_two_gpus_on_two_nodes_answer_at_the_usual_routes(dataset, tmp_path):
    """Four replicas of half a GPU each fit only if both nodes take two."""
    state = tmp_path / "state"
    command = ["-m", "surveyor.cli.main", "serve", "up", "--engine", "ray", "--token"]
    command += ["--expert", "scene", "--expert", "depth", "--dataset", str(dataset)]
    command += ["--state", str(state), "--gpus", "0.5", "--replicas", "2"]
    with nodes() as address:
        environment = {**os.environ, "RAY_ADDRESS": address}
        with started(*command, env=environment, text=True) as experts:
            lines = [experts.stdout.readline() for _ in range(3)]
            assert lines[-1].startswith("endpoints: "), lines
            endpoints = read_endpoints(state / "endpoints.json")
            urls = {one.expert: one.url for one in endpoints.experts}
            sent = {"Authorization": f"Bearer {Path(endpoints.token_file).read_text()}"}
            body = {"image": {"sha256": frame(dataset)}}
            url = f"{urls['depth']}/v1/depth"
            assert httpx2.post(url, json=body).status_code == 401
            answers = [httpx2.post(url, json=body, headers=sent) for _ in range(8)]
            assert {answer.status_code for answer in answers} == {200}
            assert len({answer.content for answer in answers}) == 1
            blob = answers[0].json()["depth"]["sha256"]
            got = httpx2.get(f"{urls['depth']}/v1/blobs/{blob}", headers=sent)
            assert got.content.startswith(b"\x93NUMPY")
            info = httpx2.get(f"{urls['scene']}/v1/info", headers=sent)
            assert info.json()["expert"] == "scene"
            missing = httpx2.post(
                f"{urls['scene']}/v1/scene", json={"scene_id": "no"}, headers=sent
            )
            assert missing.json()["code"] == "unknown_scene"
            with pytest.raises(UserError, match="`ray status` shows those"):
                status(state / "endpoints.json")
        assert experts.returncode == 0
        assert not (state / "endpoints.json").exists()

"""One photograph that a phone took sideways, from the dataset to the tools and the experts."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.registry import loader_named
from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import Dataset
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.services.app import build_app
from surveyor.services.contract import Endpoints, ExpertEndpoint
from surveyor.services.settings import Settings
from surveyor.tools.builtin import default_tools
from surveyor.tools.endpoints import FixedEndpoints
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.tools.schemas import DepthReadings
from surveyor.tools.spec import CallRequest
from surveyor.tools.workspace import Workspace
from tests.benchmarks.published import download
from tests.services.fakes import FlatDepth

PHOTOGRAPH = Path(__file__).parents[1] / "fixtures" / "images" / "exif-orientation-6.jpg"


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    source = download("vsi-bench", tmp_path)
    folder = source / "arkitscenes/40000001"
    shutil.rmtree(folder)
    folder.mkdir()
    shutil.copy(PHOTOGRAPH, folder / "0.jpg")
    loader_named("vsi-bench").load(source, tmp_path / "out", frames=FrameRule())
    return Dataset.open(tmp_path / "out")


def ask(
    dataset: Dataset, folder: Path, expert: TestClient, name: str, **arguments: object
) -> ToolOutcome:
    """One call of a tool on the photograph; the expert is a real app, reached in memory."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        reply = expert.request(
            request.method, request.url.path, content=request.content, headers=dict(request.headers)
        )
        return httpx2.Response(
            reply.status_code, content=reply.content, headers=dict(reply.headers)
        )

    served = ExpertEndpoint(expert="depth", url="http://expert", pid=1, backend="fake")
    client = ExpertClient(
        FixedEndpoints(Endpoints(supervisor=1, experts=(served,))),
        BlobStore(folder / "mine"),
        transport=httpx2.MockTransport(answer),
        originals=(dataset.blobs,),
    )
    task = next(task for task in dataset.tasks() if task.scene_id == "40000001")
    call = CallRequest("c", name, json.dumps(arguments))

    async def run() -> ToolOutcome:
        workspace = Workspace(task, client)
        (outcome,) = await Registry(default_tools()).execute(0, [call], workspace)
        return outcome

    return asyncio.run(run())


def test_a_place_low_in_an_upright_photograph_has_a_depth(dataset: Dataset, tmp_path: Path) -> None:
    app = build_app(FlatDepth(), Settings(blob_dir=tmp_path / "theirs"))
    with TestClient(app) as expert:
        assert expert.portal is not None
        expert.portal.call(app.state.service.loaded)
        points = [[57, 76], [2, 78]]  # below the 60 rows that the file declares
        outcome = ask(dataset, tmp_path, expert, "depth_at", frame="frame_0", points=points)
        assert outcome.status is ToolStatus.OK, outcome.text
        readings = DepthReadings.model_validate(outcome.data).readings
        assert [reading.depth for reading in readings] == [1.0, 1.0]

        outcome = ask(dataset, tmp_path, expert, "depth_at", frame="frame_0", points=[[70, 20]])
        assert outcome.status is not ToolStatus.OK  # outside: it is 60 wide

        box = [40, 60, 59, 79]
        outcome = ask(dataset, tmp_path, expert, "zoom", frame="frame_0", box=box, scale=1)
        assert outcome.status is ToolStatus.OK, outcome.text
        assert (outcome.images[0].width, outcome.images[0].height) == (20, 20)

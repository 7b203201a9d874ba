"""The whole path on one small room: experts in process are those over HTTP, minus a socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import BLOBS
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.memory.scene_memory import SceneMemory
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.services.app import build_app
from surveyor.services.contract import (
    DetectRequest,
    Endpoints,
    ExpertAnswer,
    ExpertEndpoint,
    ImageByHash,
)
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings
from surveyor.skills.workflow import PLAIN, SINGLE
from surveyor.tools.endpoints import FixedEndpoints
from surveyor.tools.experts import ExpertClient
from surveyor.training.evolution.cases import Case, load_cases, room_of
from surveyor.training.evolution.inprocess_experts import experts_in_process
from surveyor.training.evolution.rollouts import ProgramPlay, producers_of
from surveyor.training.evolution.scoring import Judge

EXPERTS = ("detect", "segment", "depth", "reconstruct", "restore", "scene")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dataset") / "train"
    settings = RoomsSettings(n_frames=6, size=(128, 96), types=("object_counting",), per_type=2)
    make_rooms_dataset(path, [7], settings=settings, split="train", name="train")
    return path


@pytest.fixture(scope="module")
def cases(dataset: Path) -> tuple[Case, ...]:
    return load_cases([dataset])


def test_cards_and_rooms_come_from_the_public_side(cases: tuple[Case, ...], dataset: Path) -> None:
    assert {c.room for c in cases} == {"room_000007"} == {room_of("room_000007.dark")}
    assert all(c.card.views == 6 and c.card.width == 128 for c in cases)
    assert room_of("scene0011_00") == "scene0011_00"
    with pytest.raises(UserError, match="learned from test datasets only"):
        load_cases([dataset], split="test")


def test_trials_are_real_episodes_and_are_remembered(
    cases: tuple[Case, ...], dataset: Path, tmp_path: Path
) -> None:
    async def play() -> None:
        memory = SceneMemory(tmp_path / "memory.sqlite")
        async with (
            experts_in_process([dataset], tmp_path, preset="perfect", experts=EXPERTS) as client,
            Judge([dataset]) as judge,
        ):
            world = await producers_of(client, EXPERTS)
            player = ProgramPlay(client, judge, world, memory=memory)
            tries = [(c, w) for c in cases for w in (PLAIN, SINGLE)]
            trials = await player.play(tries)
            again = await player.play(tries)
        assert [(t.task_id, t.workflow) for t in trials] == [(c.id, w) for c, w in tries]
        assert trials == again
        assert all(0 <= t.score <= 1 and t.cost > 0 and t.calls >= 3 for t in trials)
        assert max(t.score for t in trials) > 0.5
        assert len(memory) == len(trials)
        cards = [e.card for e in memory.episodes(cases[0].task.scene_id)]
        assert any(c["apparent"] and 0 < c["apparent"] < 1 for c in cards), "detectors looked"
        recalled = memory.recall(cases[0].task.scene_id)
        known = {f.image.sha256 for f in cases[0].task.frames}
        assert recalled
        assert all(o.frames and set(o.frames) <= known for o in recalled.objects)
        assert all(o.producers and o.episode for o in recalled.objects)

    asyncio.run(play())


def test_a_judge_that_dies_is_an_outage(tmp_path: Path) -> None:
    async def ask() -> None:
        async with Judge([tmp_path / "nothing"]) as judge:
            await judge.mark("x", "1")

    with pytest.raises(InfrastructureError, match="scoring ended early"):
        asyncio.run(ask())


@contextmanager
def served(dataset: Path, work: Path) -> Iterator[str]:
    """The detect expert on a real socket."""
    settings = Settings(
        blob_dir=work / "blobs",
        blob_folders=(dataset / BLOBS,),
        datasets=(dataset,),
        preset="realistic",
    )
    app = build_app(make_expert("detect"), settings)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not (server.started and app.state.service.ready):
            assert thread.is_alive()
            threading.Event().wait(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def test_in_process_answers_equal_those_over_http(
    cases: tuple[Case, ...], dataset: Path, tmp_path: Path
) -> None:
    frames = [f.image.sha256 for f in cases[0].task.frames]
    request = [
        DetectRequest(image=ImageByHash(sha256=f), phrases=("chair", "table", "window", "lamp"))
        for f in frames
    ]

    async def over_http(url: str) -> list[ExpertAnswer]:
        here = ExpertEndpoint(expert="detect", url=url, pid=0, backend="reference")
        where = FixedEndpoints(Endpoints(supervisor=0, experts=(here,)))
        client = ExpertClient(where, BlobStore(tmp_path / "http"))
        try:
            return await answers(client)
        finally:
            await client.aclose()

    async def answers(client: ExpertClient) -> list[ExpertAnswer]:
        from surveyor.services.contract import DetectAnswer

        return [(await client.ask("detect", r, DetectAnswer)).answer for r in request]

    async def in_process() -> list[ExpertAnswer]:
        work = tmp_path / "inside"
        async with experts_in_process([dataset], work, experts=("detect",)) as client:
            return await answers(client)

    with served(dataset, tmp_path / "served") as url:
        remote = asyncio.run(over_http(url))
    local = asyncio.run(in_process())
    assert [a.model_dump_json() for a in local] == [a.model_dump_json() for a in remote]
    assert any(getattr(a, "detections", ()) for a in local)

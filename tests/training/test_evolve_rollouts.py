"""The whole path on one small room: experts in process are those over HTTP, minus a socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.scoring import score_run
from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import BLOBS
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.memory.runs import RunFolder
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
from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.workflow import PLAIN, SINGLE
from surveyor.tools.endpoints import FixedEndpoints
from surveyor.tools.experts import ExpertClient
from surveyor.training.evolution.cases import Case, load_cases, room_of
from surveyor.training.evolution.inprocess_experts import experts_in_process
from surveyor.training.evolution.player import RolloutRequest
from surveyor.training.evolution.rollout_log import RolloutLog, workflow_key
from surveyor.training.evolution.scoring import Scorer
from surveyor.training.evolution.sessions import reference_player
from surveyor.training.evolution.versions import behaviour_text

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


def test_profiles_and_rooms_come_from_the_public_side(
    cases: tuple[Case, ...], dataset: Path
) -> None:
    assert {c.room for c in cases} == {"room_000007"} == {room_of("room_000007.dark")}
    assert all(c.profile.views == 6 and c.profile.width == 128 for c in cases)
    assert room_of("scene0011_00") == "scene0011_00"
    with pytest.raises(UserError, match="learned from test datasets only"):
        load_cases([dataset], split="test")


def test_rollouts_are_real_episodes_in_run_folders(
    cases: tuple[Case, ...], dataset: Path, tmp_path: Path
) -> None:
    requests = [RolloutRequest(c, w) for c in cases for w in (PLAIN, SINGLE)]

    async def play(stage: str) -> list[Rollout]:
        async with reference_player(
            [dataset], tmp_path / "rollouts", tmp_path / "work", preset="perfect"
        ) as player:
            return list(await player.play(stage, requests))

    rollouts = asyncio.run(play("first"))
    said = [(r.task_id, r.workflow) for r in rollouts]
    assert said == [(r.case.id, r.workflow) for r in requests]
    assert all(0 <= r.score <= 1 and r.cost > 0 and r.calls >= 3 and r.answer for r in rollouts)
    assert max(r.score for r in rollouts) > 0.5
    folders = [RunFolder.open(p.parent) for p in (tmp_path / "rollouts").glob("*/run.json")]
    assert {workflow_key(f) for f in folders} == {PLAIN.key, SINGLE.key}
    manifest = folders[0].record.manifest
    assert {p.name for p in manifest.experts} >= set(EXPERTS)
    assert set(manifest.behaviour) == {"planner", "loop", "tools", "experts"}
    logs = {p: p.stat().st_mtime_ns for p in (tmp_path / "rollouts").glob("*/episodes/*")}
    assert asyncio.run(play("second")) == rollouts, "read from the log, to the digit"
    assert {p: p.stat().st_mtime_ns for p in logs} == logs
    score_run(folders[0], dataset)
    scores = {s.task_id: s.value for s in folders[0].results()}
    mine = [r for r in rollouts if r.workflow.key == workflow_key(folders[0])]
    assert scores == {r.task_id: pytest.approx(r.score) for r in mine}


def test_a_comment_makes_nothing_stale_and_a_number_does() -> None:
    source = 'def f(x):\n    """Doubles."""\n    return 2 * x  # twice\n'
    said_better = source.replace("Doubles.", "Twice as much.").replace("  # twice", "")
    assert behaviour_text(source) == behaviour_text(said_better)
    assert behaviour_text(source) != behaviour_text(source.replace("2 * x", "3 * x"))


def test_a_folder_that_a_killed_evolution_left_half_made_is_not_read(tmp_path: Path) -> None:
    half = tmp_path / ".round-1-rung-1-x-y-2k3j4h5g"
    half.mkdir()
    (half / "run.json").touch()
    RolloutLog(tmp_path, RunConfig(dataset="d"), {}, {}).schedule("round-2", [], {})
    half.rename(tmp_path / "round-1")
    with pytest.raises(UserError, match="is damaged"):  # one that was whole once is told of
        RolloutLog(tmp_path, RunConfig(dataset="d"), {}, {})


def test_a_scorer_that_dies_is_an_outage(tmp_path: Path) -> None:
    async def ask() -> None:
        async with Scorer([tmp_path / "nothing"]) as scorer:
            await scorer.score("x", "1")

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

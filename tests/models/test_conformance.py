"""The chat server's promises, kept by `serve-model` and, where it is installed, by vLLM.

`make test-vllm` makes an environment with vLLM and names its command in ``SURVEYOR_VLLM``.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")

import httpx2
from starlette.testclient import TestClient

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.core.blobs import BlobStore
from surveyor.memory.events import EpisodeStatus, ModelCall
from surveyor.training.models.families import load_checkpoint
from surveyor.training.models.rendering import render
from surveyor.training.models.tiny import make_tiny
from surveyor.training.serving.app import build_server
from surveyor.training.serving.chat import with_pixels
from surveyor.training.serving.load import backend_of
from tests.support.agent_stage import TOOLS, play
from tests.training.conformance import ASKED, CHECKS, TOOL, Served

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore")]
VLLM = os.environ.get("SURVEYOR_VLLM", "")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    told = [json.dumps([ASKED, TOOL]), json.dumps(list(TOOLS.schemas))]
    return make_tiny(tmp_path_factory.mktemp("tiny") / "model", told)


def prompts_of(folder: Path) -> Callable[[list[dict[str, Any]], list[dict[str, Any]]], list[int]]:
    processor = load_checkpoint(folder).processor

    def ids(messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> list[int]:
        told = [with_pixels(message, vision=False) for message in messages]
        return render(processor, told, tools, generation=True).ids

    return ids


@pytest.fixture(scope="module", params=["serve-model", "vllm"])
def served(request: pytest.FixtureRequest, tiny: Path, tmp_path_factory: Any) -> Iterator[Served]:
    prompts = prompts_of(tiny)
    if request.param == "serve-model":
        with TestClient(build_server(backend_of(tiny), "m")) as client:
            yield Served(client, "m", prompts)
        return
    if not VLLM:
        pytest.skip("vLLM has an environment of its own: `make test-vllm`")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("vllm") / "server.log"
    command = [VLLM, "serve", str(tiny), "--served-model-name", "m", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--dtype", "float32", "--max-model-len", "4096"]
    command += ["--enforce-eager", "--enable-auto-tool-choice", "--tool-call-parser", "hermes"]
    command += ["--logprobs-mode", "processed_logprobs", "--generation-config", "vllm"]
    env = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
    env.pop("PYTHONPATH", None)
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=env, stdout=out, stderr=subprocess.STDOUT)
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=600) as client:
            _wait(client, server, log)
            yield Served(client, "m", prompts)
    finally:
        server.terminate()
        server.wait(60)


def _wait(client: httpx2.Client, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 1800
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()[-3000:]
        try:
            if client.get("/health").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(1)
    raise AssertionError(f"vLLM is not ready after half an hour: {log.read_text()[-3000:]}")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_server_conforms(served: Served, check: Callable[[Served], None]) -> None:
    check(served)


def test_the_chat_planner_plays_an_episode_that_can_be_trained_on(
    served: Served, tmp_path: Path
) -> None:
    config = ChatConfig(
        model="m",
        base_url=f"{served.client.base_url}/v1".replace("//v1", "/v1"),
        sampling={
            "temperature": 1.0, "seed": 3, "logprobs": True, "return_token_ids": True,
            "max_tokens": 24,
        },
        capabilities={"images": False},
    )  # fmt: skip
    inside = isinstance(served.client, TestClient)
    transport = httpx2.ASGITransport(app=served.client.app) if inside else None

    async def episode() -> list[ModelCall]:
        kept = BlobStore(tmp_path / "kept")
        async with ChatPlanner(config, [], transport=transport, recording=kept) as planner:
            ended, log = await play(planner, tmp_path)
        assert ended.status in (EpisodeStatus.ANSWERED, EpisodeStatus.FAILED, EpisodeStatus.LIMIT)
        return [event for event in log.events if isinstance(event, ModelCall)]

    calls = asyncio.run(episode())
    assert calls
    assert all(len(call.token_ids) == len(call.logprobs) > 0 for call in calls)
    assert all(call.prompt_tokens for call in calls), "the prompt's ids are kept"

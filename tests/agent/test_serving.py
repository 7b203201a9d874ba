"""Serving commands, printed and started without a GPU."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest

from agent.serving import Engine, ServeOptions, compose, printed, running
from memory.errors import InfrastructureError, UserError


def value(command: tuple[str, ...], flag: str) -> str | None:
    return command[command.index(flag) + 1] if flag in command else None


@pytest.mark.parametrize(
    ("model", "tools", "reasoning", "sglang"),
    [
        ("Qwen/Qwen3-VL-8B-Instruct", "hermes", None, "qwen25"),
        ("Qwen/Qwen3-VL-8B-Thinking", "hermes", "qwen3", "qwen25"),
        ("Qwen/Qwen3.5-35B-A3B", "qwen3_coder", "qwen3", "qwen3_coder"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "hermes", None, "qwen25"),
        ("OpenGVLab/InternVL3_5-8B", "hermes", None, "qwen25"),
        ("zai-org/GLM-4.6V", "glm45", "glm45", "glm45"),
        ("openai/gpt-oss-120b", "openai", "openai_gptoss", "gpt-oss"),
        ("someone/brand-new-model", None, None, None),
    ],
)
def test_each_family_gets_its_parsers(
    model: str, tools: str | None, reasoning: str | None, sglang: str | None
) -> None:
    vllm = compose(model, Engine.VLLM)
    assert value(vllm, "--tool-call-parser") == tools
    assert ("--enable-auto-tool-choice" in vllm) is (tools is not None)
    assert value(vllm, "--reasoning-parser") == reasoning
    assert value(compose(model, Engine.SGLANG), "--tool-call-parser") == sglang


def test_image_and_length_limits_are_explicit() -> None:
    options = ServeOptions(context=8192, images=24, max_pixels=602112, port=8123, gpus=2)
    command = compose("Qwen/Qwen3-VL-8B-Instruct", Engine.VLLM, options)
    assert json.loads(value(command, "--limit-mm-per-prompt") or "") == {"image": 24, "video": 0}
    assert json.loads(value(command, "--mm-processor-kwargs") or "") == {"max_pixels": 602112}
    assert value(command, "--max-model-len") == "8192"
    assert value(command, "--tensor-parallel-size") == "2"
    assert options.url == "http://127.0.0.1:8123/v1"


def test_a_word_that_a_processor_does_not_know_is_not_sent() -> None:
    command = compose("OpenGVLab/InternVL3-8B", Engine.VLLM, ServeOptions(max_pixels=500_000))
    assert "--mm-processor-kwargs" not in command
    assert "--limit-mm-per-prompt" not in compose("openai/gpt-oss-20b", Engine.VLLM)


def test_the_line_can_be_pasted_and_extended() -> None:
    options = ServeOptions(tool_parser="mine", name="m", extra=("--enforce-eager",))
    line = printed(compose("a b/model", Engine.VLLM, options))
    assert line.startswith("vllm serve 'a b/model' --host 127.0.0.1 --port 8000")
    assert line.endswith("--tool-call-parser mine --enforce-eager")


@pytest.mark.parametrize("model", ["", " ", "--port"])
def test_what_is_no_model_is_refused(model: str) -> None:
    with pytest.raises(UserError, match="not a model"):
        compose(model, Engine.SGLANG)


_SERVER = """
import asyncio
from agent.rehearsal import RehearsalServer, says
asyncio.run(RehearsalServer(lambda request: says("ready"), port={port}).serve())
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_server_is_awaited_and_stopped(tmp_path: Path) -> None:
    port = free_port()
    url, log = f"http://127.0.0.1:{port}/v1", tmp_path / "server.log"
    command = (sys.executable, "-c", _SERVER.format(port=port))
    with running(command, url, log, patience=20, pause=0.02) as ready:
        assert ready == url
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass


def test_a_server_that_ends_says_why(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "print('CUDA out of memory'); raise SystemExit(3)")
    url = f"http://127.0.0.1:{free_port()}/v1"
    with (
        pytest.raises(UserError, match="code 3: CUDA out of memory"),
        running(command, url, tmp_path / "log", patience=20, pause=0.02),
    ):
        pass


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    url = f"http://127.0.0.1:{free_port()}/v1"
    with (
        pytest.raises(InfrastructureError, match="not ready within"),
        running(command, url, tmp_path / "log", patience=0.1, pause=0.02),
    ):
        pass


def test_an_engine_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match="no-such-engine is not installed"),
        running(("no-such-engine",), "http://127.0.0.1:1/v1", tmp_path / "log"),
    ):
        pass

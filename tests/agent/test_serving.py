"""Serving commands, printed and started without a GPU."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.agent.chat.capabilities import capabilities_of
from surveyor.agent.model_server import Engine, ServeOptions, compose, printed, running
from surveyor.core.errors import InfrastructureError, UserError
from tests.support.mock_endpoint import RehearsalServer, says


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
        ("Qwen/Qwen3-8B", "hermes", "qwen3", "qwen25"),
        ("Qwen/Qwen3-4B-Instruct-2507", "hermes", None, "qwen25"),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "qwen3_coder", None, "qwen3_coder"),
        ("mistralai/Magistral-Small-2509", "mistral", "mistral", "mistral"),
        ("moonshotai/Kimi-K2.5", "kimi_k2", "kimi_k2", "kimi_k2"),
        ("moonshotai/Kimi-VL-A3B-Thinking", None, None, None),
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
    size = {"shortest_edge": 65536, "longest_edge": 602112}
    assert json.loads(value(command, "--mm-processor-kwargs") or "") == {"size": size}
    assert value(command, "--max-model-len") == "8192"
    assert value(command, "--tensor-parallel-size") == "2"
    assert options.url == "http://127.0.0.1:8123/v1"


@pytest.mark.parametrize("context", [8192, 32768, 131072])
@pytest.mark.parametrize("images", [None, 4, 200])
@pytest.mark.parametrize(
    ("model", "per_token"),
    [
        ("Qwen/Qwen3-VL-8B-Instruct", 1024),
        ("Qwen/Qwen3.5-35B-A3B", 1024),
        ("someone/skill-3d-8b", 1024),
        ("Qwen/Qwen2.5-VL-7B-Instruct", 784),
    ],
)
def test_as_many_images_as_may_come_fit_into_the_context(
    model: str, per_token: int, images: int | None, context: int
) -> None:
    command = compose(model, Engine.VLLM, ServeOptions(context=context, images=images))
    number = json.loads(value(command, "--limit-mm-per-prompt") or "")["image"]
    size = json.loads(value(command, "--mm-processor-kwargs") or "")["size"]
    assert number * size["longest_edge"] / per_token <= 0.75 * context
    assert size["shortest_edge"] <= size["longest_edge"]
    if images is None and context >= 32768:
        can = capabilities_of(model)
        assert (number, size["longest_edge"]) == (can.max_images, can.max_pixels)
        assert size["longest_edge"] >= 640 * 480


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
from surveyor.agent.chat.capabilities import capabilities_of
from tests.support.mock_endpoint import RehearsalServer, says
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
        assert ready.url == url
        assert ready.process.poll() is None
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


def test_a_server_that_ends_later_says_so(tmp_path: Path) -> None:
    port = free_port()
    url, log = f"http://127.0.0.1:{port}/v1", tmp_path / "server.log"
    command = (sys.executable, "-c", _SERVER.format(port=port))
    with running(command, url, log, patience=20, pause=0.02) as ready:
        ready.process.kill()
        with pytest.raises(InfrastructureError, match="ended with code -9: no output"):
            ready.wait()


def test_a_port_at_which_something_answers_is_not_taken_for_the_new_server(tmp_path: Path) -> None:
    with (
        RehearsalServer(lambda _request: says("ready")) as other,
        pytest.raises(UserError, match="already; stop it"),
        running(("no-such-engine",), other.url, tmp_path / "log"),
    ):
        pass


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    url = f"http://127.0.0.1:{free_port()}/v1"
    with (
        pytest.raises(UserError, match="cannot be written"),
        running(("no-such-engine",), url, tmp_path / "file" / "log"),
    ):
        pass


@pytest.mark.parametrize(
    ("wrong", "named"), [({"port": 0}, "port"), ({"memory": 2}, "memory"), ({"gpus": 0}, "gpus")]
)
def test_a_wrong_option_is_one_sentence(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(UserError, match=f"^{named}: "):
        ServeOptions.of(**wrong)


_VLLM = """#!{python}
import asyncio, sys
from surveyor.agent.chat.capabilities import capabilities_of
from tests.support.mock_endpoint import RehearsalServer, says
from tests.agent.test_doctor import healthy

def script(request):
    return healthy(request) if request.body else says("the list of models")

print("loading", *sys.argv[1:], flush=True)
port = int(sys.argv[sys.argv.index("--port") + 1])
asyncio.run(RehearsalServer(script, port=port).serve())
"""


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_up_starts_waits_examines_and_stops(tmp_path: Path, stop: signal.Signals) -> None:
    engine = tmp_path / "bin" / "vllm"
    engine.parent.mkdir()
    engine.write_text(_VLLM.format(python=sys.executable))
    engine.chmod(0o755)
    port = free_port()
    up = ["vllm", "up", "Qwen/Qwen3-VL-8B-Instruct", "--port", str(port), "--images", "24"]
    up += ["--patience", "30"]
    up += ["--log", str(tmp_path / "model.log"), "--", "--enforce-eager"]
    path = os.pathsep.join((str(engine.parent), os.environ["PATH"]))
    command = [sys.executable, "-m", "surveyor.cli.main", *up]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(Path.cwd())},
    ) as child:
        assert child.stdout is not None
        lines = []
        for line in child.stdout:
            lines.append(line.rstrip())
            if "Ctrl-C stops it" in line:
                break
        child.send_signal(stop)
        try:
            rest, _ = child.communicate(timeout=60)
        finally:
            child.kill()
    said = "\n".join(lines)
    assert child.returncode == 0, rest
    assert lines[0].startswith("vllm serve Qwen/Qwen3-VL-8B-Instruct --host 127.0.0.1")
    assert lines[0].endswith("--tool-call-parser hermes --enforce-eager")
    assert f"ready at http://127.0.0.1:{port}/v1" in lines[1]
    assert "works    tool call" in said
    assert "8 images in one request are taken" in said
    assert 'coordinates = "pixels"' in said, "what the server does is known from the server"
    assert "the model server was stopped" in rest
    assert "loading serve Qwen/Qwen3-VL-8B-Instruct" in (tmp_path / "model.log").read_text()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass


def test_an_engine_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match="no-such-engine is not installed"),
        running(("no-such-engine",), "http://127.0.0.1:1/v1", tmp_path / "log"),
    ):
        pass

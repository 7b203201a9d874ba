"""Local model servers: the right command for a model family, started, awaited and examined.

The commands are data, so they can be printed and checked on a machine without a GPU. Parser names
are those that vLLM and SGLang register; `surveyor doctor` says afterwards whether they fit.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import httpx2
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surveyor.agent.chat.capabilities import capabilities_of
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.wording import first_problem


class Engine(StrEnum):
    """A server of language models."""

    VLLM = "vllm"
    SGLANG = "sglang"


@dataclass(frozen=True, slots=True)
class PatchSize:
    """How an image processor that takes a size counts: pixels of a token, and the fewest pixels
    that it makes an image of."""

    per_token: int
    smallest: int


_QWEN2 = PatchSize(28 * 28, 56 * 56)
_QWEN3 = PatchSize(32 * 32, 256 * 256)


@dataclass(frozen=True, slots=True)
class Family:
    """Flags that a family of models needs; ``None`` leaves one out.

    ``patches``: its image processor can be told the sizes of images, in pixels.
    """

    vllm_tools: str | None = None
    vllm_reasoning: str | None = None
    sglang_tools: str | None = None
    sglang_reasoning: str | None = None
    patches: PatchSize | None = None


_FAMILIES: tuple[tuple[str, Family], ...] = (
    (r"qwen3-?coder", Family("qwen3_coder", None, "qwen3_coder", None)),
    (r"qwen3\.\d", Family("qwen3_coder", "qwen3", "qwen3_coder", "qwen3", _QWEN3)),
    (r"qwen3-?vl.*thinking", Family("hermes", "qwen3", "qwen25", "qwen3", _QWEN3)),
    (r"qwen2.*vl", Family("hermes", None, "qwen25", None, _QWEN2)),
    (r"qwen.*vl|skill-?3d|surveyor", Family("hermes", None, "qwen25", None, _QWEN3)),
    (r"qwen3(?!.*instruct)", Family("hermes", "qwen3", "qwen25", "qwen3")),
    (r"qwen", Family("hermes", None, "qwen25", None)),
    (r"internvl", Family("hermes", None, "qwen25", None)),
    (r"glm-?4\.7", Family("glm47", "glm47", "glm47", "glm45")),
    (r"glm", Family("glm45", "glm45", "glm45", "glm45")),
    (r"gemma-?4", Family("gemma4", "gemma4", "gemma4", "gemma4")),
    (r"kimi-?k3", Family("kimi_k3", "kimi_k3", "kimi_k3", "kimi_k3")),
    (r"kimi-?k2", Family("kimi_k2", "kimi_k2", "kimi_k2", "kimi_k2")),
    (r"gpt-oss", Family("openai", "openai_gptoss", "gpt-oss", "gpt-oss")),
    (r"llama-?4", Family("llama4_pythonic", None, "pythonic", None)),
    (r"llama-?3", Family("llama3_json", None, "llama3", None)),
    (r"magistral", Family("mistral", "mistral", "mistral", "mistral")),
    (r"mistral|ministral|pixtral", Family("mistral", None, "mistral", None)),
)
"""Checked against the parsers that vLLM (0064cc9) and SGLang (00828e5) register."""


class ServeOptions(BaseModel):
    """How to serve a model; ``None`` takes the family's or the engine's default.

    ``context`` is in tokens. ``images`` bounds images in one request, ``max_pixels`` one image:
    by default as large as lets that many images leave a quarter of the context to words.
    ``memory`` is the share of GPU memory to take. ``extra`` goes onto the command as it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    name: str | None = None
    context: int = Field(default=32768, ge=1024)
    images: int | None = Field(default=None, ge=0)
    max_pixels: int | None = Field(default=None, ge=1)
    gpus: int = Field(default=1, ge=1)
    memory: float = Field(default=0.9, gt=0, le=1)
    tool_parser: str | None = None
    extra: tuple[str, ...] = ()

    @classmethod
    def of(cls, **given: object) -> ServeOptions:
        """Validated options; `UserError` names the one that is wrong."""
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise UserError(first_problem(error, cls)) from None

    @property
    def url(self) -> str:
        """The API's base URL."""
        host = "127.0.0.1" if self.host == "0.0.0.0" else self.host
        return f"http://{host}:{self.port}/v1"


def family_of(model: str) -> Family:
    """The flags of a model's family; an unknown one gets none, and speaks tags."""
    name = Path(model).name.lower()
    return next((family for pattern, family in _FAMILIES if re.search(pattern, name)), Family())


def compose(model: str, engine: Engine, options: ServeOptions | None = None) -> tuple[str, ...]:
    """The command that serves ``model``.

    Raises `UserError` for a model name that is none, before anything is started.
    """
    if not model.strip() or model.startswith("-"):
        raise UserError(f"{model!r} is not a model; give a Hugging Face id or a folder")
    options = options or ServeOptions()
    family = family_of(model)
    build = _vllm if engine is Engine.VLLM else _sglang
    return (*build(model, family, options), *options.extra)


def image_limits(model: str, options: ServeOptions) -> tuple[int, int | None]:
    """Images in a request, and pixels of one, that fit into the context together."""
    can, patches = capabilities_of(model), family_of(model).patches
    images = can.max_images if options.images is None else options.images
    if options.max_pixels is not None or can.max_pixels is None:
        return images, options.max_pixels
    if patches is None or not images:
        return images, can.max_pixels
    tokens = options.context * 3 // 4 // images
    return images, max(min(can.max_pixels, tokens * patches.per_token), patches.per_token)


def _vllm(model: str, family: Family, options: ServeOptions) -> Iterator[str]:
    can = capabilities_of(model)
    yield from ("vllm", "serve", model, "--host", options.host, "--port", str(options.port))
    yield from ("--served-model-name", options.name or model)
    yield from ("--max-model-len", str(options.context))
    yield from ("--gpu-memory-utilization", f"{options.memory:g}")
    if options.gpus > 1:
        yield from ("--tensor-parallel-size", str(options.gpus))
    if can.images:
        images, pixels = image_limits(model, options)
        yield from ("--limit-mm-per-prompt", json.dumps({"image": images, "video": 0}))
        if family.patches and pixels:
            smallest = min(family.patches.smallest, pixels)
            size = {"shortest_edge": smallest, "longest_edge": pixels}  # both in pixels of area
            yield from ("--mm-processor-kwargs", json.dumps({"size": size}))
    if parser := options.tool_parser or family.vllm_tools:
        yield from ("--enable-auto-tool-choice", "--tool-call-parser", parser)
    if family.vllm_reasoning:
        yield from ("--reasoning-parser", family.vllm_reasoning)


def _sglang(model: str, family: Family, options: ServeOptions) -> Iterator[str]:
    can = capabilities_of(model)
    yield from ("python", "-m", "sglang.launch_server", "--model-path", model)
    yield from ("--host", options.host, "--port", str(options.port))
    yield from ("--served-model-name", options.name or model)
    yield from ("--context-length", str(options.context))
    yield from ("--mem-fraction-static", f"{options.memory:g}")
    if options.gpus > 1:
        yield from ("--tp", str(options.gpus))
    if can.images:
        images, _ = image_limits(model, options)
        yield from ("--limit-mm-data-per-request", json.dumps({"image": images, "video": 0}))
        yield "--enable-multimodal"
    if parser := options.tool_parser or family.sglang_tools:
        yield from ("--tool-call-parser", parser)
    if family.sglang_reasoning:
        yield from ("--reasoning-parser", family.sglang_reasoning)


def printed(command: Sequence[str]) -> str:
    """The command as a shell line that can be pasted."""
    return shlex.join(command)


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answered: its base URL, and the process behind it."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait(self) -> None:
        """Return never, but raise `InfrastructureError` with its last line when the server ends."""
        code = self.process.wait()
        raise InfrastructureError(
            f"the model server ended with code {code}: {_last_line(self.log)} "
            f"(its log is {self.log})"
        )


@contextmanager
def running(
    command: Sequence[str], url: str, log: Path, patience: float = 900.0, pause: float = 1.0
) -> Iterator[Served]:
    """Start a server, yield it once it lists its models, stop it and its workers afterwards.

    The server's output goes to ``log``. Raises `UserError` when the program is not installed, when
    something else answers at ``url`` already, or when the server ends by itself (with the last line
    that it wrote), `InfrastructureError` when it is not ready within ``patience`` seconds.
    """
    if _answers(url) is not None:
        raise UserError(f"something answers at {url} already; stop it, or choose another port")
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        output = log.open("wb")
    except OSError as error:
        raise UserError(f"{log} cannot be written: {error}") from None
    with output:
        try:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        except FileNotFoundError:
            raise UserError(f"{command[0]} is not installed here; install it first") from None
    try:
        _await_ready(process, url, log, patience, pause)
        yield Served(url, process, log)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes], patience: float = 30.0) -> None:
    """Ask the server to end, then end whatever is left of its process group."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=patience)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _await_ready(
    process: subprocess.Popen[bytes], url: str, log: Path, patience: float, pause: float
) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise UserError(
                f"the model server ended with code {process.returncode}: {_last_line(log)} "
                f"(its log is {log})"
            )
        if _answers(url) == 200:
            return
        time.sleep(pause)
    raise InfrastructureError(
        f"the model server was not ready within {patience:g} s: {_last_line(log)}"
    )


def _answers(url: str) -> int | None:
    """Status of the list of models; ``None`` when nobody answers."""
    try:
        return httpx2.get(f"{url}/models", timeout=2.0, trust_env=False).status_code
    except httpx2.TransportError:
        return None


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").split("\n")
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "no output")

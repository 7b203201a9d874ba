"""Keys, proxies, packed replies: what the environment and the wire may bring."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import httpx2
import pytest

from surveyor.agent.chat.bounded import MOST_BYTES, UnreadableReply, read_bounded
from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.http import Wire
from surveyor.agent.chat.proxies import proxy_for, transport_to
from surveyor.core.errors import UserError
from surveyor.core.untrusted_text import clean, keep_secret
from surveyor.memory.events import EpisodeEnded, EpisodeStatus, ModelCall
from surveyor.memory.log import EpisodeLog, read_events
from tests.support.openai_server import RehearsalServer, Reply, says

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No proxies but those that a test sets."""
    for name in (*NAMES, *(name.upper() for name in NAMES)):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "127.9.9.9", "[::1]", "localhost"])
@pytest.mark.parametrize("proxy", ["http://10.0.0.9:3128", "socks5://10.0.0.9:1", "10.0.0.9:1"])
def test_our_own_machine_is_never_asked_through_a_proxy(
    environment: pytest.MonkeyPatch, host: str, proxy: str
) -> None:
    environment.setenv("http_proxy", proxy)
    environment.setenv("ALL_PROXY", proxy)
    assert proxy_for(httpx2.URL(f"http://{host}:8000/v1")) is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "asked"),
    [
        ("192.0.2.0/24", "192.0.2.1:8000", False),
        ("192.0.2.0/24", "192.0.3.1:8000", True),
        ("192.0.2.1:8000", "192.0.2.1:8000", False),
        ("192.0.2.1:9000", "192.0.2.1:8000", True),
        ("models.example:8000", "models.example:8000", False),
        ("models.example:80", "models.example", False),
        ("2001:db8::/32", "[2001:db8::1]:8000", False),
        ("[2001:db8::1]:8000", "[2001:db8::1]:8000", False),
        ("example", "models.example:8000", False),
        (".example", "models.example:8000", False),
        ("*.example", "models.example:8000", False),
        ("ample", "models.example:8000", True),
        ("a.b, 192.0.2.1", "192.0.2.1:8000", False),
        ("*", "192.0.2.1:8000", False),
        ("http://192.0.2.1", "192.0.2.1:8000", False),
        ("", "192.0.2.1:8000", True),
    ],
)
def test_exceptions_may_be_names_networks_and_ports(
    environment: pytest.MonkeyPatch, no_proxy: str, host: str, asked: bool
) -> None:
    environment.setenv("http_proxy", "http://10.0.0.9:3128")
    environment.setenv("no_proxy", no_proxy)
    assert (proxy_for(httpx2.URL(f"http://{host}/v1")) is not None) is asked


def test_a_proxy_without_a_scheme_is_an_http_proxy(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("http_proxy", "10.0.0.9:9")
    url = httpx2.URL("http://192.0.2.1:8000/v1")
    assert proxy_for(url) == "http://10.0.0.9:9"
    transport_to(url)


@pytest.mark.parametrize(
    "proxy", ["socks5://me:secret@10.0.0.9:9", "ftp://10.0.0.9:9", "http://a:b"]
)
def test_a_proxy_that_cannot_be_used_is_one_sentence(
    environment: pytest.MonkeyPatch, proxy: str
) -> None:
    if proxy.startswith("socks") and "socksio" in sys.modules:
        pytest.skip("socksio is installed here")
    environment.setenv("http_proxy", proxy)
    with pytest.raises(UserError, match="proxy") as refused:
        transport_to(httpx2.URL("http://192.0.2.1:8000/v1"))
    assert "secret" not in str(refused.value)


def surveyor(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name.lower() not in NAMES}
    return subprocess.run(
        [sys.executable, "-m", "surveyor.cli.main", *arguments],
        env={**kept, **changes},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("key", ["sk-made-up\nsecond-line", "sk-made-up\x1b[2J", "sk-mäde-up"])
def test_a_key_that_cannot_be_sent_is_refused_unseen_and_unsent(key: str) -> None:
    with RehearsalServer(lambda _request: says("ready")) as server:
        done = surveyor("doctor", "--model", "m", "--base-url", server.url, OPENAI_API_KEY=key)
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "the key in OPENAI_API_KEY holds" in said
    assert said.count("\n") == 1
    assert not any(part in said for part in ("sk-m", "second-line"))
    assert server.requests == []


def test_a_line_end_after_the_key_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-made-up-1234\n")
    headers = ChatConfig(model="m", key_env="SOME_KEY").headers()
    assert headers["authorization"] == "Bearer sk-made-up-1234"


def test_a_socks_proxy_without_its_package_ends_the_command_with_a_sentence() -> None:
    # The package is optional: where it is installed, nobody listens at the proxy.
    address = ("--base-url", "http://192.0.2.1:8000/v1")
    done = surveyor("doctor", "--model", "m", *address, http_proxy="socks5://127.0.0.1:9")
    assert "Traceback" not in done.stderr
    if "socksio" in done.stderr:
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1


def test_what_is_said_is_masked_and_escaped() -> None:
    keep_secret("sk-made-up-5678")
    keep_secret("EMPTY")
    assert clean("Bearer sk-made-up-5678 EMPTY") == "Bearer [key] EMPTY"
    assert clean("\x1b]0;x\x07 a\tb\r\nc\rd\x9b1m") == "\\x1b]0;x\\x07 a\tb\r\nc\\x0dd\\x9b1m"


def test_events_are_cleaned_whatever_field_the_text_is_in(tmp_path: Path) -> None:
    key = 'sk-"made"-up\\9012'
    keep_secret(key)
    inner = f'{{"a": {json.dumps(key)}}}'  # escaped once more than the text around it
    said = {"name": "x", "arguments": inner}
    ending = EpisodeEnded(status=EpisodeStatus.INCOMPLETE, reason=f"x {key} \x7f", elapsed=1)
    with EpisodeLog(tmp_path / "e.jsonl") as log:
        log.append(ModelCall(model="m", turn=0, text=f"a{key}\x1b[2J", tool_calls=(said,)))
        kept = log.append(ending)
    call, ended = read_events(tmp_path / "e.jsonl")
    assert isinstance(call, ModelCall)
    assert call.text == "a[key]\\x1b[2J"
    assert call.tool_calls == ({"name": "x", "arguments": '{"a": "[key]"}'},)
    assert ended == kept
    assert ended.type == "episode_ended" and ended.reason == "x [key] \\x7f"  # noqa: PT018


def packed(kind: str, data: bytes) -> bytes:
    if kind == "gzip":
        return gzip.compress(data)
    raw = zlib.compressobj(wbits=-15 if kind == "raw" else 15)
    return raw.compress(data) + raw.flush()


@pytest.mark.parametrize("kind", ["gzip", "deflate", "raw"])
def test_packed_replies_are_read_and_bombs_are_not(kind: str) -> None:
    encoding = "gzip" if kind == "gzip" else "deflate"

    async def read(size: int, most: int) -> bytes:
        body = packed(kind, b"x" * size)
        response = httpx2.Response(200, stream=httpx2.ByteStream(body))
        response.headers["content-encoding"] = encoding
        return await read_bounded(response, most)

    assert asyncio.run(read(1000, 1000)) == b"x" * 1000
    with pytest.raises(UnreadableReply, match="larger than 0 MB"):
        asyncio.run(read(1001, 1000))
    with pytest.raises(UnreadableReply, match="larger than 1 MB"):
        asyncio.run(read(400_000_000, 1_000_000))


def test_a_bomb_is_trouble_and_not_memory() -> None:
    body = gzip.compress(b"{" + b" " * (4 * MOST_BYTES))
    headers = {"content-type": "application/json", "content-encoding": "gzip"}

    async def ask(url: str) -> object:
        wire = Wire(url, {}, 30.0)
        try:
            return await wire.post(b"{}")
        finally:
            await wire.aclose()

    with RehearsalServer(lambda _request: Reply(body, headers=headers)) as server:
        trouble = asyncio.run(ask(server.url))
    assert "larger than 32 MB" in str(trouble)

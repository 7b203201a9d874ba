"""One connection against servers that say what a test wants, byte for byte."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.tools.connection import Connection

YES = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Server:
    """Plays ``answer`` for every request that comes, on as many connections as are made."""

    def __init__(self, answer: Callable[[Streams, bytes], Awaitable[None]]) -> None:
        self._answer = answer
        self.connections = 0
        self.requests: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.lower().split(b"\r\n")
                size = next((int(x.split(b":")[1]) for x in lines if b"content-length" in x), 0)
                self.requests.append(head + await reader.readexactly(size))
                await self._answer((reader, writer), self.requests[-1])
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


def says(*chunks: bytes, close: bool = False) -> Callable[[Streams, bytes], Awaitable[None]]:
    async def answer(streams: Streams, request: bytes) -> None:
        for chunk in chunks:
            streams[1].write(chunk)
            await streams[1].drain()
            await asyncio.sleep(0)
        if close:
            streams[1].close()

    return answer


def play(
    server: Server, drive: Callable[[Connection, str], Awaitable[None]], rests: float = 5.0
) -> None:
    async def all_of_it() -> None:
        async with await asyncio.start_server(server, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            connection = Connection(_PLAIN, rests)
            try:
                await drive(connection, f"http://127.0.0.1:{port}/x?a=b%20c")
            finally:
                await connection.aclose()

    asyncio.run(asyncio.wait_for(all_of_it(), 30))


async def ask(
    connection: Connection, url: str, content: bytes | None = None, patience: float | None = None
) -> httpx2.Response:
    method = "GET" if content is None else "POST"
    waits = {"timeout": {"connect": patience, "read": patience, "write": patience}}
    request = httpx2.Request(method, url, content=content, extensions=waits)
    response = await connection.handle_async_request(request)
    try:
        await response.aread()
    finally:
        await response.aclose()
    return response


def test_a_connection_is_used_again_and_sends_what_it_was_given():
    server = Server(says(YES))

    async def drive(connection: Connection, url: str) -> None:
        for content in (None, b"", b"small", b"large" * 100_000):
            response = await ask(connection, url, content)
            assert (response.status_code, response.content) == (200, b"yes")
            assert response.reason_phrase == "OK"

    play(server, drive)
    assert server.connections == 1
    assert server.requests[0].startswith(b"GET /x?a=b%20c HTTP/1.1\r\n")
    assert [len(one.partition(b"\r\n\r\n")[2]) for one in server.requests] == [0, 0, 5, 500_000]


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (says(b"HTTP/1.1 200 OK\r\n\r\nunto the end", close=True), b"unto the end"),
        (says(b"HTTP/1.1 204 No Content\r\n\r\n"), b""),
        (says(b"HTTP/1.1 100 Continue\r\n\r\n", YES), b"yes"),
        (says(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nyes", close=True), b"yes"),
    ],
)
def test_answers_of_every_shape(answer, content):
    server = Server(answer)

    async def drive(connection: Connection, url: str) -> None:
        for _ in range(2):
            assert (await ask(connection, url)).content == content

    play(server, drive)


@settings(max_examples=40, deadline=None)
@given(body=st.binary(max_size=300), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_a_body_in_chunks_arrives_whole_however_it_is_cut(body, cuts):
    parts = [body[k : k + 70] for k in range(0, len(body), 70)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in parts) + b"0\r\n\r\n"
    wire = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks
    ends = [*sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    pieces = [wire[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    server = Server(says(*(one for one in pieces if one)))

    async def drive(connection: Connection, url: str) -> None:
        for _ in range(2):
            assert (await ask(connection, url)).content == body

    play(server, drive)
    assert server.connections == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (says(close=True), httpx2.RemoteProtocolError),
        (
            says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nyes", close=True),
            httpx2.RemoteProtocolError,
        ),
        (says(b"SSH-2.0-OpenSSH\r\n\r\n"), httpx2.RemoteProtocolError),
        (says(b"HTTP/1.1 101 Switching\r\n\r\n"), httpx2.RemoteProtocolError),
        (says(b"x" * 300_000), httpx2.RemoteProtocolError),
        (says(), httpx2.ReadTimeout),
        (says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nyes"), httpx2.ReadTimeout),
    ],
)
def test_what_goes_wrong_is_an_error_of_the_library_and_the_next_request_connects_anew(
    answer, error
):
    server = Server(answer)

    async def drive(connection: Connection, url: str) -> None:
        for _ in range(2):
            with pytest.raises(error):
                await ask(connection, url, patience=0.3)

    play(server, drive)
    assert server.connections == 2


def test_nobody_listening_is_a_connect_error():
    async def drive(connection: Connection, url: str) -> None:
        with pytest.raises(httpx2.ConnectError):
            await ask(connection, "http://127.0.0.1:1/")
        with pytest.raises(httpx2.UnsupportedProtocol):
            await ask(connection, "ftp://127.0.0.1/")

    play(Server(says(YES)), drive)


def test_a_connection_that_the_server_closed_or_that_rested_too_long_is_opened_again():
    closing = Server(says(YES, close=True))

    async def after_a_close(connection: Connection, url: str) -> None:
        for _ in range(3):
            assert (await ask(connection, url)).content == b"yes"
            await asyncio.sleep(0.05)

    play(closing, after_a_close)
    assert closing.connections == 3
    resting = Server(says(YES))
    play(resting, after_a_close, rests=0.01)
    assert resting.connections == 3


def test_what_comes_unasked_never_becomes_the_answer_to_the_next_request():
    server = Server(says(YES, b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"))

    async def drive(connection: Connection, url: str) -> None:
        for _ in range(3):
            assert (await ask(connection, url)).content == b"yes"
            await asyncio.sleep(0.05)

    play(server, drive)
    assert server.connections == 3


def test_an_early_refusal_is_read_though_the_request_was_not_taken():
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 413 Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.close()

    async def drive(connection: Connection, url: str) -> None:
        response = await ask(connection, url, b"x" * 20_000_000)
        assert (response.status_code, response.content) == (413, b"no")

    play(refuse, drive)  # type: ignore[arg-type]


def test_a_cancelled_request_leaves_a_connection_that_works():
    async def answer(streams: Streams, request: bytes) -> None:
        if len(server.requests) == 1:
            await asyncio.Event().wait()
        streams[1].write(YES)

    server = Server(answer)

    async def drive(connection: Connection, url: str) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ask(connection, url)
        assert (await ask(connection, url)).content == b"yes"

    play(server, drive)
    assert server.connections == 2


def test_a_flood_is_taken_as_fast_as_it_is_read():
    body = b"z" * 5_000_000
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
    server = Server(says(head + body))

    async def drive(connection: Connection, url: str) -> None:
        request = httpx2.Request("GET", url)
        response = await connection.handle_async_request(request)
        await asyncio.sleep(0.1)  # more has come by now than is held
        assert len(await response.aread()) == len(body)
        assert (await ask(connection, url)).content == body

    play(server, drive)
    assert server.connections == 1

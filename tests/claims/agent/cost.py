"""What orchestration costs: CPU, bytes and memory, with model and tools that cost nothing.

Three ways to put the same question with the same images to the same instant server, each measured
as CPU time of this process per turn: posting finished bytes and nothing else; our loop with its
log on disk; and the design that Surveyor replaces, rebuilt: a thread pool, one flat prompt rebuilt
each turn, every image read from disk and encoded again, the vendor's client.
"""

from __future__ import annotations

import asyncio
import base64
import re
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.core.blobs import BlobStore
from surveyor.core.tasks import Task
from surveyor.memory.events import ModelCall
from surveyor.memory.log import EpisodeLog, read_events
from surveyor.tools.concurrency import AdaptiveLimiter
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.tools.workspace import Workspace
from tests.claims.agent.instant_tools import instant_tools, make_tasks, no_experts, pictures
from tests.claims.agent.mock_server import served
from tests.claims.claim import Claim
from tests.support.mock_endpoint import Reply, Request, Script, says

if TYPE_CHECKING:
    import openai

TURNS = 5
IMAGES = 8
_SIZE = 256
_FLAT = (
    '<think>measure</think><tool_call>{"name": "sum", "arguments": {"a": 1, "b": 2}}</tool_call>'
)


def instant_model(delay: float = 0.0) -> Script:
    """Four turns of calls, then an answer; for flat prompts always the same call."""
    call = says("measuring", calls=(("sum", '{"a": 1, "b": 2}'),))
    look = says("looking", calls=(("look", '{"frame": "frame_0"}'),))
    turns = [look, call, look, call, says("<answer>A</answer>")]
    turns = [Reply(turn.body, delay=delay) for turn in turns]
    flat = says(_FLAT)

    def script(request: Request) -> Reply:
        if b'"flat"' in request.body[:200] or b'"flat"' in request.body[-200:]:
            return flat
        return turns[min(request.body.count(b'{"role":"assistant"'), TURNS - 1)]

    return script


@dataclass(frozen=True, slots=True)
class Bench:
    """One measurement's setting; ``url`` is the server's."""

    url: str
    root: Path
    blobs: BlobStore
    tasks: tuple[Task, ...]
    experts: ExpertClient
    registry: Registry

    def config(self, *, by_url: bool) -> ChatConfig:
        """The chat planner's configuration; images by URL or inline."""
        base = "http://127.0.0.1:9/blobs" if by_url else None
        return ChatConfig(model="m", base_url=self.url, images_base=base, timeout=60.0)


def _bench(url: str, root: Path, episodes: int) -> Bench:
    blobs = BlobStore(root / "blobs")
    tasks = tuple(make_tasks(episodes, pictures(blobs, IMAGES, _SIZE)))
    return Bench(url, root, blobs, tasks, no_experts(blobs), instant_tools())


async def _episode(planner: ChatPlanner, bench: Bench, task: Task, path: Path) -> None:
    workspace = Workspace(task, bench.experts)
    with EpisodeLog(path) as log:
        await run_episode(task, planner, bench.registry, workspace, log, Limits())


async def _bodies(bench: Bench, *, by_url: bool) -> list[bytes]:
    """The bytes that our loop posts in one episode."""
    bodies: list[bytes] = []

    class Recorder(httpx2.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            bodies.append(await request.aread())
            return await super().handle_async_request(request)

    config = bench.config(by_url=by_url)
    async with ChatPlanner(config, [bench.blobs], transport=Recorder()) as planner:
        path = bench.root / f"bodies{by_url}.jsonl"
        await _episode(planner, bench, bench.tasks[0], path)
        path.unlink()
    return bodies


async def _post(client: httpx2.AsyncClient, url: str, bodies: list[bytes]) -> None:
    """The bare client's whole work: the same bytes, one after another."""
    for body in bodies:
        (await client.post(url, content=body)).raise_for_status()


def _flat(client: openai.OpenAI, bench: Bench, task: Task) -> None:
    """One episode in the design that we replace."""
    files = [bench.blobs.path(frame.image.sha256) for frame in task.frames]

    def turn(prompt: str) -> str:
        content: list[dict[str, object]] = [{"type": "text", "text": prompt}]
        for file in files:
            data = base64.b64encode(file.read_bytes()).decode()
            content.append(
                {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}
            )
        messages: Any = [{"role": "user", "content": content}]
        reply = client.chat.completions.create(model="flat", messages=messages)
        return str(reply.choices[0].message.content)

    prompt = task.question
    with ThreadPoolExecutor(4) as pool:
        for _ in range(TURNS):
            said = turn(prompt)
            calls = re.findall(r"<tool_call>\s*({.*?})\s*</tool_call>", said, re.DOTALL)
            results = list(pool.map(lambda call: f"Successfully executed {call}", calls))
            prompt = f"{task.question}\n{said}\n" + "\n".join(results)


@dataclass(slots=True)
class _Seconds:
    """CPU seconds per turn of the least disturbed episode of each contestant."""

    bare: float = float("inf")
    ours: float = float("inf")
    flat: float = float("inf")


async def _race(bench: Bench, *, by_url: bool) -> tuple[_Seconds, list[bytes]]:
    """The contestants' episodes in turns, so that whatever disturbs the machine disturbs all."""
    import openai

    bodies = await _bodies(bench, by_url=by_url)
    url, headers = bench.url + "/chat/completions", {"content-type": "application/json"}
    least = _Seconds()
    vendor = openai.OpenAI(base_url=bench.url, api_key="none", max_retries=0)
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False) as client,
        ChatPlanner(bench.config(by_url=by_url), [bench.blobs]) as planner,
    ):
        for index, task in enumerate(bench.tasks):
            path = bench.root / f"{by_url}{index}.jsonl"
            began = time.process_time()
            await _post(client, url, bodies)
            posted = time.process_time()
            await _episode(planner, bench, task, path)
            played = time.process_time()
            _flat(vendor, bench, task)
            ended = time.process_time()
            least.bare = min(least.bare, (posted - began) / TURNS)
            least.ours = min(least.ours, (played - posted) / TURNS)
            least.flat = min(least.flat, (ended - played) / TURNS)
    vendor.close()
    return least, bodies


def orchestration(episodes: int = 60) -> list[Claim]:
    """CPU per turn against a bare client and against the flat design, and bytes per image."""
    claims = []
    with tempfile.TemporaryDirectory() as folder, served(instant_model) as url:
        root = Path(folder)
        bench = _bench(url, root, episodes)
        for by_url, words in ((False, "images inline"), (True, "images by URL")):
            least, bodies = asyncio.run(_race(bench, by_url=by_url))
            note = (
                f"us a turn: bare {least.bare * 1e6:.0f}, ours {least.ours * 1e6:.0f}, "
                f"flat {least.flat * 1e6:.0f}; {len(bodies[-1])} bytes in the last request"
            )
            over = least.ours / least.bare
            claims += [
                Claim.at_most(f"CPU per turn over a bare client ({words})", over, 1.5, note),
                Claim.at_least(
                    f"CPU of the flat design over ours ({words})", least.flat / least.ours, 3.0
                ),
            ]
        calls = [e for e in read_events(root / "True0.jsonl") if isinstance(e, ModelCall)]
    return [*claims, _growth(calls)]


def _growth(calls: list[ModelCall]) -> Claim:
    """Bytes that one more image, once sent by URL, adds to each later turn."""
    bytes_with = calls[1].sent_bytes - calls[0].sent_bytes
    bytes_without = calls[2].sent_bytes - calls[1].sent_bytes
    images = len(calls[1].images) - len(calls[0].images)
    growth = (bytes_with - bytes_without) / images
    return Claim.at_most("bytes that an image sent by URL adds to later turns", growth, 500)


def memory(episodes: int = 256) -> list[Claim]:
    """Peak memory of a process that holds so many episodes in flight, images inline."""
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    with served(instant_model, 2.0) as url, context.Pool(1) as pool:
        peak = pool.apply(_peak, (url, episodes))
    name = f"peak memory of {episodes} concurrent episodes (MB)"
    return [Claim.at_most(name, peak / 1e6, 1000, f"{IMAGES} inline images each")]


def _peak(url: str, episodes: int) -> float:
    """Bytes of resident memory at its highest, of this process."""
    import resource

    async def crowd(bench: Bench) -> None:
        limiter = AdaptiveLimiter("all at once", start=episodes, ceiling=episodes)
        config = bench.config(by_url=False)
        async with ChatPlanner(config, [bench.blobs], limiter=limiter) as planner:
            await asyncio.gather(
                *[
                    _episode(planner, bench, task, bench.root / f"{task.id}.jsonl")
                    for task in bench.tasks
                ]
            )

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(crowd(_bench(url, Path(folder), episodes)))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0

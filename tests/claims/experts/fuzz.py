"""Fuzz: thousands of broken requests to every expert of a dataset, without a network."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import BLOBS
from surveyor.scenes.datasets.truth import frame_index
from surveyor.services.app import build_app
from surveyor.services.contract import EXPERTS, Problem
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings
from tests.claims.claim import Claim
from tests.claims.experts.mutations import Attack, Body, attack

if TYPE_CHECKING:
    from httpx2 import AsyncClient

SLOW = 5.0  # seconds for one answer that count as a hang
AMOUNT = 10_000


@dataclass(slots=True)
class Findings:
    """Answers by kind of attack, and what should not have happened."""

    kinds: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0


def fuzz_claims(
    dataset: Path, blob_dir: Path, amount: int = AMOUNT, seed: int = 0, preset: str = "realistic"
) -> Iterator[Claim]:
    """``amount`` broken requests over all reference experts that know ``dataset``."""
    found = asyncio.run(fuzz(dataset, blob_dir, amount, seed, preset))
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(found.kinds.items()))
    codes = ", ".join(f"{code} {count}" for code, count in found.codes.most_common())
    yield Claim.at_least("broken requests sent", sum(found.kinds.values()), amount, kinds)
    first = found.wrong[0] if found.wrong else codes
    name = "answered by anything but a 4xx with a code and a sentence"
    yield Claim.at_most(name, len(found.wrong), 0, first)
    yield Claim.at_most("slowest answer (s)", found.slowest, SLOW)


async def fuzz(dataset: Path, blob_dir: Path, amount: int, seed: int, preset: str) -> Findings:
    """Send ``amount`` attacks, the experts in turn."""
    rng = random.Random(seed)
    found = Findings()
    store = BlobStore(dataset / BLOBS)
    frames = [digest for digest, _ in zip(frame_index(dataset), range(3), strict=False)]
    picture = store.get(frames[0])
    settings = Settings(
        blob_dir=blob_dir, datasets=(dataset,), blob_folders=(dataset / BLOBS,), preset=preset
    )
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(_client(name, settings)) for name in EXPERTS
        }
        for number in range(amount):
            name = EXPERTS[number % len(EXPERTS)]
            one = attack(_good(name, frames), picture, rng)
            await _send(clients[name], name, one, found)
    return found


@asynccontextmanager
async def _client(name: str, settings: Settings) -> AsyncIterator[AsyncClient]:
    """A client of one expert in this process, ready to answer."""
    from httpx2 import ASGITransport, AsyncClient

    app = build_app(make_expert(name), settings)
    async with app.router.lifespan_context(app):
        await app.state.service.loaded()
        transport = ASGITransport(app=app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://expert") as client:
            yield client


async def _send(client: AsyncClient, name: str, one: Attack, found: Findings) -> None:
    found.kinds[one.kind] += 1
    began = time.perf_counter()
    headers = {"content-type": "application/json"}
    reply = await client.post(f"/v1/{name}", content=one.content, headers=headers)
    found.slowest = max(found.slowest, time.perf_counter() - began)
    try:
        told = Problem.model_validate_json(reply.content)
        fine = 400 <= reply.status_code < 500 and bool(told.message)
        found.codes[told.code] += 1
    except ValidationError:
        fine = False
    if not fine:
        what = (
            f"{name}, {one.kind}: {one.content[:200]!r} -> {reply.status_code} {reply.text[:200]}"
        )
        found.wrong.append(what)


def _good(name: str, frames: Sequence[str]) -> Body:
    """A request that the expert answers."""
    image = {"sha256": frames[0]}
    images: list[Any] = [{"sha256": digest} for digest in frames]
    bodies: dict[str, Body] = {
        "scene": {"image": image},
        "detect": {"image": image, "phrases": ["chair"], "threshold": 0.3},
        "segment": {"image": image, "boxes": [[4.0, 4.0, 40.0, 40.0]]},
        "depth": {"image": image, "focal": 500.0},
        "reconstruct": {"images": images},
        "orient": {"image": image, "box": [4.0, 4.0, 40.0, 40.0]},
        "restore": {"image": image, "box": [4.0, 4.0, 40.0, 40.0]},
        "render_view": {"images": images, "azimuth": 10.0},
    }
    return bodies[name]

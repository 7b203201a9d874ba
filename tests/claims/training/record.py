"""What a recorded run costs on disk, and whether its requests can be put together again."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.core.blobs import BlobStore
from surveyor.memory.events import ModelCall
from surveyor.training.rows.sent import body_of
from tests.claims.claim import Claim
from tests.support.agent_stage import MemoryLog, play
from tests.support.openai_server import RehearsalServer, Reply, Request, says

EPISODES, TURNS = 20, 6
RECORDED = {
    "settings", "shared", "sent", "said", "body", "logprobs", "token_ids", "prompt_tokens",
    "shared_tokens", "weights",
}  # fmt: skip


def recorded(root: Path) -> Iterator[Claim]:
    """A chat run of rehearsed episodes with pictures."""
    bodies: list[bytes] = []

    def script(request: Request) -> Reply:
        bodies.append(request.body)
        if request.turn >= TURNS:
            return says("<answer>A</answer>")
        return says("so", calls=(("look", '{"frame": "frame_1"}'),), ids=f"call_{request.turn}_")

    async def episodes(url: str) -> list[list[ModelCall]]:
        config = ChatConfig(model="test", base_url=url, capabilities={"max_pixels": 500})
        stores = [BlobStore(root / "blobs")]
        told = []
        async with ChatPlanner(config, stores, recording=BlobStore(root / "run")) as planner:
            for number in range(EPISODES):
                _, log = await play(planner, root, question=f"Which is closer, {number}?")
                told.append(_calls(log))
        return told

    with RehearsalServer(script) as server:
        calls = asyncio.run(episodes(server.url))
    kept, pixels = BlobStore(root / "run"), [BlobStore(root / "blobs")]
    rebuilt = [
        hashlib.sha256(body_of(kept, one, k, pixels)).hexdigest() == one[k].body
        for one in calls
        for k in range(len(one))
    ]
    sent = [hashlib.sha256(body).hexdigest() for body in bodies]
    same = all(rebuilt) and sent == [call.body for one in calls for call in one]
    yield Claim.holds(f"all of {len(rebuilt)} requests are rebuilt from the log to the byte", same)
    blobs = sum(kept.path(sha).stat().st_size for sha in kept)
    whole = sum(len(call.model_dump_json()) for one in calls for call in one)
    before = sum(len(call.model_dump_json(exclude=RECORDED)) for one in calls for call in one)
    wire = sum(map(len, bodies))
    asked = wire / EPISODES / 1000
    note = f"{before / EPISODES / 1000:.1f} kB before; {asked:.0f} kB went over the wire"
    size = (whole + blobs) / EPISODES / 1000
    yield Claim.at_most("kB of model calls and blobs an episode", size, 0.5 * asked, note)


def _calls(log: MemoryLog) -> list[ModelCall]:
    return [event for event in log.events if isinstance(event, ModelCall)]

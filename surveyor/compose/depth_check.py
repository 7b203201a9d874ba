"""What `surveyor serve check depth` does: ask the running expert, judge it, print a table."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from surveyor.core.blobs import BlobStore
from surveyor.core.geometry import Depth, Scale
from surveyor.services.contract import DepthAnswer, DepthRequest, ImageByHash, RightView
from surveyor.services.depth_check import DepthScore, TruePair, judge_depth, read_pair, trivial
from surveyor.tools.endpoints import EndpointsFile
from surveyor.tools.experts import ExpertClient

HEAD = (
    f"{'':<34} {'answered':>8} {'abs-rel':>8} {'median':>8} {'delta1':>7} {'scale':>7}"
    f" {'aligned abs-rel':>16} {'delta1':>7}"
)


def check_depth(folder: Path, endpoints: Path) -> Iterator[str]:
    """Lines of the table: the expert that runs there, then answers that need no eyes."""
    pair = read_pair(folder)
    name, depth, scale = asyncio.run(_asked(pair, endpoints))
    yield HEAD
    yield row(f"{name} ({scale.value})", judge_depth(depth, pair.depth))
    for title, guess in trivial(pair.depth):
        yield row(f"  {title}", judge_depth(guess, pair.depth))


def row(title: str, score: DepthScore) -> str:
    """One line under `HEAD`."""
    return (
        f"{title:<34} {score.covered:8.1%} {score.abs_rel:8.2%} {score.median:8.2%}"
        f" {score.delta1:7.1%} {score.scale:7.3f} {score.aligned_abs_rel:16.2%}"
        f" {score.aligned_delta1:7.1%}"
    )


async def _asked(pair: TruePair, endpoints: Path) -> tuple[str, Depth, Scale]:
    with tempfile.TemporaryDirectory(prefix="surveyor-check-") as name:
        blobs = BlobStore(Path(name))
        left, right = (blobs.put(data, "image/png").sha256 for data in (pair.left, pair.right))
        request = DepthRequest(
            image=ImageByHash(sha256=left),
            focal=pair.focal,
            right=RightView(
                image=ImageByHash(sha256=right), baseline=pair.baseline, offset=pair.offset
            ),
        )
        client = ExpertClient(EndpointsFile(endpoints), blobs)
        try:
            answer = (await client.ask("depth", request, DepthAnswer)).answer
            depth = np.array(await client.array("depth", answer.depth), np.float32)
        finally:
            await client.aclose()
    producer = answer.producer
    return f"{producer.name} {producer.version}", depth, answer.scale

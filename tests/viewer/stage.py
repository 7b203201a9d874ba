# ruff: noqa: E501 - rows of logs and of page scripts read better in one line
"""A run on disk without experts: logs of a made-up place, with pictures, cameras and hostile text."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from PIL import Image

from surveyor.benchmarks.report.record import Estimate, RunReport, Spend
from surveyor.benchmarks.scorers.outcome_counts import OutcomeCounts
from surveyor.compose.viewing import viewer_app
from surveyor.core.blobs import BlobRef, BlobStore
from surveyor.core.geometry import Intrinsics, PointCloud, Pose, Scale
from surveyor.core.masks import encode_rle
from surveyor.memory.events import (
    Answer,
    EpisodeEnded,
    EpisodeStarted,
    EpisodeStatus,
    Event,
    Score,
    ToolCall,
    ToolOutcome,
    ToolStatus,
)
from surveyor.memory.log import EpisodeLog
from surveyor.memory.manifest import DatasetIdentity, Manifest, RunRecord, ScheduledTask
from surveyor.memory.runs import RunFolder
from surveyor.tools.geometry.kept import keep_geometry
from surveyor.tools.records import ReconstructionRecord, ViewRecord

TOKEN = "secret-of-the-test"
SIZE = (120, 90)
BOX, OTHER = [10.0, 20.0, 50.0, 70.0], [70.0, 20.0, 110.0, 60.0]


def photo(shade: int = 120) -> bytes:
    """A small JPEG."""
    pixels = np.full((SIZE[1], SIZE[0], 3), shade, np.uint8)
    pixels[20:70, 10:50] = (200, 60, 60)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG")
    return out.getvalue()


def geometry(store: BlobStore) -> BlobRef:
    """A kept reconstruction of one camera that looks along +Y at a wall of points."""
    T = np.eye(4)
    T[:3, :3] = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float)
    intrinsics = Intrinsics.from_hfov(1.2, *SIZE)
    depth = np.ones((SIZE[1], SIZE[0]), np.float32)
    view = ViewRecord("frame_0", f"k{store.root}", Pose(T), intrinsics, depth, depth)
    points = np.random.default_rng(0).uniform((-1, 2.9, -0.6), (1, 3.1, 0.6), (3000, 3))
    cloud = PointCloud(points, Scale.METRIC)
    return keep_geometry(ReconstructionRecord({"frame_0": view}, cloud, ()), store)


def episode(k: int, image: str, kept: BlobRef, question: str, answer: str) -> list[Event]:
    """One measured distance with its whole chain."""
    mask = np.zeros((SIZE[1], SIZE[0]), bool)
    mask[20:70, 10:50] = True
    started = EpisodeStarted(
        task_id=f"t{k}", dataset="d", scene_id=f"s{k % 3}", question_type=f"kind_{k % 2}",
        question=question, planner="program", frames=(image,),
    )  # fmt: skip
    rows = [
        {"handle": "box_1", "frame": "frame_0", "index": 0, "category": "chair", "box": BOX, "score": 0.9},
        {"handle": "box_2", "frame": "frame_0", "index": 0, "category": "lamp", "box": OTHER, "score": 0.8},
        {"handle": "box_3", "frame": "frame_0", "index": 0, "category": "lamp", "box": OTHER, "score": 0.1},
    ]  # fmt: skip
    cut = [
        {"handle": "mask_1", "frame": "frame_0", "category": "chair", "pixels": 2000, "score": 0.9,
         "box": BOX, "mask": {"size": [SIZE[1], SIZE[0]], "counts": encode_rle(mask)[1]}, "prompt": "box_1"},
    ]  # fmt: skip
    lifted = [
        {"handle": "cloud_1", "outline": "mask_1", "frame": "frame_0", "space": "recon_1",
         "category": "chair", "points": 10, "cut": False, "score": 0.9},
        {"handle": "cloud_2", "outline": "box_2", "frame": "frame_0", "space": "recon_1",
         "category": "lamp", "points": 10, "cut": False, "score": 0.8},
    ]  # fmt: skip
    things = [
        {"handle": f"obj_{i}", "category": name, "space": "recon_1", "scale": "metric",
         "center": [x, 3.0, 0.0], "size": [0.4, 0.2, 0.4], "support": 2, "visible": 3,
         "confidence": 0.9, "accepted": True, "axes": None, "made_of": [f"cloud_{i}"]}
        for i, name, x in ((1, "chair", -0.6), (2, "lamp", 0.6))
    ]  # fmt: skip
    measured = {
        "handle": "meas_1", "value": 0.8, "unit": "m", "space": "recon_1",
        "points": [[-0.4, 3.0, 0.0], [0.4, 3.0, 0.0]],
    }  # fmt: skip
    recon = {"handle": "recon_1", "scale": "metric", "registered": ["frame_0"], "missing": [],
             "geometry": kept.model_dump(mode="json")}  # fmt: skip
    steps: list[tuple[str, object, tuple[str, ...], tuple[str, ...]]] = [
        ("reconstruct", recon, ("recon_1",), ("frame_0",)),
        ("detect", rows, ("box_1", "box_2", "box_3", "boxes_1"), ("frame_0",)),
        ("segment", cut, ("mask_1", "masks_1"), ("boxes_1",)),
        ("lift", lifted, ("cloud_1", "cloud_2", "clouds_1"), ("masks_1", "recon_1")),
        ("fuse", {"objects": things}, ("obj_1", "obj_2", "objs_1"), ("clouds_1",)),
        ("distance", measured, ("meas_1",), ("obj_1", "obj_2")),
    ]
    told = [event for n, step in enumerate(steps) for event in _step(n, step, answer)]
    given = Answer(
        turn=9, text=answer, sources=("meas_1",), notes={"program": "distance(a, b)", "why": answer}
    )
    return [started, *told, given, EpisodeEnded(status=EpisodeStatus.ANSWERED, elapsed=1.5)]


def _step(
    n: int, step: tuple[str, object, tuple[str, ...], tuple[str, ...]], answer: str
) -> tuple[Event, Event]:
    name, data, handles, sources = step
    return (
        ToolCall(turn=n, call_id=f"c{n}", name=name, raw_arguments="{}", arguments={}),
        ToolOutcome(
            turn=n,
            call_id=f"c{n}",
            name=name,
            status=ToolStatus.OK,
            text=f"{name} {answer}",
            data=data,
            handles=handles,
            sources=sources,
            expert_calls=1,
        ),
    )


def make_run(
    path: Path, count: int = 12, texts: tuple[str, ...] = (), right: int = 2, scored: bool = True
) -> RunFolder:
    """A run of ``count`` episodes; every ``right``-th answer is right. ``texts`` are put where a
    question and an answer stand."""
    tasks = [
        ScheduledTask(id=f"t{k}", scene_id=f"s{k % 3}", question_type=f"kind_{k % 2}", frames=(0,))
        for k in range(count)
    ]
    record = RunRecord(
        id=path.name, created="2026-11-29T00:00:00+00:00",
        config={"dataset": "nowhere", "planner": "program"},
        manifest=Manifest(dataset=DatasetIdentity(name="d")), schedule_hash="",
    )  # fmt: skip
    folder = RunFolder.create(path, record, tasks)
    store = BlobStore(path / "blobs")
    image, kept = store.put(photo(), "image/jpeg").sha256, geometry(store)
    scores = []
    for k in range(count):
        text = texts[k % len(texts)] if texts else ""
        events = episode(k, image, kept, text or f"How far is chair {k}?", text or f"{k}.0")
        with EpisodeLog(folder.episode_path(f"t{k}", 0)) as log:
            for event in events:
                log.append(event)
        value = 1.0 if k % right == 0 else 0.0
        scores.append(
            Score(
                task_id=f"t{k}",
                scorer="s",
                value=value,
                prediction=text or f"{k}.0",
                fields={"correct": "1.0"},
                status=EpisodeStatus.ANSWERED,
            )
        )
    if scored:
        folder.write_results(scores)
        mean = 100 * sum(score.value for score in scores) / count
        tally = OutcomeCounts(scheduled=count, scored=count)
        report = RunReport(
            run=path.name, planner="program", dataset="d", metric="vsi", metric_version="2",
            profile="official", overall=Estimate(value=mean), tally=tally, spend=Spend(), types=(),
            scenes=3,
        )  # fmt: skip
        folder.write("report.json", report.model_dump_json().encode())
    return folder


@contextmanager
def served(runs: list[Path], cache: Path, token: str = TOKEN, **more: Any) -> Iterator[str]:
    """The viewer behind its guard on a free port; the address without the token. ``more`` is what
    `viewer_app` takes besides."""
    app = viewer_app(runs, token, cache=cache, **more)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # whoever connects before the server is up waits
        config = uvicorn.Config(app, log_level="error", access_log=False)
        server = uvicorn.Server(config)
        worker = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        worker.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            worker.join(timeout=10)

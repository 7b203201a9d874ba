"""A stage without experts: instant tools, plain pictures, logs in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import httpx2

from surveyor.core.blobs import BlobRef, BlobStore
from surveyor.core.cameras import Frame
from surveyor.core.errors import ModelMistake
from surveyor.core.tasks import AnswerKind, Task
from surveyor.memory.events import Event
from surveyor.services.contract import Endpoints
from surveyor.tools.endpoints import FixedEndpoints
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.workspace import Workspace


class Sum(Arguments):
    """Two lengths."""

    a: float
    b: float


class Look(Arguments):
    """A frame by its handle."""

    frame: str


async def _sum(asked: Sum, _workspace: Workspace) -> ToolResult:
    return ToolResult(f"{asked.a + asked.b:g} m", data=asked.a + asked.b)


async def _look(asked: Look, workspace: Workspace) -> ToolResult:
    shown = [f for f in workspace.task.frames if f"frame_{f.index}" == asked.frame]
    if not shown:
        raise ModelMistake(f"there is no {asked.frame}")
    return ToolResult("the frame again", handles=("view",), images=(shown[0].image,))


def instant_tools() -> Registry:
    """Two tools that cost nothing: an addition, and a frame shown again."""
    return Registry(
        [
            Tool("sum", "Adds two lengths in metres.", Sum, Effects.PURE, _sum),
            Tool("look", "Shows a frame again.", Look, Effects.PURE, _look),
        ]
    )


def pictures(blobs: BlobStore, number: int, size: int = 96) -> tuple[BlobRef, ...]:
    """``number`` different stored JPEG pictures of ``size`` pixels a side."""
    return tuple(_picture(blobs, index, size) for index in range(number))


def _picture(blobs: BlobStore, index: int, size: int) -> BlobRef:
    import io

    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(index).integers(0, 255, (size, size, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return blobs.put(buffer.getvalue(), "image/jpeg", width=size, height=size)


def make_tasks(number: int, images: Iterable[BlobRef] = ()) -> list[Task]:
    """Choice questions over the same frames, told apart by id."""
    frames = tuple(Frame(index=i, time=i / 2, image=ref) for i, ref in enumerate(images))
    return [
        Task(
            id=f"task_{i:05d}",
            dataset="selfcheck",
            scene_id=f"room_{i % 50}",
            question_type="object_rel_distance_v1",
            question=f"Which is closer to door {hashlib.sha256(str(i).encode()).hexdigest()[:6]}?",
            options=("A. chair", "B. lamp"),
            answer_kind=AnswerKind.CHOICE,
            frames=frames,
        )
        for i in range(number)
    ]


def no_experts(blobs: BlobStore) -> ExpertClient:
    """A client that has nobody to ask and opens no connection; share it."""
    nobody = FixedEndpoints(Endpoints(supervisor=0, experts=()))
    return ExpertClient(nobody, blobs, transport=httpx2.AsyncBaseTransport())


class MemoryLog:
    """A log that keeps its events, validated as a file would have them."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, event: Event) -> Event:
        """Keep one event; one that could not be written as JSON fails here."""
        event.model_dump_json()
        self.events.append(event)
        return event

"""A small stage for episodes: a task, three tools, a workspace without experts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.planner import Planner
from surveyor.core.blobs import BlobRef, BlobStore
from surveyor.core.cameras import Frame
from surveyor.core.errors import ModelMistake, ServiceUnavailable
from surveyor.core.tasks import AnswerKind, Task
from surveyor.memory.events import EpisodeEnded, Event
from surveyor.tools.registry import Registry
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.workspace import Workspace
from tests.claims.agent.instant_tools import no_experts


class Sum(Arguments):
    """Two numbers."""

    a: float
    b: float


class Look(Arguments):
    """A frame to look at."""

    frame: str


class Nothing(Arguments):
    """No arguments."""


def png(colour: tuple[int, int, int], size: tuple[int, int] = (32, 24)) -> bytes:
    """A one-coloured picture."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


async def _sum(arguments: Sum, _workspace: Workspace) -> ToolResult:
    return ToolResult(f"{arguments.a + arguments.b:g} m", data=arguments.a + arguments.b)


async def _look(arguments: Look, workspace: Workspace) -> ToolResult:
    number = int(arguments.frame.removeprefix("frame_"))
    if number >= len(workspace.task.frames):
        raise ModelMistake(f"there is no {arguments.frame}")
    image = workspace.task.frames[number].image
    return ToolResult("a crop", handles=(f"crop_{number}",), images=(image,))


async def _broken(_arguments: Nothing, _workspace: Workspace) -> ToolResult:
    raise ServiceUnavailable("the depth expert is down")


TOOLS = Registry(
    [
        Tool("sum", "Adds two lengths in metres.", Sum, Effects.PURE, _sum),
        Tool("look", "Shows a frame again.", Look, Effects.PURE, _look),
        Tool("broken", "Is always down.", Nothing, Effects.EXPERT, _broken),
    ]
)


@dataclass
class MemoryLog:
    """A log that keeps its events."""

    events: list[Event] = field(default_factory=list)

    def append(self, event: Event) -> Event:
        self.events.append(event)
        return event

    def of(self, *kinds: str) -> list[Event]:
        """Events of these types, in order."""
        return [event for event in self.events if event.type in kinds]

    @property
    def types(self) -> list[str]:
        """The type of every event, in order."""
        return [event.type for event in self.events]


def make_task(blobs: BlobStore, frames: int = 2, **changes: object) -> Task:
    """A choice question over ``frames`` one-coloured frames."""
    pictures: list[Frame] = []
    for index in range(frames):
        ref = blobs.put(png((index * 40 % 255, 90, 160)), "image/png", width=32, height=24)
        pictures.append(Frame(index=index, time=index / 2, image=ref))
    task = Task(
        id="t1",
        dataset="stage",
        scene_id="room",
        question_type="object_rel_distance_v1",
        question="Which is closer to the door?",
        options=("A. chair", "B. lamp"),
        answer_kind=AnswerKind.CHOICE,
        frames=tuple(pictures),
    )
    return task.model_copy(update=changes)


def make_workspace(task: Task, blobs: BlobStore) -> Workspace:
    """A workspace whose experts can't be reached."""
    return Workspace(task, no_experts(blobs))


async def play(
    planner: Planner,
    root: Path,
    limits: Limits | None = None,
    *,
    frames: int = 2,
    **changes: object,
) -> tuple[EpisodeEnded, MemoryLog]:
    """One episode of ``planner`` on the stage."""
    blobs = BlobStore(root / "blobs")
    task, log = make_task(blobs, frames, **changes), MemoryLog()
    workspace = make_workspace(task, blobs)
    ended = await run_episode(task, planner, TOOLS, workspace, log, limits or Limits())
    await workspace.experts.aclose()
    return ended, log


def image_refs(events: Sequence[Event]) -> list[BlobRef]:
    """Every image that tools returned."""
    return [ref for event in events if event.type == "tool_result" for ref in event.images]

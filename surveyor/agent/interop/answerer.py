"""Answering from inside another harness: text and images in, one line out.

The harness keeps its prompts and its scoring; Surveyor brings the loop, the tools and the log.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.chat.prompt import Prompt, agent_prompt
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.planner import Brief
from surveyor.core.blobs import BlobRef, BlobStore
from surveyor.core.cameras import Frame
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.tasks import AnswerKind, Task
from surveyor.memory.episodes import fold
from surveyor.memory.events import EpisodeStatus
from surveyor.memory.log import EpisodeLog, read_events
from surveyor.services.contract import Endpoints
from surveyor.tools.builtin import default_tools
from surveyor.tools.endpoints import EndpointsFile, EndpointSource, FixedEndpoints
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.tools.workspace import Workspace

if TYPE_CHECKING:
    from PIL.Image import Image

Picture: TypeAlias = "Path | bytes | Image"


@dataclass(frozen=True, slots=True)
class Question:
    """One item of a harness: its full prompt, and its images in order."""

    text: str
    images: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Answerer:
    """Answers questions with a chat model, with or without tools.

    ``folder`` gets the images and one event log a question. ``endpoints`` is the file that
    `surveyor serve up` writes; without it the model has no tools and answers by looking.
    """

    config: ChatConfig
    folder: Path
    endpoints: Path | None = None
    limits: Limits = field(default_factory=Limits)
    concurrency: int = 16

    def answer(self, questions: Sequence[Question]) -> list[str]:
        """Answers in order; empty where a limit ended the episode.

        Raises `InfrastructureError` when a model or an expert could not be reached: a harness must
        not score that as a wrong answer.
        """
        return asyncio.run(self._all(questions))

    async def _all(self, questions: Sequence[Question]) -> list[str]:
        blobs = BlobStore(self.folder / "blobs")
        registry = Registry(default_tools() if self.endpoints else ())
        source: EndpointSource = FixedEndpoints(Endpoints(supervisor=0, experts=()))
        if self.endpoints is not None:
            source = EndpointsFile(self.endpoints)
        experts = ExpertClient(source, blobs)
        gate = asyncio.Semaphore(self.concurrency)

        async def one(question: Question) -> str:
            async with gate:
                task = as_task(question, blobs)
                workspace = Workspace(task, experts)
                path = self.folder / "episodes" / f"{task.id}.0.jsonl"
                with EpisodeLog(path) as log:
                    ended = await run_episode(task, planner, registry, workspace, log, self.limits)
                if ended.status is EpisodeStatus.INCOMPLETE:
                    raise InfrastructureError(ended.reason)
                episode = fold(read_events(path))
                return (episode.answer if episode else None) or ""

        try:
            async with ChatPlanner(self.config, [blobs], profile=_as_asked) as planner:
                return list(await asyncio.gather(*map(one, questions)))
        finally:
            await experts.aclose()


def _as_asked(task: Task, brief: Brief, dialect: str) -> Prompt:
    """Our system text, and the harness's prompt word for word."""
    return Prompt(agent_prompt(task, brief, dialect).system, "", task.question)


def as_task(question: Question, blobs: BlobStore) -> Task:
    """A task whose frames are the harness's images; equal questions have equal ids."""
    frames = tuple(
        Frame(index=i, time=float(i), image=store_picture(picture, blobs))
        for i, picture in enumerate(question.images)
    )
    identity = "\n".join((question.text, *(frame.image.sha256 for frame in frames)))
    return Task(
        id=hashlib.sha256(identity.encode()).hexdigest()[:24],
        dataset="harness",
        scene_id="unknown",
        question_type="free",
        question=question.text,
        answer_kind=AnswerKind.TEXT,
        frames=frames,
    )


def store_picture(picture: Picture, blobs: BlobStore) -> BlobRef:
    """Keep an image as the bytes it came in; one that has none becomes a PNG."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(picture, Path):
        picture = picture.read_bytes()
    if isinstance(picture, Image.Image):
        buffer = io.BytesIO()
        picture.convert("RGB").save(buffer, "PNG")
        picture = buffer.getvalue()
    try:
        with Image.open(io.BytesIO(picture)) as image:
            width, height = image.size
            media_type = Image.MIME.get(image.format or "", "image/png")
    except UnidentifiedImageError:
        raise UserError("the harness handed over a file that is not an image") from None
    return blobs.put(picture, media_type, width=width, height=height)

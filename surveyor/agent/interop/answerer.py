"""Answering from inside another harness: text and images in, one line out.

The harness keeps its prompts and its scoring; Surveyor brings the loop, the tools and the log.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.chat.prompt import Prompt, agent_prompt
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.planner import PlannerInput
from surveyor.core.blobs import BlobRef, BlobStore
from surveyor.core.cameras import Frame
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.images import Kept, kept, kept_picture
from surveyor.core.tasks import AnswerKind, Task
from surveyor.core.videos import evenly, open_film
from surveyor.memory.episodes import fold
from surveyor.memory.events import EpisodeStatus
from surveyor.memory.log import EpisodeLog, read_events
from surveyor.tools.builtin import offered_tools
from surveyor.tools.endpoints import EndpointsFile, EndpointSource, FixedEndpoints
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.tools.wire import Endpoints
from surveyor.tools.workspace import Workspace

if TYPE_CHECKING:
    from PIL.Image import Image

Picture: TypeAlias = "Path | bytes | Image"


@dataclass(frozen=True, slots=True)
class Clip:
    """A video file, of which at most ``frames`` are shown, spread evenly from first to last."""

    path: Path
    frames: int = 32


@dataclass(frozen=True, slots=True)
class HarnessItem:
    """One item of a harness: its full prompt, and its images and films in order."""

    text: str
    images: tuple[Picture | Clip, ...] = ()


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

    def answer(self, questions: Sequence[HarnessItem]) -> list[str]:
        """Answers in order; empty where a limit ended the episode.

        Raises `InfrastructureError` when a model or an expert could not be reached: a harness must
        not score that as a wrong answer.
        """
        return asyncio.run(self._all(questions))

    async def _all(self, questions: Sequence[HarnessItem]) -> list[str]:
        blobs = BlobStore(self.folder / "blobs")
        registry = Registry(offered_tools(frames=True) if self.endpoints else ())
        source: EndpointSource = FixedEndpoints(Endpoints(supervisor=0, experts=()))
        if self.endpoints is not None:
            source = EndpointsFile.named(self.endpoints)
        experts = ExpertClient(source, blobs)
        gate = asyncio.Semaphore(self.concurrency)

        async def one(question: HarnessItem) -> str:
            async with gate:
                task = await asyncio.to_thread(as_task, question, blobs)
                workspace = Workspace(task, experts)
                path = _new_log(self.folder / "episodes", task.id)
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


def _as_asked(task: Task, brief: PlannerInput, dialect: str) -> Prompt:
    """Our system text, and the harness's prompt word for word."""
    return Prompt(agent_prompt(task, brief, dialect).system, "", task.question)


def _new_log(folder: Path, task_id: str) -> Path:
    """An empty file for one more episode of a task: a harness may ask the same thing again, also
    at the same moment and from another process."""
    folder.mkdir(parents=True, exist_ok=True)
    for epoch in count():
        path = folder / f"{task_id}.{epoch}.jsonl"
        try:
            path.open("x").close()
        except FileExistsError:
            continue
        except OSError as error:
            raise InfrastructureError(f"cannot open {path} for writing: {error}") from error
        return path
    raise AssertionError("counting never ends")


def as_task(question: HarnessItem, blobs: BlobStore) -> Task:
    """A task whose frames are the harness's images, and those of its films with their times; equal
    questions have equal ids."""
    frames: list[Frame] = []
    for shown in question.images:
        if isinstance(shown, Clip):
            pictures = _frames_of(shown)
            frames.extend(_framed(len(frames), pictures, blobs))
        else:
            time, image = float(len(frames)), store_picture(shown, blobs)
            frames.append(Frame(index=len(frames), time=time, image=image))
    identity = "\n".join((question.text, *(frame.image.sha256 for frame in frames)))
    return Task(
        id=hashlib.sha256(identity.encode()).hexdigest()[:24],
        dataset="harness",
        scene_id="unknown",
        question_type="free",
        question=question.text,
        answer_kind=AnswerKind.TEXT,
        frames=tuple(frames),
    )


def _framed(
    first: int, pictures: Sequence[tuple[float, Kept]], blobs: BlobStore
) -> Iterator[Frame]:
    for index, (time, picture) in enumerate(pictures, start=first):
        yield Frame(index=index, time=time, image=_stored(picture, blobs))


@lru_cache(maxsize=2)
def _frames_of(clip: Clip) -> tuple[tuple[float, Kept], ...]:
    """Times and frames of a film; the last films are kept, as harnesses ask of each many times."""
    from PIL import Image

    film = open_film(clip.path)
    return tuple(
        (time, kept_picture(Image.fromarray(pixels), str(clip.path)))
        for time, pixels in film.frames(evenly(len(film.seconds), clip.frames))
    )


def store_picture(picture: Picture, blobs: BlobStore) -> BlobRef:
    """Keep an image as `surveyor.core.images` does: upright, as the bytes it came in where they are
    plain, else as a PNG.

    Raises `UserError` for what is no image or cannot be read.
    """
    name = "an image of the harness"
    if isinstance(picture, Path):
        name = str(picture)
        try:
            picture = picture.read_bytes()
        except OSError as error:
            raise UserError(f"{name} cannot be read ({error.strerror})") from None
    if isinstance(picture, bytes):
        return _stored(kept(picture, name), blobs)
    return _stored(kept_picture(picture, name), blobs)


def _stored(image: Kept, blobs: BlobStore) -> BlobRef:
    return blobs.put(image.data, image.media_type, width=image.width, height=image.height)

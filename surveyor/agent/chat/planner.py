"""The chat planner: a conversation with a model, one message a turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Protocol, Self

import httpx2

from surveyor.agent.cells.tool import answered
from surveyor.agent.chat.capabilities import Capabilities, DialectName, capabilities_of
from surveyor.agent.chat.code import CodeDialect
from surveyor.agent.chat.complete import WholeDialect
from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.constrained import GrammarDialect
from surveyor.agent.chat.coordinates import Places
from surveyor.agent.chat.endpoint import Completion, Endpoint
from surveyor.agent.chat.images import ImageSource, InlineImages, LinkedImages
from surveyor.agent.chat.messages import Message
from surveyor.agent.chat.native import NativeDialect
from surveyor.agent.chat.prices import usage_of
from surveyor.agent.chat.prompt import Profile, agent_prompt, opening
from surveyor.agent.chat.provider_errors import shortened
from surveyor.agent.chat.recording import Recorder
from surveyor.agent.chat.reply_parser import Reading, refusal_of
from surveyor.agent.chat.skill3d import Skill3dDialect
from surveyor.agent.chat.tags import TagDialect
from surveyor.agent.chat.terse import first_steps, terse
from surveyor.agent.chat.transcript import Transcript
from surveyor.agent.limits import waiting
from surveyor.agent.planner import Observation, PlannerInput, Turn
from surveyor.core.anchor_actions import edges_asked, read_action
from surveyor.core.blobs import BlobStore
from surveyor.core.errors import ModelMistake
from surveyor.core.tasks import AnswerKind, Task
from surveyor.memory.events import ModelCall
from surveyor.tools.concurrency import AdaptiveLimiter


class Dialect(Protocol):
    """How calls, results and answers are written; one instance an episode."""

    @property
    def instructions(self) -> str: ...

    @property
    def request_fields(self) -> dict[str, Any]: ...

    def read(self, message: dict[str, Any], finish: str, turn: int) -> Reading: ...

    def observe(self, observations: tuple[Observation, ...]) -> list[Message]: ...


class ChatPlanner:
    """Plans with the model that ``config`` names; close it, or use it as a context manager.

    ``stores`` are where pixels are read from: the dataset's blobs, then the run's, say. With
    ``recording``, what is sent is kept there for training (`surveyor.agent.chat.recording`).
    """

    def __init__(
        self,
        config: ChatConfig,
        stores: Sequence[BlobStore],
        *,
        profile: Profile = agent_prompt,
        limiter: AdaptiveLimiter | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        recording: BlobStore | None = None,
    ) -> None:
        self.name = f"chat:{config.model}"
        self.config = config
        self.capabilities = capabilities_of(config.model, config.capabilities)
        self.endpoint = Endpoint(config, limiter, transport)
        self._profile = profile
        self._images = _image_source(config, self.capabilities, stores)
        self._recording = recording

    @property
    def limiters(self) -> Mapping[str, AdaptiveLimiter]:
        """Limit and requests in flight of the model's endpoint, by the model's name."""
        return {self.config.model: self.endpoint.limiter}

    def start(self, task: Task, brief: PlannerInput, profile: Profile | None = None) -> ChatSession:
        """Begin a conversation about one task, in ``profile``'s words instead of the planner's."""
        places = Places(brief.tools, self.capabilities)
        brief = replace(brief, tools=_described(places.told, self.capabilities))
        dialect = dialect_for(task, brief, self.capabilities, places)
        prompt = (profile or self._profile)(task, brief, dialect.instructions)
        if prompt.whole:
            dialect = WholeDialect()
        settings = {
            "model": self.config.model,
            **self.config.sampling,
            **dialect.request_fields,
        }
        max_images = self.capabilities.max_images if self.capabilities.images else 0
        session = ChatSession(
            self.endpoint,
            Transcript(settings, self._images, max_images),
            dialect,
            places,
            Recorder(self._recording, self._images) if self._recording else None,
            partial(_action, task) if task.answer_kind is AnswerKind.ACTION else None,
        )
        session.tell(opening(prompt, task, brief, max_images))
        return session

    async def aclose(self) -> None:
        """Close the connections to the endpoint."""
        await self.endpoint.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


def _action(task: Task, answer: str) -> str:
    """The action that an answer states, as it is written exactly; `ModelMistake` says what to mend,
    and the model is told and asked again."""
    return read_action(answer, task.scene_id, edges_asked(task.question)).text()


class ChatSession:
    """One conversation. ``judged`` gives answers their exact form or raises `ModelMistake`, which
    the model is told instead of ending the episode."""

    def __init__(
        self,
        endpoint: Endpoint,
        transcript: Transcript,
        dialect: Dialect,
        places: Places,
        recorder: Recorder | None = None,
        judged: Callable[[str], str] | None = None,
    ) -> None:
        self._judged = judged
        self._endpoint = endpoint
        self._transcript = transcript
        self._dialect = dialect
        self._places = places
        self._recorder = recorder
        self._turn = 0

    def tell(self, messages: Iterable[Message]) -> None:
        """Add messages to the conversation, to be sent with the next turn."""
        for message in messages:
            self._transcript.append(message)
            self._places.saw(message.pictures)

    async def next(self, observations: tuple[Observation, ...]) -> Turn:
        """Show the model what came back and read what it says next; a cell that answered has
        answered.

        Raises `InfrastructureError` when it cannot be reached, `LimitExceeded` when the
        conversation has outgrown it.
        """
        if (given := answered(observations)) is not None:
            return self._given(*given)
        self.tell(self._dialect.observe(observations))
        prompt, shown = self._transcript.prompt_hash, self._transcript.shown
        script, recorder = self._transcript, self._recorder
        body, kept = script.body, {}
        if recorder is not None:
            kept = recorder.request(script.settings, script.messages, body)
        with waiting():
            completion = await self._endpoint.complete(body)
        message, finish = completion.message, completion.finish
        reading = self._dialect.read(message, finish, self._turn)
        refusal = refusal_of(message, finish)
        if refusal is not None:
            text = reading.text or refusal
            reading = replace(reading, calls=(), answer=None, mistake=None, text=text)
        if self._judged is not None and reading.answer is not None:
            judged = self._given(reading.answer)
            reading = replace(reading, answer=judged.answer, mistake=judged.mistake)
        self.tell([reading.echo])
        if recorder is not None:
            kept |= recorder.reply(completion, reading.echo)
        call = self._model_call(completion, reading, prompt, shown, kept)
        self._turn += 1
        return Turn(
            calls=tuple(map(self._places.to_pixels, reading.calls)),
            answer=reading.answer,
            mistake=reading.mistake,
            refusal=None if refusal is None else shortened(refusal),
            raw=reading.text,
            model=call,
            notes=reading.notes,
        )

    def _given(self, answer: str, sources: tuple[str, ...] = ()) -> Turn:
        """The turn that an answer makes; a mistake where it isn't in the exact form."""
        try:
            return Turn(answer=self._judged(answer) if self._judged else answer, sources=sources)
        except ModelMistake as wrong:
            return Turn(mistake=str(wrong), raw=answer)

    def _model_call(
        self,
        completion: Completion,
        reading: Reading,
        prompt: str,
        shown: tuple[str, ...],
        kept: Mapping[str, Any],
    ) -> ModelCall:
        return ModelCall(
            model=self._endpoint.config.model,
            turn=self._turn,
            prompt=prompt,
            text=reading.text,
            reasoning=reading.reasoning,
            tool_calls=reading.emitted,
            images=shown,
            finish=completion.finish,
            usage=usage_of(completion.usage, self._endpoint.config.price),
            elapsed=completion.elapsed,
            waited=completion.waited,
            sent_bytes=completion.sent_bytes,
            repairs=reading.repairs,
            **kept,
        )


def dialect_for(
    task: Task, brief: PlannerInput, capabilities: Capabilities, places: Places | None = None
) -> Dialect:
    """The dialect that a model speaks; ``places`` knows the images that it was shown. Without tools
    there are no cells to write."""
    coded = capabilities.dialect is DialectName.CODE
    if capabilities.dialect is DialectName.SKILL3D:
        return Skill3dDialect(task, brief, capabilities, places or Places((), capabilities))
    if capabilities.dialect is DialectName.TAGS or (coded and not brief.tools):
        return TagDialect(task, brief, capabilities)
    if coded:
        return CodeDialect(task, brief, capabilities)
    if capabilities.dialect is DialectName.GRAMMAR:
        return GrammarDialect(task, brief, capabilities)
    return NativeDialect(task, brief, capabilities)


def _described(tools: tuple[dict[str, Any], ...], can: Capabilities) -> tuple[dict[str, Any], ...]:
    """The tools' schemas as a model is told them. A grammar needs every bound and shows none of
    them, so there only arguments are left out."""
    if not can.terse:
        return tools
    fewer = first_steps(tools)
    return fewer if can.dialect is DialectName.GRAMMAR else terse(fewer)


def _image_source(
    config: ChatConfig, capabilities: Capabilities, stores: Sequence[BlobStore]
) -> ImageSource:
    if config.images_base and capabilities.fetches_urls:
        return LinkedImages(config.images_base)
    return InlineImages(stores, capabilities.max_pixels)

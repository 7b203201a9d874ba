"""Profile ``markers``: a model is shown the place from above and frames with numbered objects.

GPT4Scene's input for any chat model, with tools or without. Before the model's first turn the
planner makes one call, `mark_scene`, whose calls and results are logged like any other; its
pictures then take the frames' place in the first message, beside the table of what they number.
``unmarked`` shows the same pictures without numbers: the ablation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import orjson

from surveyor.agent.chat.planner import ChatPlanner, ChatSession
from surveyor.agent.chat.prompt import Prompt, agent_prompt
from surveyor.agent.planner import Observation, PlannerInput, Turn
from surveyor.agent.program.language import categories
from surveyor.agent.program.parser import parse
from surveyor.agent.survey.marked import INDOOR, MARK_SCENE, MarkedScene, MarkSceneArguments
from surveyor.core.cameras import Frame
from surveyor.core.tasks import AnswerKind, Task
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.tools.concurrency import AdaptiveLimiter
from surveyor.tools.objects import say
from surveyor.tools.spec import CallRequest

_NUMBERED = (
    "The first picture shows the place from above (+x right, +y up, {scale:.1f} pixels a metre), "
    "the others are frames of a video of it, in order of time. Each object has one number, the "
    "same in every picture: object 7 is obj_7. What was measured of them (metres, +Z up):"
)
_BARE = (
    "The first picture shows the place from above (+x right, +y up, {scale:.1f} pixels a metre), "
    "the others are frames of a video of it, in order of time. What was measured of the objects "
    "in it (metres, +Z up):"
)
_MOST = 64
_TOKEN = re.compile(r"<OBJ0*(\d+)>")


class MarkedPlanner:
    """``inner`` with measured pictures instead of frames; ``asked`` says which.

    Tasks without frames are put to ``inner`` as they are, and so are places that could not be
    measured: the log then holds why.
    """

    def __init__(self, inner: ChatPlanner, asked: MarkSceneArguments) -> None:
        self.inner = inner
        self.name = inner.name
        self._asked = asked

    @property
    def limiters(self) -> Mapping[str, AdaptiveLimiter]:
        """The inner planner's."""
        return self.inner.limiters

    def start(self, task: Task, brief: PlannerInput) -> ChatSession | MarkedSession:
        """Begin an episode, with the look if there is something to look at."""
        tools = tuple(t for t in brief.tools if t["function"]["name"] != MARK_SCENE)
        brief = replace(brief, tools=tools)
        if not brief.frame_handles:
            return self.inner.start(task, brief)
        return MarkedSession(self.inner, self._asked, task, brief)


class MarkedSession:
    """One episode: the look, then the conversation."""

    def __init__(
        self, inner: ChatPlanner, asked: MarkSceneArguments, task: Task, brief: PlannerInput
    ) -> None:
        self._inner = inner
        self._asked = asked
        self._task = task
        self._brief = brief
        self._talk: ChatSession | None = None
        self._looked = False

    async def next(self, observations: tuple[Observation, ...]) -> Turn:
        """Look first; then what the model says, its ``<OBJ007>`` read as ``obj_7``."""
        if not self._looked:
            self._looked = True
            asked = self._asked.model_copy(update={"categories": self._wanted()})
            raw = orjson.dumps(asked.model_dump(mode="json", exclude_none=True)).decode()
            why = {"why": "pictures of the place for the first message"}
            return Turn(calls=(CallRequest("look", MARK_SCENE, raw),), notes=why)
        if self._talk is None:
            self._talk, observations = self._begin(observations), ()
        turn = await self._talk.next(observations)
        if turn.answer is not None and self._task.answer_kind in (
            AnswerKind.BOXES,
            AnswerKind.MASK,
        ):
            turn = replace(turn, answer=as_handles(turn.answer))
        return turn

    def _wanted(self) -> tuple[str, ...]:
        """Kinds to look for: what the question names, where it can be read, and the usual ones."""
        program = parse(self._task.question)
        named = [one.casefold() for one in categories(program)] if program is not None else []
        return tuple(dict.fromkeys([*named, *(self._asked.categories or INDOOR)]))[:_MOST]

    def _begin(self, observations: tuple[Observation, ...]) -> ChatSession:
        """The conversation over the pictures, or over the frames where there are none."""
        (outcome,) = observations
        if not isinstance(outcome, ToolOutcome) or outcome.status is not ToolStatus.OK:
            return self._inner.start(self._task, self._brief)
        found = MarkedScene.model_validate(outcome.data)
        pictures = zip(found.views, outcome.images, strict=True)
        frames = tuple(
            Frame(index=k, time=0.0, image=image) for k, (_, image) in enumerate(pictures)
        )
        shown = self._task.model_copy(update={"frames": frames})
        brief = replace(self._brief, frame_handles=tuple(view.handle for view in found.views))
        profile = partial(marked_prompt, found=found, numbered=self._asked.marks)
        return self._inner.start(shown, brief, profile)


def as_handles(reply: str) -> str:
    """A reply whose numbers as object-centric models write them, ``<OBJ007>``, are handles."""
    return _TOKEN.sub(r"obj_\1", reply)


def marked_prompt(
    task: Task, brief: PlannerInput, dialect: str, *, found: MarkedScene, numbered: bool
) -> Prompt:
    """The usual prompt, which says what the pictures are and lists the objects."""
    usual = agent_prompt(task, brief, dialect)
    head = (_NUMBERED if numbered else _BARE).format(scale=found.top.scale)
    views = [f"{view.handle} is {view.frame}" for view in found.views[1:]]
    lines = [head, *(say(row) for row in found.objects), "; ".join(views)]
    return replace(usual, before="\n".join(line for line in lines if line))

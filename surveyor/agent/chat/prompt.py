"""What a chat model is told about a task.

A profile turns a task and a brief into a system text, a text before the frames and one after
them. `agent_prompt` is the default; benchmarks bring the published wordings as profiles of their
own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from surveyor.agent.chat.messages import Message, Part, Picture, labelled
from surveyor.agent.planner import PlannerInput
from surveyor.core.tasks import PHOTOS, AnswerKind, Task
from surveyor.core.wording import many


@dataclass(frozen=True, slots=True)
class Prompt:
    """The fixed texts of an episode; ``named`` frames are labelled with their handles. ``whole``
    is a wording that asks for nothing but the answer: the reply as it stands is the answer."""

    system: str
    before: str
    after: str
    named: bool = True
    whole: bool = False


Profile: TypeAlias = Callable[[Task, PlannerInput, str], Prompt]
"""Called with the task, the brief and the dialect's instructions."""

PLACE = "<image>"
"""Where a frame stands within the text of a question, one for each frame in their order."""

_ROLE = (
    "You answer questions about a real place from {seen} of it. Estimate nothing that "
    "a tool can measure: results state units, frame and confidence. World coordinates are metres "
    "with z up. Frames, masks, clouds and objects are addressed by their handles, such as frame_3."
)

_SHORT_ROLE = (
    "You answer questions about a real place from frames of it. Measure with tools, never guess. "
    "Name things by their handles, such as frame_3 or obj_1."
)

_FIRST = (
    " First survey the things that the question names: that makes their handles. Then measure with "
    "these handles, then answer."
)

_FORMS = {
    AnswerKind.NUMBER: "Answer with one number{unit} and nothing else.",
    AnswerKind.CHOICE: "Answer with the letter of the right option and nothing else.",
    AnswerKind.TEXT: "Answer with a short phrase.",
    AnswerKind.BOXES: (
        "Answer with the handles of all objects that match, separated by commas, or none."
    ),
    AnswerKind.MASK: (
        "Answer with the handle of the mask or object that matches; where an answer in words is "
        "asked for too, with the text that answer_with_mask gives."
    ),
    AnswerKind.ACTION: (
        'Answer with one JSON object and nothing else: {{"action": "place_anchor", "scene": ..., '
        '"center": [x, y, z], "normal": [x, y, z], "extent": [a, b, c]}}; metres, +Z up; normals '
        "have length 1; a plane's extent has two edges."
    ),
    AnswerKind.POINTS: (
        "Answer with the points as a list of (x, y), each a fraction from 0 to 1 of the picture's "
        "width and height from its top left corner."
    ),
}


def agent_prompt(task: Task, brief: PlannerInput, dialect: str) -> Prompt:
    """The profile for models that work with tools."""
    seen = "photos" if task.frame_rule == PHOTOS else "frames of a video"
    return _agent(task, brief, dialect, _ROLE.format(seen=seen))


def short_prompt(task: Task, brief: PlannerInput, dialect: str) -> Prompt:
    """The same in few words, for small models and short contexts."""
    surveys = any(tool["function"]["name"] == "survey" for tool in brief.tools)
    return _agent(task, brief, dialect, _SHORT_ROLE + (_FIRST if surveys else ""))


def _agent(task: Task, brief: PlannerInput, dialect: str, role: str) -> Prompt:
    system = [role, dialect]
    for skill in brief.skills:
        system.append(f"# Skill: {skill.name}\n{skill.text.strip()}")
    unit = f" in {task.unit}" if task.unit else ""
    after = [f"Question: {task.question}"]
    if task.options:
        after.append("Options:\n" + "\n".join(task.options))
    if task.answer_kind is AnswerKind.ACTION:
        after.append(f"Scene: {task.scene_id}")
    after.append(_FORMS[task.answer_kind].format(unit=unit))
    number = len(task.frames)
    video = f"{many(number, 'frame')} of a video, in order of time"
    seen = many(number, "photo") if task.frame_rule == PHOTOS else video
    before = f"{seen}." if number else ""
    if not number and task.scene_id:
        before = "There are no frames; the place is known to the scene tool."
    return Prompt("\n\n".join(system), before, "\n".join(after))


def opening(prompt: Prompt, task: Task, brief: PlannerInput, max_images: int) -> list[Message]:
    """The system message and the user message that open a conversation.

    When there are more frames than the model takes, evenly spaced ones are shown, a quarter of the
    room is left for what tools will show, and the other frames are named.
    """
    handles = brief.frame_handles or tuple(f"frame_{frame.index}" for frame in task.frames)
    room = max_images - max_images // 4 if brief.tools else max_images
    shown = _evenly(len(task.frames), min(room, max_images))
    frames: list[tuple[Part, ...]] = []
    for position, (handle, frame) in enumerate(zip(handles, task.frames, strict=True)):
        if position in shown:
            picture = Picture(handle, frame.image, original=True)
            frames.append(labelled([picture]) if prompt.named else (picture,))
        else:
            frames.append((f"{handle} (not shown)",) if prompt.named else ())
    parts = tuple(part for part in (prompt.before, *_placed(frames, prompt.after)) if part)
    first = [Message("system", (prompt.system,))] if prompt.system else []
    return [*first, Message("user", parts)]


def _placed(frames: Sequence[tuple[Part, ...]], text: str) -> list[Part]:
    """The frames before the text, or within it where it has a place for each of them."""
    pieces = text.split(PLACE)
    if not frames or len(pieces) != len(frames) + 1:
        return [*(part for frame in frames for part in frame), text]
    parts: list[Part] = [pieces[0].strip()]
    for frame, piece in zip(frames, pieces[1:], strict=True):
        parts += [*frame, piece.strip()]
    return parts


def _evenly(number: int, room: int) -> set[int]:
    """At most ``room`` of ``number`` positions, evenly spaced from the first to the last."""
    if number <= room:
        return set(range(number))
    if room <= 1:
        return set(range(room))
    return {round(i * (number - 1) / (room - 1)) for i in range(room)}

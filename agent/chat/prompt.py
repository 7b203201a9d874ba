"""What a chat model is told about a task.

A profile turns a task and a brief into a system text, a text before the frames and one after
them. `agent_prompt` is the default; benchmarks bring the published wordings as profiles of their
own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from agent.chat.messages import Message, Picture, labelled
from agent.planner import Brief
from scenes.tasks import AnswerKind, Task


@dataclass(frozen=True, slots=True)
class Prompt:
    """The fixed texts of an episode; ``named`` frames are labelled with their handles."""

    system: str
    before: str
    after: str
    named: bool = True


Profile: TypeAlias = Callable[[Task, Brief, str], Prompt]
"""Called with the task, the brief and the dialect's instructions."""

_ROLE = (
    "You answer questions about a real place from frames of a video of it. Estimate nothing that "
    "a tool can measure: results state units, frame and confidence. World coordinates are metres "
    "with z up. Frames, masks, clouds and objects are addressed by their handles, such as frame_3."
)

_FORMS = {
    AnswerKind.NUMBER: "Answer with one number{unit} and nothing else.",
    AnswerKind.CHOICE: "Answer with the letter of the right option and nothing else.",
    AnswerKind.TEXT: "Answer with a short phrase.",
    AnswerKind.BOXES: "Answer with the handles of all objects that match, separated by commas.",
    AnswerKind.MASK: "Answer with the handle of the mask or object that matches.",
    AnswerKind.ACTION: "Answer with the actions, one per line.",
}


def agent_prompt(task: Task, brief: Brief, dialect: str) -> Prompt:
    """The profile for models that work with tools."""
    system = [_ROLE, dialect]
    for skill in brief.skills:
        system.append(f"# Skill: {skill.name}\n{skill.text.strip()}")
    unit = f" in {task.unit}" if task.unit else ""
    after = [f"Question: {task.question}"]
    if task.options:
        after.append("Options:\n" + "\n".join(task.options))
    after.append(_FORMS[task.answer_kind].format(unit=unit))
    number = len(task.frames)
    before = f"{number} frames of a video, in order of time." if number else ""
    if not number and task.scene_id:
        before = "There are no frames; the place is known to the scene tool."
    return Prompt("\n\n".join(system), before, "\n".join(after))


def opening(prompt: Prompt, task: Task, brief: Brief, *, images: bool) -> list[Message]:
    """The system message and the user message that open a conversation."""
    handles = brief.frame_handles or tuple(f"frame_{f.index}" for f in task.frames)
    frames = [
        Picture(handle, frame.image, original=True)
        for handle, frame in zip(handles, task.frames, strict=True)
    ]
    shown = labelled(frames) if prompt.named else tuple(frames)
    parts = (prompt.before, *(shown if images else ()), prompt.after)
    first = [Message("system", (prompt.system,))] if prompt.system else []
    return [*first, Message("user", tuple(part for part in parts if part))]

"""Wordings of EASI-8 and beside it as VLMEvalKit asks them (EASI 0c1a41e), most after the papers.

Pictures stand where the text has ``<image>``, else before it. There is no system message.
"""

from __future__ import annotations

import re
from typing import Final

from surveyor.agent.chat.prompt import PLACE
from surveyor.core.tasks import AnswerKind, Task

BEST: Final = "Give me the answer letter directly. The best answer is:"
SELECT: Final = "Please select the correct answer from the options above. \n"
OF_VIDEO: Final = (
    "Select the best answer to the following multiple-choice question based on the video. "
    "Respond with only the letter of the correct option."
)
MINDCUBE: Final = (
    "[Task]\nYour task is to analyze the spatial arrangement of objects in the scene by examining "
    "the provided images, which show the scene from different viewpoints.\n[Answer Instruction]\n"
    "You only need to provide *ONE* correct answer selecting from the options listed below. For "
    "example, if you think the correct answer is 'A. Above' from 'A. Above B. Under C. Front D. "
    "Behind', your response should **only** be '<answer>A. Above</answer>'.\n[Question]\n"
)
SINGLE: Final = "Please answer the question using a single word or phrase."
LETTER: Final = "Answer with the option's letter from the given choices directly."
BOXES: Final = (
    "The values represent the bounding box coordinates normalized to a 0-1000 scale, with the "
    "top-left corner as the origin of the image."
)
POINTS: Final = (
    "Output the point coordinates in JSON format.\nFor example:\n[\n"
    '  {"point_2d": [x, y], "label": "point_1"}\n]\n'
)
OMNISPATIAL: Final = """
You are a spatial-reasoning assistant.

Task
-----
You will receive
1. **Image** - a single RGB frame depicting a scene.
2. **Question** - a natural-language query about spatial relationships between objects in the image.
3. **Options** - ≥2 answer candidates, each tagged by a capital letter (A, B, C, D…).

Guidelines
----------
Please follow these steps to analyze the image and answer the question:
1. First, carefully observe the image and identify all relevant objects and their spatial \
relationships.
2. Next, break down the question into key components that need to be addressed.
3. Think through the spatial reasoning step-by-step to arrive at your answer. It may be necessary \
to transfer perspective to better understand the scene.
4. Finally, select the most appropriate option (A, B, C, or D) based on your analysis.

Always ground your answer in the visual evidence; do not hallucinate unseen objects.
If uncertain, pick the most plausible option—never refuse or reply “insufficient information.”


End your answer with a separate line formatted exactly as:

Answer: X
where X ∈ {A, B, C, D}.


"""


def mindcube(task: Task) -> str:
    """The authors' raw question, unless the row brought a prompt with places for its pictures."""
    return task.question if PLACE in task.question else MINDCUBE + task.question


def viewspatial(task: Task) -> str:
    """Question, choices, and a line that asks for the option alone."""
    choices = "\n".join(task.options)
    return (
        f"Question: {task.question}\nChoices: {choices}\n"
        "Reply only to the corresponding option.\nAnswer:"
    )


def best_letter(task: Task) -> str:
    """SITE's pictures and EmbSpatial-Bench: question, options, the letter directly."""
    return "\n".join((f"Question: {task.question}", "Options:", *task.options, BEST))


def site(task: Task) -> str:
    """SITE; rows of a video begin with a line of their own."""
    text = best_letter(task)
    return f"{OF_VIDEO}\n{text}" if task.id.startswith("video_") else text


def selected(task: Task) -> str:
    """3DSRBench and BLINK: options as ``A. text``, and a request to select."""
    options = [re.sub(r"^\(([A-J])\) ", r"\1. ", option) for option in task.options]
    return "\n".join((f"Question: {task.question}", "Options:", *options, SELECT))


def spar(task: Task) -> str:
    """SPAR-Bench: one word for numbers, the letter for choices, nothing for the action vector."""
    if task.answer_kind is AnswerKind.NUMBER:
        return f"\n{task.question}\n{SINGLE}"
    if task.answer_kind is AnswerKind.TEXT:
        return f"\n{task.question}\n\n"
    boxes = task.question_type in ("position_matching", "camera_motion_infer")
    return f"\n{task.question}\n{BOXES if boxes else ''}\n{LETTER}"


def omnispatial(task: Task) -> str:
    """The authors' step-by-step text and answer line before question and options."""
    return OMNISPATIAL + "\n".join((task.question, *task.options))


def robospatial(task: Task) -> str:
    """Points as JSON; yes and no as the row asks."""
    if task.answer_kind is not AnswerKind.POINTS:
        return task.question
    asked = task.question.split("Your answer should")[0].strip()
    return f"{asked}\n\n{POINTS}"

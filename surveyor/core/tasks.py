"""What an agent is asked. There is no field here for the answer, and there must never be one."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from surveyor.core.cameras import Frame
from surveyor.core.renamed import reads_old

PHOTOS: Final = "photos"
"""The frame rule of pictures that are no film: nothing is to be read from their order."""


class AnswerKind(StrEnum):
    """The form in which an answer is wanted."""

    NUMBER = "number"
    CHOICE = "choice"
    TEXT = "text"
    BOXES = "boxes"
    MASK = "mask"
    ACTION = "action"
    POINTS = "points"


class Task(BaseModel):
    """One question about one scene.

    ``id`` is unique in its dataset; ``scene_id`` and ``split`` travel with it so that leaks between
    training and test scenes can be refused. ``question_type`` is the benchmark's own name.
    ``options`` are the printed choices ("A. left"). ``frames`` may be empty when the scene is
    only known to a `scene` expert by ``scene_id``.

    >>> import surveyor
    >>> hasattr(next(surveyor.load_dataset("out/rooms").tasks()), "answer")
    False
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    _old = reads_old(suite="dataset")

    id: str
    dataset: str
    scene_id: str
    split: str = "test"
    question_type: str
    question: str
    options: tuple[str, ...] = ()
    answer_kind: AnswerKind
    unit: str | None = None
    frames: tuple[Frame, ...] = ()
    frame_rule: str = "all"

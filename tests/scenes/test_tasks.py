"""The agent's input has no room for the answer."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from surveyor.core.tasks import AnswerKind, Task
from surveyor.scenes.targets import Target

TASK = {
    "id": "q1",
    "dataset": "rooms",
    "scene_id": "room-1",
    "question_type": "object_counting",
    "question": "How many chair(s) are in this room?",
    "answer_kind": AnswerKind.NUMBER,
}


@pytest.mark.parametrize("name", ["answer", "ground_truth", "margin", "proof", "conditions"])
def test_a_task_refuses_what_belongs_to_the_target(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Task.model_validate(TASK | {name: "3"})


def test_tasks_and_targets_share_no_field_but_what_the_question_prints() -> None:
    shared = set(Task.model_fields) & set(Target.model_fields)
    assert shared == {"question_type", "options"}


def test_records_are_frozen() -> None:
    task = Task.model_validate(TASK)
    with pytest.raises(ValidationError, match="frozen"):
        task.question = "What?"  # type: ignore[misc]

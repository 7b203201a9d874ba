"""What `surveyor rooms` needs beyond the room builders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from benchmarks.run.config import first_problem
from memory.errors import UserError
from scenes.audit import AuditRow, audit
from scenes.questions.draft import Question
from scenes.suite import Suite
from scenes.suite_rooms import RoomsSettings
from scenes.suite_truth import targets


def settings_of(**given: object) -> RoomsSettings:
    """Validated settings; `UserError` names the one that is wrong."""
    try:
        return RoomsSettings.model_validate(given)
    except ValidationError as error:
        raise UserError(f"rooms: {first_problem(error)}") from None


def blind_rows(suite: Path) -> Sequence[AuditRow]:
    """The blind audit of a suite's questions."""
    answers = {target.task_id: target for target in targets(suite)}
    return audit([Question(task, answers[task.id]) for task in Suite.open(suite).tasks()])

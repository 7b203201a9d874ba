"""The chat distiller: a model words the same findings; its input and output are stored.

The model writes prose only. Scope, workflow and provenance come from the finding, so nothing it
says changes what a planner executes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from surveyor.core.errors import InfrastructureError
from surveyor.skills.distil.base import Prose
from surveyor.skills.distil.findings import Finding
from surveyor.skills.distil.lessons import Lesson
from surveyor.skills.distil.wording import fallbacks, scope_text, steps, suffices
from surveyor.skills.documents import SECTIONS
from surveyor.skills.entries import StoredSkill
from surveyor.skills.provenance import digest

Ask = Callable[[str], str]
"""A model: prompt in, text out; raises `InfrastructureError` when it cannot be reached."""

Trajectories = Callable[[Finding], Sequence[str]]
"""Episodes behind a finding as `surveyor.skills.distil.trajectories` tells them."""

ATTEMPTS = 2

_TASK = """You write one page of instructions for an agent that answers spatial questions by
measuring. The evidence below was measured; do not add numbers or claims that are not in it, and do
not change the workflow. Answer with one JSON object and nothing else: {"title": ...,
"description": ..., "when_to_use": ..., "workflow": ..., "evidence_that_suffices": ...,
"stop_rules": ..., "fallbacks": ..., "lessons": [...]}. "description" says in at most 300 characters
what the skill does and when to use it. "workflow" are numbered steps."""


def _none(_finding: Finding) -> Sequence[str]:
    return ()


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=3, max_length=120)
    description: str = Field(min_length=20, max_length=1024)
    when_to_use: str = Field(min_length=10)
    workflow: str = Field(min_length=10)
    evidence_that_suffices: str = Field(min_length=3)
    stop_rules: str = Field(min_length=3)
    fallbacks: str = Field(min_length=3)
    lessons: tuple[str, ...] = ()


class ChatDistiller:
    """``ask`` is the model, ``model`` its name, ``archive`` where prompts and replies are kept.

    A prompt that was answered before is answered from the archive, so a resumed evolution gets
    the same words.
    """

    def __init__(
        self, ask: Ask, model: str, archive: Path, trajectories: Trajectories = _none
    ) -> None:
        self.name = f"chat-2 {model}"
        self._ask = ask
        self._archive = archive
        self._trajectories = trajectories

    def word(
        self, finding: Finding, parent: StoredSkill | None, lessons: Sequence[Lesson]
    ) -> Prose | None:
        """The model's prose; ``None`` after two replies that are no such object."""
        prompt = prompt_for(finding, parent, lessons, self._trajectories(finding))
        for attempt in range(ATTEMPTS):
            prose = _prose(self._reply(prompt, attempt))
            if prose is not None:
                return prose
        return None

    def _reply(self, prompt: str, attempt: int) -> str:
        key = digest([self.name, prompt, str(attempt)])[:24]
        file = self._archive / f"{key}.json"
        if file.exists():
            stored: str = json.loads(file.read_text())["reply"]
            return stored
        reply = self._ask(prompt)
        record = {"distiller": self.name, "attempt": attempt, "prompt": prompt, "reply": reply}
        try:
            self._archive.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(".part")
            part.write_text(json.dumps(record, indent=1))
            part.replace(file)
        except OSError as error:
            raise InfrastructureError(f"cannot keep the distiller's input: {error}") from error
        return reply


def prompt_for(
    finding: Finding,
    parent: StoredSkill | None,
    lessons: Sequence[Lesson],
    trajectories: Sequence[str] = (),
) -> str:
    """What the model is shown: the evidence that the rules distiller words, and what was done."""
    evidence = {
        "applies to": scope_text(finding.scope),
        "rooms": finding.rooms,
        "paired episodes": len(finding.episodes),
        "score": {"before": round(finding.score_before, 3), "now": round(finding.score, 3)},
        "priced seconds": {"before": round(finding.cost_before, 2), "now": round(finding.cost, 2)},
        "failures of the new way": finding.causes,
        "lessons": [lesson.text for lesson in lessons],
    }
    parts = [
        _TASK,
        "## Evidence\n" + json.dumps(evidence, indent=1, sort_keys=True),
        "## Workflow\n" + steps(finding.workflow),
        suffices(finding.workflow),
        fallbacks(finding.workflow),
    ]
    if trajectories:
        parts.append("## What was done, in a few of the episodes\n" + "\n\n".join(trajectories))
    if parent is not None:
        parts.append("## The skill that this one revises\n" + parent.document.text)
    return "\n\n".join(parts)


def _prose(reply: str) -> Prose | None:
    start, end = reply.find("{"), reply.rfind("}")
    try:
        written = _Written.model_validate_json(reply[start : end + 1])
    except ValidationError:
        return None
    texts = (
        written.when_to_use,
        written.workflow,
        written.evidence_that_suffices,
        written.stop_rules,
        written.fallbacks,
        "\n".join(f"- {' '.join(line.split())}" for line in written.lessons),
    )
    if any("```" in text or "\n## " in f"\n{text}" for text in texts):
        return None  # prose must not smuggle in another block or section
    description = " ".join(written.description.split())
    return Prose(written.title, description, dict(zip(SECTIONS, texts, strict=True)))

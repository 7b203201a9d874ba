"""How a workflow is brought to a planner: the program executes it, a chat model reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from surveyor.agent.planner import Planner
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.skills.distil.wording import fallbacks, steps, stops, suffices
from surveyor.skills.documents import SkillDocument, compose
from surveyor.skills.entries import RetrievedSkill
from surveyor.skills.workflow import Workflow


class ProgramStyle:
    """Every workflow by a planner of its own; no skill is shown, because none would be read."""

    def skill(self, workflow: Workflow) -> None:
        """Nothing."""

    def planner(self, workflow: Workflow) -> Planner:
        """The program planner that looks this way."""
        return ProgramPlanner(workflow)

    def teach(self, documents: Mapping[str, SkillDocument]) -> None:
        """Wording changes nothing here."""


@dataclass(slots=True)
class ReadingStyle:
    """One planner that reads. The default workflow stands for no skill at all; others are worded
    for any question until they are taught, and then read as they would stand in the library."""

    chat: Planner
    default: Workflow
    _known: dict[str, SkillDocument] = field(default_factory=dict)

    def skill(self, workflow: Workflow) -> RetrievedSkill | None:
        """The skill in the prompt."""
        if workflow == self.default and workflow.key not in self._known:
            return None
        document = self._known.get(workflow.key) or in_words(workflow)
        return RetrievedSkill(document.name, document.version, document.text, document.workflow)

    def planner(self, workflow: Workflow) -> Planner:
        """The model, which will do what it makes of the skill."""
        return self.chat

    def teach(self, documents: Mapping[str, SkillDocument]) -> None:
        """Read these from now on."""
        self._known.update(documents)


def in_words(workflow: Workflow) -> SkillDocument:
    """A workflow as a skill for any question, before there is any evidence about it."""
    return compose(
        f"how-to-look-{workflow.key}",
        "How to gather evidence for any question about a place. Use for every question.",
        {"origin": "arm"},
        "How to look",
        {
            "When to use": "For every question.",
            "Workflow": steps(workflow),
            "Evidence that suffices": suffices(workflow),
            "Stop rules": stops(workflow),
            "Fallbacks": fallbacks(workflow),
            "Lessons": "",
        },
        workflow,
    )

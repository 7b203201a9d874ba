"""The rules distiller: deterministic prose from findings, no model."""

from __future__ import annotations

from collections.abc import Sequence

from surveyor.skills.distil.base import Prose
from surveyor.skills.distil.findings import Finding
from surveyor.skills.distil.lessons import Lesson
from surveyor.skills.distil.wording import fallbacks, scope_text, steps, stops, suffices
from surveyor.skills.entries import StoredSkill
from surveyor.skills.workflow import Workflow

MAX_LESSONS = 8


class RulesDistiller:
    """Keeps what the parent skill says of *what* to do, and says anew *how to look*."""

    name = "rules-1"

    def word(
        self, finding: Finding, parent: StoredSkill | None, lessons: Sequence[Lesson]
    ) -> Prose | None:
        """Prose with the numbers of the evidence in it."""
        scope = scope_text(finding.scope)
        inherited = parent.document.sections if parent else {}
        purpose = inherited.get("When to use", "").strip()
        narrowed = f"For {scope}."
        when = f"{narrowed}\n\n{_without_scope(purpose)}" if purpose else narrowed
        description = f"Gather evidence for {scope}, the way that measured best."
        if parent:
            description = f"{parent.document.description} Revised from measured episodes: {scope}."
        return Prose(
            title=f"{scope[:1].upper()}{scope[1:]}",
            description=description[:1024],
            sections={
                "When to use": when,
                "Workflow": steps(finding.workflow),
                "Evidence that suffices": suffices(finding.workflow),
                "Stop rules": _stops(finding.workflow, inherited.get("Stop rules", "").strip()),
                "Fallbacks": fallbacks(finding.workflow),
                "Lessons": "\n".join(f"- {line}" for line in _lessons(finding, parent, lessons)),
            },
        )


def _stops(workflow: Workflow, inherited: str) -> str:
    """The workflow's own rule, and otherwise what the parent says."""
    return inherited if inherited and workflow.stop is None else stops(workflow)


def _without_scope(purpose: str) -> str:
    """The parent's purpose without the scope line that an earlier distillation put in front."""
    head, _, rest = purpose.partition("\n\n")
    return rest.strip() if head.startswith("For ") and head.endswith(".") and rest else purpose


def _lessons(
    finding: Finding, parent: StoredSkill | None, lessons: Sequence[Lesson]
) -> tuple[str, ...]:
    evidence = (
        f"Measured over {finding.rooms} rooms and {len(finding.episodes)} paired episodes: score"
        f" {finding.score_before:.3f} before, {finding.score:.3f} now, at {finding.cost_before:.1f}"
        f" s before and {finding.cost:.1f} s now of priced expert time."
    )
    fresh = [evidence, *(lesson.text for lesson in lessons)]
    kept = [
        line
        for line in (parent.document.lessons if parent else ())
        if not line.startswith("Measured over") and " episodes" not in line
    ]
    return tuple(dict.fromkeys([*fresh, *kept]))[:MAX_LESSONS]

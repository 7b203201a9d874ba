"""What every distiller gives: candidates, each a document with provenance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from surveyor.skills.distil.findings import Finding
from surveyor.skills.distil.lessons import Lesson
from surveyor.skills.distil.wording import slug
from surveyor.skills.documents import SkillDocument, compose
from surveyor.skills.entries import StoredSkill
from surveyor.skills.provenance import Origin, Provenance, digest
from surveyor.skills.workflow import Evidence, Join, MetricScale, Restore, Workflow

_FEW_KINDS = 3  # more question types than these are counted in a name, not listed
_LONGEST = 64  # characters of a name, by the Agent Skills rules


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that wants to enter the library, and the finding behind it."""

    document: SkillDocument
    provenance: Provenance
    finding: Finding


@dataclass(frozen=True, slots=True)
class Prose:
    """The parts of a document that a distiller words; the workflow block is never its to change."""

    title: str
    description: str
    sections: dict[str, str]


class Distiller(Protocol):
    """Words findings; the same input must give the same text."""

    @property
    def name(self) -> str: ...

    def word(
        self, finding: Finding, parent: StoredSkill | None, lessons: Sequence[Lesson]
    ) -> Prose | None:
        """Prose for a finding, or ``None`` when no usable prose could be had."""
        ...


def candidates(
    distiller: Distiller,
    findings: Sequence[Finding],
    active: Sequence[StoredSkill],
    lessons: dict[str, tuple[Lesson, ...]],
) -> tuple[Candidate, ...]:
    """One candidate per finding that isn't in the library already, in order of findings."""
    known = {s.document.version for s in active}
    made: dict[str, Candidate] = {}
    for finding in findings:
        parent = parent_of(finding, active)
        prose = distiller.word(finding, parent, lessons.get(finding.workflow.key, ()))
        if prose is None:
            continue
        candidate = _candidate(distiller.name, finding, parent, prose)
        version = candidate.document.version
        if version not in known:
            made.setdefault(version, candidate)
    return tuple(made.values())


def parent_of(finding: Finding, active: Sequence[StoredSkill]) -> StoredSkill | None:
    """The active skill that this finding would improve: of its types, with like conditions."""
    kin = [
        s
        for s in active
        if s.document.scope.question_types
        and set(finding.scope.question_types) <= set(s.document.scope.question_types)
        and s.document.scope.conditions in ((), finding.scope.conditions)
    ]
    kin.sort(
        key=lambda s: (
            s.document.scope.conditions != finding.scope.conditions,
            len(s.document.scope.question_types),
            s.ref,
        )
    )
    return kin[0] if kin else None


def skill_name(finding: Finding, parent: StoredSkill | None) -> str:
    """The parent's name for a new version of it, an extended one for a special case of it, and
    one of its own where the kinds of question are others than any parent's."""
    kinds = finding.scope.question_types
    if parent is not None and parent.document.scope.question_types == kinds:
        base = parent.document.name
        if parent.document.scope == finding.scope:
            return base
    elif len(kinds) > _FEW_KINDS:
        base = f"{len(kinds)}-kinds-of-question-{digest(kinds)[:4]}"
    else:
        base = "-".join(kinds) or "any"
    parts = [re.sub(r"[^a-z0-9]+", "-", base.lower()), *map(slug, finding.scope.conditions)]
    name = "-".join(parts)
    if len(name) > _LONGEST:
        name = f"{name[: _LONGEST - 5].strip('-')}-{digest([finding.scope.key])[:4]}"
    return name.strip("-")


def tools_of(workflow: Workflow) -> tuple[str, ...]:
    """Experts that a workflow asks."""
    if workflow.join is Join.TABLE:
        return ("scene",)
    used = ["detect"]
    if workflow.evidence is Evidence.MASKS:
        used.append("segment")
    joins = {workflow.join} | ({workflow.fallback.join} if workflow.fallback else set())
    metric = workflow.scale is MetricScale.DEPTH and workflow.join is Join.FUSE
    if metric or Join.VOTE in joins or Join.BEST in joins:
        used.append("depth")
    if Join.FUSE in joins:
        used.append("reconstruct")
    if workflow.restore is not Restore.NONE:
        used.append("restore")
    return tuple(used)


def _candidate(
    distiller: str, finding: Finding, parent: StoredSkill | None, prose: Prose
) -> Candidate:
    metadata = {
        "origin": "distilled",
        "distiller": distiller,
        "question-types": " ".join(finding.scope.question_types),
        "tools": " ".join(tools_of(finding.workflow)),
    }
    if finding.scope.conditions:
        metadata["scene"] = finding.scope.scene_text
    document = compose(
        skill_name(finding, parent),
        prose.description,
        metadata,
        prose.title,
        prose.sections,
        finding.workflow,
    )
    provenance = Provenance(
        origin=Origin.DISTILLED,
        distiller=distiller,
        parents=(parent.ref,) if parent else (),
        episodes=finding.episodes,
        scenes=finding.scenes,
        splits=finding.splits,
    )
    return Candidate(document, provenance, finding)

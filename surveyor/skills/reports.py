"""What `surveyor skills` shows: typed rows and plain text, nothing printed here."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from surveyor.core.wording import many
from surveyor.skills.attribution import Worth
from surveyor.skills.entries import LedgerRow, StoredSkill
from surveyor.skills.gate import Comparison
from surveyor.skills.provenance import Origin, Status
from surveyor.skills.store import SkillStore


class SkillRow(BaseModel):
    """One line of `skills list`. ``lift`` is the lower bound of the gate, 0 if never measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    status: Status
    origin: Origin
    scope: str
    workflow: str
    lift: float
    tokens: int


def list_rows(store: SkillStore, status: Status | None = Status.ACTIVE) -> tuple[SkillRow, ...]:
    """Versions of a status (all versions, when ``None``), by name and age."""
    return tuple(
        SkillRow(
            name=s.document.name,
            version=s.document.version,
            status=s.status,
            origin=s.provenance.origin,
            scope=s.document.scope.key,
            workflow=s.document.workflow.key if s.document.workflow else "",
            lift=s.lift,
            tokens=s.document.tokens,
        )
        for s in store.skills(status)
    )


def show(store: SkillStore, name: str) -> str:
    """A skill's document with its standing above it; untrusted text says so first."""
    skill = store.find(name)
    head = [f"{skill.ref}  {skill.status}  {skill.provenance.origin}"]
    if skill.status is Status.UNTRUSTED:
        head.append("UNTRUSTED: written by others, shown as it is, never executed.")
    if skill.provenance.parents:
        head.append("parents: " + ", ".join(skill.provenance.parents))
    if skill.provenance.episodes:
        count, scenes = len(skill.provenance.episodes), len(skill.provenance.scenes)
        head.append(f"evidence: {many(count, 'episode')} on {many(scenes, 'scene')}")
    head.extend(ledger_line(row) for row in store.ledger(skill.document.name))
    return "\n".join([*head, "", skill.document.text])


def ledger_line(row: LedgerRow) -> str:
    """One line of a skill's history."""
    text = f"#{row.seq} round {row.round} {row.version[:8]} {row.action}"
    reason = row.detail.get("reason")
    lift = row.detail.get("lift")
    if isinstance(lift, int | float):
        rooms = row.detail.get("rooms")
        text += f": lift {lift:+.3f} over {rooms} rooms"
    return text + (f" ({reason})" if reason else "")


def diff(store: SkillStore, old: str, new: str) -> str:
    """Unified difference of two documents, by name or ``name@version``."""
    first, second = store.find(old), store.find(new)
    lines = difflib.unified_diff(
        first.document.text.splitlines(),
        second.document.text.splitlines(),
        first.ref,
        second.ref,
        lineterm="",
    )
    return "\n".join(lines) or f"{first.ref} and {second.ref} are the same"


def worth_text(row: Worth) -> str:
    """What one skill is worth, a few lines: what isn't known yet says so."""
    lines = [f"{row.name}@{row.version}  {row.status}  used in {many(row.uses, 'episode')}"]
    if row.lift is None:
        lines.append("  lift: never judged; `surveyor evolve` and `surveyor skills gate` judge")
    else:
        ends = "" if row.low is None else f" [{row.low:+.3f}, {row.high:+.3f}]"
        lines.append(f"  lift {row.lift:+.3f}{ends} utility over {many(row.rooms, 'room')}")
        lines.append(
            f"  with / without it: score {row.score_with:.3f} / {row.score_without:.3f}, "
            f"{row.cost_with:.2f} / {row.cost_without:.2f} priced s, "
            f"effective calls {row.effective_with:.0%} / {row.effective_without:.0%}"
        )
    lines.extend(f"  lesson: {lesson}" for lesson in row.lessons)
    return "\n".join(lines)


def verdict_line(what: str, found: Comparison) -> str:
    """A comparison in one line."""
    ends = "" if found.lower is None else f" [{found.lower:+.3f}, {found.upper:+.3f}]"
    return (
        f"{what}: lift {found.lift:+.3f}{ends}, {many(found.tasks, 'task')} in "
        f"{many(found.rooms, 'room')}; "
        f"score {found.score_with:.3f} against {found.score_without:.3f}, "
        f"{found.cost_with:.2f} against {found.cost_without:.2f} priced s; {found.reason}"
    )


def lineage(store: SkillStore, name: str) -> str:
    """The versions of a skill and where each came from, indented by descent."""
    everything = {s.ref: s for s in store.skills(None)}
    roots = [s for s in everything.values() if s.document.name == name]
    if not roots:
        return show(store, name)
    children: dict[str, list[StoredSkill]] = {}
    for skill in everything.values():
        for parent in skill.provenance.parents:
            children.setdefault(parent, []).append(skill)
    tops = [s for s in roots if not set(s.provenance.parents) & set(everything)]
    return "\n".join(_branch(tops or roots[:1], children, 0))


def _branch(
    skills: Sequence[StoredSkill], children: dict[str, list[StoredSkill]], depth: int
) -> list[str]:
    lines: list[str] = []
    for skill in skills:
        lines.append(f"{'  ' * depth}{skill.ref}  {skill.status}  lift {skill.lift:+.3f}")
        lines.extend(_branch(children.get(skill.ref, []), children, depth + 1))
    return lines

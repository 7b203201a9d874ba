"""The skills that an episode has at hand, for tools that carry one out."""

from __future__ import annotations

from contextvars import ContextVar

from surveyor.core.errors import ModelMistake
from surveyor.skills.entries import RetrievedSkill
from surveyor.skills.workflow import PLAIN, TABLE, WORKFLOWS, Workflow

at_hand: ContextVar[tuple[RetrievedSkill, ...]] = ContextVar("at_hand", default=())
"""Set by the loop for each episode."""


def workflow_of(name: str | None, *, frames: bool) -> tuple[str, Workflow]:
    """Name and workflow of a skill: of the best one retrieved when none is named.

    Places without ``frames`` are looked up in their table. `ModelMistake` lists what there is.
    """
    known = {skill.name: skill.workflow for skill in at_hand.get() if skill.workflow is not None}
    if not frames:
        return "table", TABLE
    if name is None:
        return next(iter(known.items()), ("plain", PLAIN))
    offered = known | {key: flow for key, flow in WORKFLOWS.items() if flow is not TABLE}
    if name not in offered:
        raise ModelMistake(f"there is no skill {name!r} to look by; choose: {', '.join(offered)}")
    return name, offered[name]

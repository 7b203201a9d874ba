"""Rollouts: finished episodes as evidence about workflows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from surveyor.core.renamed import reads_old
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.workflow import Workflow


class Cause(StrEnum):
    """Why an episode scored low. An outage is nobody's fault and teaches nothing about skills."""

    NONE = "none"
    OUTAGE = "tool outage"
    MISSED_OBJECT = "missed object"
    UNUSABLE_IMAGE = "unusable image"
    WRONG_VIEW = "wrong view"
    WRONG_SCALE = "wrong scale"
    IGNORED_EVIDENCE = "ignored evidence"
    REDUNDANT_CALLS = "redundant calls"
    UNKNOWN = "unknown"


class Rollout(BaseModel):
    """One task done one way, as its log tells it.

    ``room`` clusters scenes that are the same place filmed differently. ``answer`` is what was
    said, ``score`` in 0..1, ``cost`` in priced seconds. ``calls`` and ``effective`` count tool
    calls, ``model_calls`` requests to a model that cost ``dollars`` (``None``: unknown).
    ``incomplete`` ones ended in an outage: they are neither right nor wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    _old = reads_old(owed="incomplete", card="profile")

    task_id: str
    scene_id: str
    room: str
    split: str = "train"
    profile: SceneProfile
    workflow: Workflow
    score: float = Field(ge=0, le=1)
    cost: float = Field(ge=0)
    calls: int = 0
    effective: int = 0
    answer: str | None = None
    model_calls: int = 0
    dollars: float | None = None
    incomplete: bool = False
    cause: Cause = Cause.NONE

    @property
    def key(self) -> str:
        """Names the episode: task and workflow."""
        return f"{self.task_id}|{self.workflow.key}"

    def utility(self, price: float) -> float:
        """Score minus priced seconds; ``price`` is score points (0..1) per second."""
        return self.score - price * self.cost


Table = Mapping[tuple[str, str], Rollout]
"""Rollouts by (task id, workflow key)."""


def table(rollouts: Iterable[Rollout]) -> dict[tuple[str, str], Rollout]:
    """Settled rollouts by task and workflow; incomplete ones are left out."""
    return {(t.task_id, t.workflow.key): t for t in rollouts if not t.incomplete}

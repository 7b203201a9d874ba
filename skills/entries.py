"""Rows of the skill store as the rest of the package sees them."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, JsonValue

from skills.documents import SkillDocument
from skills.provenance import Provenance, Status
from skills.scope import Scope


class Entry(BaseModel):
    """What re-ranking needs to know of a skill version, without its text.

    ``workflow`` is the key of its workflow; ``looks`` is False when that needs no frames. ``lift``
    is the lower confidence bound of the utility lift at the gate, 0 when it was never measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: int
    name: str
    version: str
    status: Status
    scope: Scope
    tools: tuple[str, ...]
    tokens: int
    workflow: str
    looks: bool = True
    lift: float = 0.0


@dataclass(frozen=True, slots=True)
class StoredSkill:
    """A version with its document and history."""

    id: int
    document: SkillDocument
    provenance: Provenance
    status: Status
    lift: float

    @property
    def ref(self) -> str:
        """``name@version``."""
        return f"{self.document.name}@{self.document.version}"


class LedgerRow(BaseModel):
    """One line of the append-only ledger. ``round`` is the round of evolution, 0 outside one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: int
    round: int
    name: str
    version: str
    action: str
    status: Status | None
    lift: float | None
    detail: dict[str, JsonValue]

"""Rows of the skill store as the rest of the package sees them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, JsonValue

from surveyor.skills.documents import SkillDocument
from surveyor.skills.provenance import Provenance, Status
from surveyor.skills.scope import Comparison, Condition, Scope
from surveyor.skills.workflow import Workflow


class Entry(NamedTuple):
    """What re-ranking needs to know of a skill version, without its text.

    ``workflow`` is the key of its workflow; ``looks`` is False when that needs no frames. ``lift``
    is the lower confidence bound of the utility lift at the gate, 0 when it was never measured.
    """

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
class RetrievedSkill:
    """A skill as a planner gets it: text to read, and the workflow to execute.

    ``workflow`` is ``None`` where the skill is worth reading but was made for other questions.
    """

    name: str
    version: str
    text: str
    workflow: Workflow | None = None


def write_entry(entry: Entry) -> str:
    """An entry as its row holds it."""
    scope = entry.scope.model_dump(mode="json")
    return orjson.dumps({**entry._asdict(), "scope": scope}).decode()


def read_entry(row: int, text: str, status: str, lift: float) -> Entry:
    """An entry from its row.

    It was validated when it was written and can't have changed since (versions are immutable), and
    a library reads thousands: building it plainly takes a tenth of the time.
    """
    fields = orjson.loads(text)
    scope = fields["scope"]
    conditions = tuple([(c["measure"], c["comparison"], c["bound"]) for c in scope["conditions"]])
    return Entry(
        row,
        fields["name"],
        fields["version"],
        _STATUS[status],
        _scope(tuple(scope["question_types"]), conditions),
        tuple(fields["tools"]),
        fields["tokens"],
        fields["workflow"],
        fields["looks"],
        lift,
    )


@lru_cache(maxsize=4096)
def _scope(kinds: tuple[str, ...], conditions: tuple[tuple[str, Comparison, float], ...]) -> Scope:
    """Many skills share a scope; each is built once."""
    built = tuple(Condition(measure=m, comparison=c, bound=b) for m, c, b in conditions)
    return Scope(question_types=kinds, conditions=built)


_STATUS = {status.value: status for status in Status}


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

"""What each skill is worth: uses counted from logs, lift and costs from the gate's ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from surveyor.memory.episodes import Episode
from surveyor.skills.entries import LedgerRow, StoredSkill
from surveyor.skills.gate import Comparison
from surveyor.skills.provenance import Status
from surveyor.skills.store import SkillStore

_ADDED = {"promoted", "kept"}
_TAKEN_AWAY = {"stays", "retired"}


class Worth(BaseModel):
    """One skill of `skills report`.

    ``lift`` with ``low`` and ``high`` is utility with the skill less utility without it, by the
    last gate that compared it; ``None`` where none did. ``uses`` counts episodes in which it was
    shown or executed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    status: Status
    uses: int
    lift: float | None = None
    low: float | None = None
    high: float | None = None
    rooms: int = 0
    score_with: float | None = None
    score_without: float | None = None
    cost_with: float | None = None
    cost_without: float | None = None
    effective_with: float | None = None
    effective_without: float | None = None
    lessons: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


def report(store: SkillStore, episodes: Iterable[Episode] = ()) -> tuple[Worth, ...]:
    """Rows for the active skills, the most used first; ``episodes`` are those to count uses in."""
    uses = count_uses(episodes)
    rows = [worth(store, s, uses[s.ref]) for s in store.skills(Status.ACTIVE)]
    return tuple(sorted(rows, key=lambda r: (-r.uses, -(r.lift or 0.0), r.name)))


def worth(store: SkillStore, skill: StoredSkill, uses: int = 0) -> Worth:
    """What one version is worth by the ledger, whatever its status."""
    row = Worth(
        name=skill.document.name,
        version=skill.document.version,
        status=skill.status,
        uses=uses,
        lessons=skill.document.lessons,
        parents=skill.provenance.parents,
    )
    return _worth(row, store.ledger(skill.document.name))


def count_uses(episodes: Iterable[Episode]) -> Counter[str]:
    """How often each ``name@version`` was taken, from the retrieval events of the log."""
    uses: Counter[str] = Counter()
    for episode in episodes:
        if episode.skills is not None:
            uses.update(f"{c.skill}@{c.version}" for c in episode.skills.candidates if c.used)
    return uses


def _worth(row: Worth, ledger: tuple[LedgerRow, ...]) -> Worth:
    judged = [
        r
        for r in ledger
        if r.version == row.version
        and r.action in _ADDED | _TAKEN_AWAY
        and "lift" in r.detail  # a person may retire a skill too, with nothing but a reason
    ]
    if not judged:
        return row
    last = judged[-1]
    found = Comparison.model_validate(last.detail)
    if last.action in _ADDED:
        return row.model_copy(
            update={
                "lift": found.lift,
                "low": found.lower,
                "high": found.upper,
                "rooms": found.rooms,
                "score_with": found.score_with,
                "score_without": found.score_without,
                "cost_with": found.cost_with,
                "cost_without": found.cost_without,
                "effective_with": found.effective_with,
                "effective_without": found.effective_without,
            }
        )
    # "Stays" was judged as taking the skill away: with and without change places.
    return row.model_copy(
        update={
            "lift": -found.lift,
            "low": None if found.upper is None else -found.upper,
            "high": None if found.lower is None else -found.lower,
            "rooms": found.rooms,
            "score_with": found.score_without,
            "score_without": found.score_with,
            "cost_with": found.cost_without,
            "cost_without": found.cost_with,
            "effective_with": found.effective_without,
            "effective_without": found.effective_with,
        }
    )

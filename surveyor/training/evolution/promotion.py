"""Bringing a change of the library before the gate, look by look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surveyor.skills.distil.rollouts import Rollout, table
from surveyor.skills.entries import StoredSkill
from surveyor.skills.gate import Comparison, GateSettings, Paired, Wealth, compare, hopeless
from surveyor.skills.provenance import Origin
from surveyor.skills.store import SkillStore
from surveyor.training.evolution.cases import Case, blocks, in_rooms
from surveyor.training.evolution.exploration import Play
from surveyor.training.evolution.player import requests_for
from surveyor.training.evolution.policy import Choice, Chooser, LibraryPolicy

_PASSED = frozenset({"promoted", "retired"})
_JUDGED = _PASSED | {"kept", "stays"}


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the library, as two ways of choosing and the cases on which they may differ.

    ``base`` is the highest lift known of what the change would be put above.
    """

    cases: tuple[Case, ...]
    new: Chooser
    old: Chooser
    base: float = 0.0

    def differing(self) -> tuple[Case, ...]:
        """The cases that would be done another way."""
        return tuple(c for c in self.cases if self.new(c) != self.old(c))


async def judge(
    change: Change,
    rooms: Sequence[str],
    play: Play,
    settings: GateSettings,
    level: float,
    stage: str = "gate",
) -> tuple[Comparison, list[Rollout]]:
    """Judge one change on these rooms by planned looks; returns what was played too.

    The whole ``level`` is spent, however early the change passes or is dropped.
    """
    cases = change.differing()
    ends = [look.rooms for look in settings.looks]
    shares = [b - a for a, b in zip([0.0, *ends], ends, strict=False)]
    played: list[Rollout] = []
    found = compare([], settings, level)
    for number, (look, block) in enumerate(
        zip(settings.looks, blocks(rooms, shares), strict=True), start=1
    ):
        mine = in_rooms(cases, block)
        wanted = [(case, way(case)) for case in mine for way in (change.new, change.old)]
        played += await play(f"{stage}-look-{number}", requests_for(wanted))
        pairs = _pairs(change, cases, played)
        found = compare(pairs, settings, level, share=look.level, look=number)
        if found.passed or hopeless(pairs, settings):
            break
    return found, played


def proven(base: float, found: Comparison) -> float | None:
    """The lift that a promotion proves.

    Lower bounds add up along what a skill was put above, so that retrieval prefers it to that.
    """
    return base + found.lower if found.passed and found.lower is not None else None


def base_of(choices: Sequence[Choice]) -> float:
    """The highest lift known of these choices."""
    return max((choice.lift for choice in choices), default=0.0)


def wealth(store: SkillStore) -> Wealth:
    """What the library's ledger says was spent on comparisons, and how many changes passed.

    Skills of one bundle are one change: its level is booked with the first of them.
    """
    judged = [row for row in store.ledger() if row.action in _JUDGED]
    booked = [
        (row, level)
        for row in judged
        if isinstance(level := row.detail.get("level"), float) and level > 0
    ]
    return Wealth(
        sum(level for _, level in booked), sum(row.action in _PASSED for row, _ in booked)
    )


def idle(
    active: Sequence[StoredSkill], cases: Sequence[Case], policy: LibraryPolicy
) -> tuple[StoredSkill, ...]:
    """Distilled skills whose every case is done by a better one, so that they can go.

    Written ones stay: a chat model would miss their text.
    """
    distilled = [s for s in active if s.provenance.origin is Origin.DISTILLED]
    used = {policy.choose(case).version for case in cases} if distilled else set()
    return tuple(
        skill
        for skill in distilled
        if skill.document.version not in used
        and any(skill.document.scope.covers(case.profile) for case in cases)
    )


def _pairs(change: Change, cases: Sequence[Case], played: Sequence[Rollout]) -> list[Paired]:
    rows = table(played)
    found = (
        (rows.get((c.id, change.new(c).key)), rows.get((c.id, change.old(c).key))) for c in cases
    )
    return [Paired(a, b) for a, b in found if a is not None and b is not None]

"""Lessons: what failures taught, attached to the skill they concern."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from surveyor.skills.distil.rollouts import Cause, Rollout

LEAST = 3
"""Fewer failures of one cause are an accident, not a lesson."""

_ADVICE = {
    Cause.MISSED_OBJECT: "an asked object was never detected; look at more frames, or ask for it"
    " by another name, before answering",
    Cause.UNUSABLE_IMAGE: "objects were missed in frames that measure dark, noisy or soft; restore"
    " those frames first",
    Cause.WRONG_VIEW: "too few frames registered, or too few showed the object; vote over single"
    " views instead of trusting a broken reconstruction",
    Cause.WRONG_SCALE: "lengths came out far off; scale the reconstruction by metric depth of"
    " several frames and check that they agree",
    Cause.IGNORED_EVIDENCE: "the answer did not rest on what was measured; answer from the"
    " measurement's handle",
    Cause.REDUNDANT_CALLS: "most calls contributed nothing to the answer; stop when the evidence"
    " suffices",
    Cause.UNKNOWN: "failures without a visible cause; check the closest-point and counting steps",
}


class Lesson(BaseModel):
    """``share`` of the ``episodes`` of these questions failed by ``cause``; outages not counted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workflow: str
    cause: Cause
    count: int
    episodes: int
    tags: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One line for the Lessons section."""
        where = f", mostly on {' and '.join(self.tags)} captures" if self.tags else ""
        return f"{self.count} of {self.episodes} episodes{where}: {_ADVICE[self.cause]}."


def learn(rollouts: Iterable[Rollout], least: int = LEAST) -> dict[str, tuple[Lesson, ...]]:
    """Lessons by workflow key, the most frequent cause first.

    Incomplete rollouts and outages are left out altogether: they say nothing about how to look.
    """
    groups: dict[str, list[Rollout]] = defaultdict(list)
    for rollout in rollouts:
        if not rollout.incomplete and rollout.cause is not Cause.OUTAGE:
            groups[rollout.workflow.key].append(rollout)
    return {key: _lessons(key, group, least) for key, group in sorted(groups.items())}


def _lessons(key: str, rollouts: list[Rollout], least: int) -> tuple[Lesson, ...]:
    counts = Counter(t.cause for t in rollouts if t.cause is not Cause.NONE)
    return tuple(
        Lesson(
            workflow=key,
            cause=cause,
            count=count,
            episodes=len(rollouts),
            tags=_telling_tags([t for t in rollouts if t.cause is cause], rollouts),
        )
        for cause, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if count >= least
    )


def _telling_tags(failed: list[Rollout], rollouts: list[Rollout]) -> tuple[str, ...]:
    """Tags of most failures that are at least half as frequent again as among all episodes."""
    among = Counter(tag for t in failed for tag in t.profile.tags)
    overall = Counter(tag for t in rollouts for tag in t.profile.tags)
    return tuple(
        tag
        for tag, count in sorted(among.items())
        if count > len(failed) / 2 and count / len(failed) > 1.5 * overall[tag] / len(rollouts)
    )[:2]

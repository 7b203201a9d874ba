"""What went wrong in an episode, read from its log."""

from __future__ import annotations

from pydantic import JsonValue

from surveyor.memory.episodes import Episode
from surveyor.memory.events import Answer, EpisodeStatus, ToolOutcome, ToolStatus
from surveyor.skills.distil.rollouts import Cause
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.workflow import MetricScale, Restore, Workflow

GOOD_ENOUGH = 0.6
"""A score from here on is no failure."""

METRIC_TYPES = frozenset({"object_abs_distance", "object_size_estimation", "room_size_estimation"})
_SHARE_REGISTERED = 0.5


def attribute(
    episode: Episode,
    card: SceneProfile,
    workflow: Workflow,
    score: float,
    *,
    ratio: float | None = None,
    effective: int = 0,
) -> Cause:
    """The first cause that applies, from the most to the least certain.

    ``ratio`` is prediction over truth for numeric answers, where the caller (a training phase,
    never an agent) knows it; ``effective`` the number of calls that the answer rests on.
    """
    outcomes = episode.outcomes
    if _outage(episode, outcomes):
        return Cause.OUTAGE
    if score >= GOOD_ENOUGH:
        calls = len(outcomes)
        return Cause.REDUNDANT_CALLS if calls and effective < calls / 2 else Cause.NONE
    if _missed(outcomes, card.operands):
        poor = card.poor_share > 0.5 and workflow.restore is Restore.NONE
        return Cause.UNUSABLE_IMAGE if poor else Cause.MISSED_OBJECT
    if _unregistered(outcomes) or not _supported(outcomes):
        return Cause.WRONG_VIEW
    if _wrong_scale(card, workflow, ratio):
        return Cause.WRONG_SCALE
    if _ignored(episode, outcomes):
        return Cause.IGNORED_EVIDENCE
    return Cause.UNKNOWN


def _outage(episode: Episode, outcomes: tuple[ToolOutcome, ...]) -> bool:
    failed = any(o.status is ToolStatus.FAILED for o in outcomes)
    return failed or episode.status is EpisodeStatus.INCOMPLETE


def _missed(outcomes: tuple[ToolOutcome, ...], operands: tuple[str, ...]) -> bool:
    """Whether an asked object never got a box although a detector looked."""
    looked = [o for o in outcomes if o.name == "detect" and o.status is ToolStatus.OK]
    if not looked:
        return False
    seen = {str(row.get("category", "")).lower() for o in looked for row in _rows(o.data)}
    asked = {name.lower() for name in operands}
    return not seen if not asked else bool(asked - seen)


def _rows(data: JsonValue) -> list[dict[str, JsonValue]]:
    found = data.get("objects", []) if isinstance(data, dict) else data
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _unregistered(outcomes: tuple[ToolOutcome, ...]) -> bool:
    for outcome in outcomes:
        if outcome.name != "reconstruct" or not isinstance(outcome.data, dict):
            continue
        registered, missing = outcome.data.get("registered"), outcome.data.get("missing")
        if isinstance(registered, list) and isinstance(missing, list):
            total = len(registered) + len(missing)
            if total and len(registered) / total < _SHARE_REGISTERED:
                return True
    return any(o.name == "reconstruct" and o.status is ToolStatus.MISTAKE for o in outcomes)


def _supported(outcomes: tuple[ToolOutcome, ...]) -> bool:
    """Whether fusing accepted something, where views were fused at all."""
    fused = [o for o in outcomes if o.name == "fuse" and o.status is ToolStatus.OK]
    if not fused:
        return True
    return any(row.get("accepted", True) for o in fused for row in _rows(o.data))


def _wrong_scale(card: SceneProfile, workflow: Workflow, ratio: float | None) -> bool:
    if card.question_type not in METRIC_TYPES:
        return False
    if workflow.scale is MetricScale.NONE:
        return True
    return ratio is not None and (ratio > 1.6 or ratio < 0.625)


def _ignored(episode: Episode, outcomes: tuple[ToolOutcome, ...]) -> bool:
    answers = [e for e in episode.events if isinstance(e, Answer)]
    measured = any(o.status is ToolStatus.OK and o.handles for o in outcomes)
    return bool(answers) and measured and not answers[-1].sources

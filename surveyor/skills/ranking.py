"""From candidates to an order: rank fusion, scene match, proven lift, diversity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from surveyor.skills.entries import Entry
from surveyor.skills.scene_profile import SceneProfile

RRF_K = 60
"""Reciprocal rank fusion's constant (Cormack, Clarke and Buettcher, 2009)."""


class RankWeights(BaseModel):
    """Weights of the parts of a rank; each part lies in -1..1.

    The question type weighs most (it is what experiments found to matter most), then scene
    conditions that hold, then the words. ``lift`` is worth 1 at ``full_lift`` utility.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: float = 0.5
    kind: float = 1.0
    scene: float = 0.4
    lift: float = 0.5
    full_lift: float = 0.1
    repeat: float = 0.3


class RetrievalSettings(BaseModel):
    """``pool`` candidates from each search, ``top_k`` skills within ``tokens`` are taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    top_k: int = Field(default=3, ge=0, le=50)
    tokens: int = Field(default=3000, ge=0)
    pool: int = Field(default=24, ge=1, le=1000)
    logged: int = Field(default=12, ge=0)
    weights: RankWeights = RankWeights()


@dataclass(slots=True)
class Ranked:
    """A candidate with the parts of its score.

    ``eligible`` ones may be taken and read. ``executable`` ones are meant for exactly this type
    of question on this kind of scene: the gate vouches for their workflow nowhere else. (Not
    frozen, because freezing would triple the time that ranking takes.)
    """

    entry: Entry
    score: float
    words: float
    kind: bool
    scene: bool
    lift: float
    tools: bool
    eligible: bool
    executable: bool
    repeat: bool = False

    @property
    def parts(self) -> dict[str, float]:
        """What the score is made of, for the log."""
        names = ("words", "kind", "scene", "lift", "tools", "eligible", "executable", "repeat")
        return {name: round(float(getattr(self, name)), 4) for name in names}


def fuse(rankings: Sequence[Sequence[int]]) -> dict[int, float]:
    """Reciprocal rank fusion, scaled so that first in every ranking is 1."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1 / (RRF_K + rank)
    best = len(rankings) / (RRF_K + 1)
    return {item: score / best for item, score in scores.items()}


def rank(
    entries: Sequence[Entry],
    fused: Mapping[int, float],
    card: SceneProfile,
    tools: frozenset[str] | None,
    known_type: bool,
    weights: RankWeights,
) -> list[Ranked]:
    """Best first. ``known_type``: whether the library has skills for exactly this question type;
    then skills for other types are not eligible, otherwise the words decide."""
    weigh = (weights.words, weights.kind, weights.scene, weights.lift, weights.full_lift)
    scored = [_score(e, fused.get(e.id, 0.0), card, tools, known_type, weigh) for e in entries]
    return _spread(sorted(scored, key=_order), weights.repeat)


def _score(
    entry: Entry,
    words: float,
    card: SceneProfile,
    tools: frozenset[str] | None,
    known_type: bool,
    weigh: tuple[float, float, float, float, float],
) -> Ranked:
    on_words, on_kind, on_scene, on_lift, full_lift = weigh
    scope = entry.scope
    kinds, conditions = scope.question_types, scope.conditions
    kind = card.question_type in kinds
    holds = not conditions or scope.covers_scene(card)
    scene = holds and bool(conditions)
    has_tools = tools is None or tools.issuperset(entry.tools)
    lift = max(-1.0, min(1.0, entry.lift / full_lift)) if entry.lift else 0.0
    score = on_words * words + on_lift * lift + on_kind * kind + on_scene * scene
    other_type = known_type and not kind and bool(kinds)
    eligible = holds and has_tools and not other_type and not (entry.looks and card.views == 0)
    executable = eligible and (kind or not kinds)
    return Ranked(entry, score, words, kind, scene, lift, has_tools, eligible, executable)


def _spread(order: list[Ranked], penalty: float) -> list[Ranked]:
    """Move a candidate that repeats the workflow of a better one behind its peers."""
    seen: set[str] = set()
    repeats = False
    for item in order:
        workflow = item.entry.workflow
        if workflow and workflow in seen:
            item.score -= penalty
            item.repeat = repeats = True
        seen.add(workflow)
    return sorted(order, key=_order) if repeats else order


def _order(item: Ranked) -> tuple[bool, bool, float, float, str]:
    """Skills for the question's kind first, of them those that the gate has proven most of: what
    it put above another must not fall behind that for its words."""
    proven = max(0.0, item.entry.lift) if item.executable else 0.0
    return not item.eligible, not item.kind, -proven, -item.score, item.entry.name

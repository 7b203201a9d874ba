"""From candidates to an order: rank fusion, scene match, proven lift, diversity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict, Field

from skills.card import SceneCard
from skills.entries import Entry

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


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with the parts of its score.

    ``eligible`` ones may be taken and read. ``executable`` ones are meant for exactly this type
    of question on this kind of scene: the gate vouches for their workflow nowhere else.
    """

    entry: Entry
    score: float
    parts: Mapping[str, float]
    eligible: bool
    executable: bool


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
    card: SceneCard,
    tools: frozenset[str] | None,
    known_type: bool,
    weights: RankWeights,
) -> list[Ranked]:
    """Best first. ``known_type``: whether the library has skills for exactly this question type;
    then skills for other types are not eligible, otherwise the words decide."""
    scored = [_score(e, fused.get(e.id, 0.0), card, tools, known_type, weights) for e in entries]
    order = sorted(scored, key=lambda r: (not r.eligible, -r.score, r.entry.name))
    return _spread(order, weights.repeat)


def _score(
    entry: Entry,
    words: float,
    card: SceneCard,
    tools: frozenset[str] | None,
    known_type: bool,
    weights: RankWeights,
) -> Ranked:
    scope = entry.scope
    named = bool(scope.question_types) and scope.covers_type(card.question_type)
    scene_holds = scope.covers_scene(card)
    has_tools = tools is None or tools.issuperset(entry.tools)
    parts = {
        "words": round(words, 4),
        "kind": 1.0 if named else 0.0,
        "scene": 1.0 if scope.conditions and scene_holds else 0.0,
        "lift": round(max(-1.0, min(1.0, entry.lift / weights.full_lift)), 4),
        "tools": 1.0 if has_tools else 0.0,
    }
    score = sum(getattr(weights, name) * parts[name] for name in ("words", "kind", "scene", "lift"))
    other_type = known_type and bool(scope.question_types) and not named
    blind = entry.looks and card.views == 0
    eligible = scene_holds and has_tools and not other_type and not blind
    return Ranked(entry, score, parts, eligible, eligible and scope.covers(card))


def _spread(order: Sequence[Ranked], penalty: float) -> list[Ranked]:
    """Move a candidate that repeats the workflow of a better one behind its peers."""
    seen: set[str] = set()
    result: list[Ranked] = []
    for item in order:
        repeat = bool(item.entry.workflow) and item.entry.workflow in seen
        seen.add(item.entry.workflow)
        if repeat:
            parts = {**item.parts, "repeat": 1.0}
            item = replace(item, score=item.score - penalty, parts=parts)
        result.append(item)
    return sorted(result, key=lambda r: (not r.eligible, -r.score, r.entry.name))

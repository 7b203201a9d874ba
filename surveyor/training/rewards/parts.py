"""What one episode is told about itself, and the parts of its reward."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf

import orjson

from surveyor.benchmarks.tool_use import Basis, Use, tool_use
from surveyor.core.errors import UserError
from surveyor.memory.episodes import Episode
from surveyor.memory.events import (
    Answer,
    EpisodeStatus,
    FormatError,
    ModelCall,
    ToolCall,
    ToolStatus,
)
from surveyor.skills.workflow import Workflow
from surveyor.training.rewards.adherence import adherence


@dataclass(frozen=True, slots=True)
class Rewarded:
    """An episode with its score (the metric's, 0..1) and the workflow of the skill it was given.

    ``grounded`` says that the question has something to ground at all: evidence frames, boxes or
    objects that an answer can rest on. ``boxes`` is the reward of the boxes that the answer names
    (`surveyor.training.rewards.boxes`), ``None`` where the task has none.
    """

    episode: Episode
    score: float
    workflow: Workflow | None = None
    grounded: bool = True
    boxes: float | None = None


Part = Callable[[Rewarded], float]
"""A reward in [0, 1]."""


def answer(judged: Rewarded) -> float:
    """The metric's own score: exact match for choices, mean relative accuracy for numbers
    (VSI-Bench, Yang et al. 2025, eq. 1); 0 for an episode without an answer, or one whose last
    message was cut off before it was complete.

    ``r = score · [answered] · [not cut]``
    """
    if judged.episode.status is not EpisodeStatus.ANSWERED or _cut(judged.episode):
        return 0.0
    return min(max(judged.score, 0.0), 1.0)


def grounding(judged: Rewarded) -> float:
    """How much of the answer rests on measured evidence: the share of the episode's calls that
    the answer consumed, where it consumed any measurement whose *result* (not the prompt) it
    states.

    ``r = answer · effective / calls``; 0 where nothing is grounded, so junk on a question without
    targets earns nothing. Effective use is defined in docs/effective-tool-use.md.
    """
    use = tool_use(judged.episode)
    if not judged.grounded or not use.uses or use.basis in (Basis.NONE, Basis.LAST):
        return 0.0
    return answer(judged) * use.count(Use.EFFECTIVE) / len(use.uses)


def boxes(judged: Rewarded) -> float:
    """How well the objects that the answer names are the true ones: one to one, by centre and size
    (`surveyor.training.rewards.boxes`, after APEIRIA's grounding reward). Unlike an IoU it tells a
    near miss from a far one.

    ``r = 2 sum(s) / (p + g) · [answered] · [not cut]``; 0 where the task has no boxes.
    """
    if judged.boxes is None or judged.episode.status is not EpisodeStatus.ANSWERED:
        return 0.0
    return 0.0 if _cut(judged.episode) else judged.boxes


def format_(judged: Rewarded) -> float:
    """Whether every turn could be read: a turn that was neither calls nor an answer, a repaired
    turn, a cut one and a refused call each count as a slip.

    ``r = max(0, 1 - slips / turns)``, and 0 for an episode that made no call and for one without
    an answer: saying nothing at all is flawless.
    """
    events = judged.episode.events
    turns = {e.turn for e in events if isinstance(e, ToolCall | Answer | FormatError)}
    if judged.episode.status is not EpisodeStatus.ANSWERED or not judged.episode.calls:
        return 0.0
    slips = sum(isinstance(e, FormatError) for e in events)
    slips += sum(bool(e.repairs) or e.finish == "length" for e in judged.episode.model_calls)
    inner = {call.call_id for call in judged.episode.calls if call.parent}
    refused = (o for o in judged.episode.outcomes if o.status is ToolStatus.MISTAKE)
    slips += sum(o.call_id not in inner for o in refused)
    return max(0.0, 1.0 - slips / len(turns))


def skill(judged: Rewarded) -> float:
    """The share of the skill's demands that the episode's calls met
    (`surveyor.training.rewards.adherence`); 0 without a skill, and 0 without an answer.

    ``r = met / demanded · [answered]``
    """
    if judged.workflow is None or judged.episode.status is not EpisodeStatus.ANSWERED:
        return 0.0
    met = adherence(judged.episode, judged.workflow)
    return sum(met.values()) / len(met) if met else 0.0


def length(judged: Rewarded, calls: int = 24, words: int = 4000) -> float:
    """Brevity, which only pays on a right answer: ``r = score · (1 - spent / bound)`` with the
    worse of calls and characters said against its bound; a repeated call counts three times.

    A cosine or linear length reward on right answers alone: Yeo et al. 2025, sec. 4.
    """
    told = sum(len(c.text) + len(c.reasoning) for c in judged.episode.model_calls)
    made = [call for call in judged.episode.calls if not call.parent]
    same = Counter((c.name, orjson.dumps(c.arguments, option=orjson.OPT_SORT_KEYS)) for c in made)
    repeats = sum(count - 1 for count in same.values())
    spent = max((len(made) + 2 * repeats) / calls, told / words)
    return answer(judged) * max(0.0, 1.0 - spent)


def seconds(judged: Rewarded, price: float = 0.01) -> float:
    """Thrift in priced expert seconds, on a right answer alone.

    ``r = answer · exp(-price · seconds)``; what a cache answered is priced too.
    """
    spent = sum(outcome.cost for outcome in judged.episode.outcomes)
    return answer(judged) * exp(-price * spent)


PARTS: Mapping[str, Part] = {
    "answer": answer,
    "grounding": grounding,
    "boxes": boxes,
    "format": format_,
    "skill": skill,
    "length": length,
    "seconds": seconds,
}
"""The parts that need one episode; `tools` needs its group."""

WEIGHTS: Mapping[str, float] = {
    "answer": 1.0,
    "grounding": 0.2,
    "format": 0.1,
    "skill": 0.2,
    "length": 0.05,
    "seconds": 0.1,
    "tools": 0.2,
}


def weights_of(named: Sequence[str]) -> Mapping[str, float]:
    """``NAME`` or ``NAME:WEIGHT`` each, as in ``boxes`` and ``format:0.1``.

    All parts in their usual weights where none is named. Raises `UserError` for a part that there
    is not and for a weight that is none.
    """
    known = (*PARTS, "tools")
    found: dict[str, float] = {}
    for text in named:
        name, colon, weight = text.partition(":")
        if name not in known:
            raise UserError(f"there is no reward {name!r}; there are {', '.join(known)}")
        try:
            found[name] = float(weight) if colon else 1.0
        except ValueError:
            found[name] = -1.0
        if not 0 < found[name] < inf:
            raise UserError(f"--reward is NAME or NAME:WEIGHT, as in boxes:0.5, not {text!r}")
    return found or dict(WEIGHTS)


@dataclass(frozen=True, slots=True)
class Reward:
    """All parts, each in [0, 1], and their weighted sum over the weights' sum."""

    parts: Mapping[str, float]
    total: float


def tools(group: Sequence[Rewarded]) -> list[float]:
    """Tool use that helps within its group, one value an episode.

    ``r_i = answer_i · eff_i · [mean answer of those that used tools > mean of those that did not]``
    where ``eff_i`` is effective calls over all calls; a group in which everybody used tools
    compares with 0. Calling every tool lowers ``eff``, and calling tools where answering at once
    does as well earns nothing.
    """
    uses = [tool_use(one.episode) for one in group]
    shares = [u.count(Use.EFFECTIVE) / len(u.uses) if u.uses else 0.0 for u in uses]
    scores = [answer(one) for one in group]
    with_tools = [s for s, u in zip(scores, uses, strict=True) if u.uses]
    without = [s for s, u in zip(scores, uses, strict=True) if not u.uses]
    helps = _mean(with_tools) > _mean(without)
    return [s * share if helps else 0.0 for s, share in zip(scores, shares, strict=True)]


def rewards(group: Sequence[Rewarded], weights: Mapping[str, float] = WEIGHTS) -> list[Reward]:
    """The rewards of one group's episodes. Parts whose weight is 0 are still logged."""
    shared = tools(group)
    whole = sum(weights.values())
    told = []
    for one, tool in zip(group, shared, strict=True):
        parts = {name: part(one) for name, part in PARTS.items()} | {"tools": tool}
        total = sum(weights.get(name, 0.0) * value for name, value in parts.items()) / whole
        told.append(Reward(parts, total))
    return told


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _cut(episode: Episode) -> bool:
    calls: tuple[ModelCall, ...] = episode.model_calls
    return bool(calls) and calls[-1].finish == "length"

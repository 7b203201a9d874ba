"""An answer as a person wants it: a sentence, a number with unit and interval, what it rests on.

A `FoundEpisode` is a pure function of an episode's log (and of the names of its photos).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from surveyor.core.wording import many
from surveyor.memory.episodes import Episode
from surveyor.memory.events import EpisodeStatus, ToolStatus
from surveyor.memory.evidence import KINDS, Chain, Node, box_of, chain

FINDING_VERSION: Final = 1
Kind = Literal["measured", "looked", "none"]
Status = Literal["answered", "not_found", "not_understood", "limit", "failed"]
_WORDS: Final = {
    "measured": "measured",
    "looked": "estimated by looking, not measured",
    "none": "nothing was measured",
}


class _Indexed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Value(_Indexed):
    """``text`` is what the planner answered. ``low`` and ``high`` hold the true value with
    probability ``level``, as ``basis`` says; ``None``: the uncertainty is not known."""

    text: str
    value: float | str | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    level: float | None = None
    basis: str = ""


class ScaleTold(_Indexed):
    """``kind`` is metric, aligned, known, relative or none; ``basis`` says what gives metres."""

    kind: str = "none"
    basis: tuple[str, ...] = ()


class FoundEvidence(_Indexed):
    """One box or mask in a photo that the answer rests on."""

    handle: str
    kind: str
    photo: str
    category: str = ""
    score: float | None = None
    box: tuple[float, float, float, float] | None = None


class FoundEpisode(_Indexed):
    """What `surveyor ask --json` prints."""

    v: int = FINDING_VERSION
    question: str
    status: Status
    kind: Kind
    sentence: str
    answer: Value
    scale: ScaleTold = ScaleTold()
    evidence: tuple[FoundEvidence, ...] = ()
    photos: tuple[str, ...] = ()
    producers: tuple[str, ...] = ()
    reference: bool = False
    remembered: bool = False
    warnings: tuple[str, ...] = ()
    place: str = ""
    run: str = ""
    picture: str = ""
    page: str = ""
    elapsed: float = 0.0
    cost: float = 0.0

    @property
    def lines(self) -> tuple[str, ...]:
        """The finding for a terminal: the sentence first, then how it is known."""
        told = [self.sentence]
        facts = [_WORDS[self.kind] if not self.remembered else "as measured before"]
        if self.photos:
            facts.append(many(len(self.photos), "photo"))
        if self.scale.basis:
            facts.append("; ".join(self.scale.basis))
        if self.status == "answered" and self.answer.unit and self.answer.low is None:
            facts.append("uncertainty not known")
        if self.producers:
            facts.append("by " + ", ".join(self.producers))
        told.append(" · ".join(facts))
        if self.evidence:
            told.append("seen in " + _seen(self.evidence))
        if self.reference:
            told.append(
                "answered by reference experts, which know their embedded rooms: no neural result"
            )
        return (*told, *(f"warning: {warning}" for warning in self.warnings))


def finding(
    episode: Episode, names: Mapping[str, str] | None = None, question: str = ""
) -> FoundEpisode:
    """What an episode found. ``names`` are the photos' by frame handle; ``question`` is what was
    asked where the planner got it in other words."""
    links = chain(episode)
    names = names or {}
    asked = question or episode.started.question
    status = _status(episode)
    answer = _value(episode, links)
    kind: Kind = "none"
    if status == "answered":
        looked = any(outcome.images for outcome in episode.outcomes) or episode.model_calls
        measured = answer.value is not None or links.reaches_outlines
        kind = "measured" if measured else ("looked" if looked else "none")
    used = [outcome for outcome in episode.outcomes if outcome.status is ToolStatus.OK]
    experts = {p.name: p for outcome in used for p in outcome.producers}
    return FoundEpisode(
        question=asked,
        status=status,
        kind=kind,
        sentence=sentence(asked, status, answer, episode),
        answer=answer,
        scale=_scale(episode, answer),
        evidence=tuple(_evidence(links, names)),
        photos=tuple(names.values()) or episode.started.frames,
        producers=tuple(f"{p.name} {p.version}" for p in experts.values()),
        reference=any(p.backend == "reference" for p in experts.values()),
        remembered=any(node.tool == "recall" for node in links.nodes.values()),
        warnings=tuple(_warnings(episode, names)),
        elapsed=round(episode.elapsed, 3),
        cost=round(sum(outcome.cost for outcome in episode.outcomes), 4),
    )


def _status(episode: Episode) -> Status:
    if episode.status is EpisodeStatus.LIMIT:
        return "limit"
    given = episode.given
    if given is None:
        return "failed"
    if not given.guess:
        return "answered"
    return "not_found" if "program" in given.notes else "not_understood"


def _value(episode: Episode, links: Chain) -> Value:
    """The measured number behind the answer, in the unit that it was measured in."""
    text = episode.answer or ""
    measured = [links.nodes[root] for root in links.roots if links.nodes[root].kind == "meas"]
    if episode.given is None or episode.given.guess or len(measured) != 1:
        return Value(text=text)
    row = measured[0].row
    value, unit = row.get("value"), str(row.get("unit") or "")
    if not isinstance(value, (int, float, str)):
        return Value(text=text, value=text or None)
    bounds = {key: row.get(key) for key in ("low", "high", "level")}
    known = {key: float(v) for key, v in bounds.items() if isinstance(v, (int, float))}
    return Value(
        text=text,
        value=value,
        unit="" if isinstance(value, str) else unit,
        low=known.get("low"),
        high=known.get("high"),
        level=known.get("level"),
        basis=str(row.get("basis") or ""),
    )


def sentence(asked: str, status: Status, answer: Value, episode: Episode) -> str:
    """One sentence that answers the question, or says why it is not answered."""
    notes = dict(episode.given.notes) if episode.given else {}
    if status == "limit":
        return f"No answer within the limits: {episode.reason}."
    if status == "failed":
        return f"No answer: {episode.reason or 'the episode did not end'}."
    if status == "not_understood":
        return "This question is not understood without a model: ask one of the six known kinds."
    if status == "not_found":
        return _not_found(notes, episode)
    told = measure_text(answer)
    lengths = [row for row in _measured(episode) if row.get("unit") == "m"]
    if "distance(" in notes.get("program", ""):
        return f"About {told} between the closest points of the two."
    if "longest_edge(" in notes.get("program", ""):
        return f"Its longest edge is about {told}."
    if "floor_area(" in notes.get("program", ""):
        return f"The floor measures about {told}."
    if "count(" in notes.get("program", ""):
        return f"{answer.text} of them were found."
    if "nearest(" in notes.get("program", "") and lengths == []:
        return f"The {answer.text} is the closest."
    return f"{told}." if told else "No answer."


def measure_text(answer: Value) -> str:
    """``2.4 m (2.2–2.6 m)``: digits follow the interval where there is one."""
    if isinstance(answer.value, str) or answer.value is None:
        return answer.text
    digits = _digits(answer)
    unit = {"m2": " m²", "": ""}.get(answer.unit, f" {answer.unit}")
    text = f"{answer.value:.{digits}f}{unit}"
    if answer.low is None or answer.high is None or answer.level is None:
        return text
    return (
        f"{text} ({100 * answer.level:.0f} % interval "
        f"{answer.low:.{digits}f}–{answer.high:.{digits}f}{unit})"
    )


def _digits(answer: Value) -> int:
    if not answer.unit:
        return 0
    if answer.low is None or answer.high is None:
        return 2 if answer.unit == "m" else 1
    width = answer.high - answer.low
    return 1 if width > 0.3 else 2 if width > 0.005 else 3


def _not_found(notes: Mapping[str, str], episode: Episode) -> str:
    boxes = _boxes(episode)
    wanted = _categories(notes.get("program", ""))
    missing = [name for name in wanted if name not in boxes]
    others = ", ".join(f"{len(rows)} x {name}" for name, rows in sorted(boxes.items()))
    also = f"; found instead: {others}" if others else ""
    if missing:
        return f"No photo shows {_listed(missing)}{also}."
    return f"What was asked about could not be measured: {notes.get('why', 'not enough views')}."


def _categories(program: str) -> list[str]:
    parts = program.split("filter(scene(), ")[1:]
    return list(dict.fromkeys(part.partition(")")[0] for part in parts))


def _listed(names: Sequence[str]) -> str:
    quoted = [f"a {name}" for name in names]
    return " or ".join(quoted)


def _boxes(episode: Episode) -> dict[str, list[str]]:
    """Photos in which each category was detected."""
    found: dict[str, list[str]] = {}
    for outcome in episode.outcomes:
        if outcome.name == "detect" and isinstance(outcome.data, list):
            for row in outcome.data:
                if isinstance(row, dict):
                    found.setdefault(str(row.get("category")), []).append(str(row.get("frame")))
    return found


def _measured(episode: Episode) -> list[dict[str, JsonValue]]:
    rows = [o.data for o in episode.outcomes if o.status is ToolStatus.OK]
    return [row for row in rows if isinstance(row, dict) and "unit" in row]


def _scale(episode: Episode, answer: Value) -> ScaleTold:
    """Whether lengths in the answer are metres, and what makes them so."""
    scales = [
        (str(outcome.data.get("scale")), outcome)
        for outcome in episode.outcomes
        if outcome.name in ("reconstruct", "align") and isinstance(outcome.data, dict)
    ]
    if not scales:
        return ScaleTold()
    kind, outcome = scales[-1]
    maker = ", ".join(p.name for p in outcome.producers) or outcome.name
    if kind == "relative":
        return ScaleTold(kind=kind, basis=("scale unknown: no lengths in metres",))
    if not answer.unit:
        return ScaleTold(kind=kind)
    how = "metric depth" if kind == "aligned" else f"a metric {maker}"
    return ScaleTold(kind=kind, basis=(f"scale from {how}, not verified by a known size",))


def _evidence(links: Chain, names: Mapping[str, str]) -> list[FoundEvidence]:
    masks = {str(node.row.get("prompt")): node for node in links.of("mask")}
    shown = [node for node in links.of("box") if node.handle not in masks]
    shown += list(masks.values()) if masks else list(links.of("mask"))
    order = {kind: place for place, kind in enumerate(KINDS)}
    shown.sort(key=lambda node: (order.get(node.kind, 99), node.handle))
    return [_one(node, names) for node in shown]


def _one(node: Node, names: Mapping[str, str]) -> FoundEvidence:
    row = node.row
    score = row.get("score")
    frame = str(row.get("frame", ""))
    return FoundEvidence(
        handle=node.handle,
        kind=node.kind,
        photo=names.get(frame, frame),
        category=str(row.get("category", "")),
        score=float(score) if isinstance(score, (int, float)) else None,
        box=box_of(row),
    )


def _seen(evidence: Sequence[FoundEvidence]) -> str:
    by_category: dict[str, list[str]] = {}
    for item in evidence:
        photos = by_category.setdefault(item.category, [])
        if item.photo not in photos:
            photos.append(item.photo)
    return "; ".join(
        f"{', '.join(photos[:4])}{' …' if len(photos) > 4 else ''} ({name})"
        for name, photos in by_category.items()
    )


def _warnings(episode: Episode, names: Mapping[str, str]) -> list[str]:
    for outcome in reversed(episode.outcomes):
        if outcome.name == "reconstruct" and isinstance(outcome.data, dict):
            missing = outcome.data.get("missing")
            if isinstance(missing, list) and missing:
                told = ", ".join(names.get(str(name), str(name)) for name in missing)
                return [f"could not be joined with the others: {told}"]
            break
    return []

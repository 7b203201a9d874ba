"""Intervals for what experts measure, from how far off they were where the truth is known.

A scored run of the same experts gives, for every kind of measurement, the ratios of measured to
true values. The next ratio lies within the k-th smallest of n with probability k / (n + 1), if the
new place is like those of the run (split conformal prediction: Vovk et al. 2005; Lei et al. 2018).
Nothing else is assumed, and nothing is known of places that are not like them. Short distances are
off by more of themselves than long ones, which the ratios of distances are divided by first, so
that the interval holds both; this was set on 60 embedded rooms and looked at in nine others, where
edges showed no such thing. Support, confidence and views told too little to be worth a fit.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from surveyor.core.errors import UserError
from surveyor.core.producer import Producer
from surveyor.memory.episodes import Episode
from surveyor.memory.events import ToolStatus
from surveyor.memory.runs import RunFolder
from surveyor.viewer.finding import FoundEpisode, sentence

LEVEL: Final = 0.9
LEAST: Final = math.ceil(LEVEL / (1 - LEVEL) - 1e-9)
"""Fewer known errors than this bound nothing at `LEVEL`."""

Maker = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Residuals:
    """How far ``off`` measurements were, by kind, see `off`; and who measured."""

    run: str
    off: Mapping[str, tuple[float, ...]]
    makers: frozenset[Maker]


def read_residuals(path: Path) -> Residuals:
    """How far off the measurements of a scored run were.

    Raises `UserError` for a run that was not scored, or that measured nothing.
    """
    folder = RunFolder.open(path)
    scores = folder.results()
    if not scores:
        raise UserError(f"{path} was not scored; run `surveyor score {path}` first")
    found: dict[str, list[float]] = defaultdict(list)
    makers: set[Maker] = set()
    for score in scores:
        episode = folder.episode(score.task_id, score.epoch)
        kind = measured_kind(episode) if episode else ""
        told = off(kind, score.prediction, score.fields.get("correct"))
        if episode is not None and kind and told is not None:
            found[kind].append(told)
            makers |= makers_of(episode)
    if not found:
        raise UserError(f"{path} measured no lengths, so it says nothing of their errors")
    known = {kind: tuple(values) for kind, values in found.items()}
    return Residuals(str(path), known, frozenset(makers))


def measured_kind(episode: Episode) -> str:
    """What an answer computes, ``distance`` or ``floor_area``; empty for guesses and words."""
    given = episode.given
    if given is None or given.guess:
        return ""
    return given.notes.get("program", "").partition("(")[0]


def makers_of(episode: Episode) -> frozenset[Maker]:
    """The experts behind an episode's results."""
    every: list[Producer] = [
        p for outcome in episode.outcomes if outcome.status is ToolStatus.OK
        for p in outcome.producers
    ]  # fmt: skip
    return frozenset((p.name, p.version, p.weights, p.backend) for p in every)


def usual(kind: str, value: float) -> float:
    """What to measure errors of a value by: the log ratio of a distance to the true one falls with
    its root, as that of no other kind does."""
    return 1 / math.sqrt(value) if kind == "distance" else 1.0


def off(kind: str, told: object, true: object) -> float | None:
    """How far off, as the log ratio to the true value over what is `usual`; ``None`` where either
    is no positive number."""
    try:
        one, other = float(str(told)), float(str(true))
    except ValueError:
        return None
    if not (one > 0 and other > 0 and math.isfinite(one / other) and one / other > 0):
        return None
    return abs(math.log(one / other)) / usual(kind, one)


def bound(known: Sequence[float]) -> float | None:
    """How far off the next value is at most, at `LEVEL`; ``None`` where the known ones are too few
    to say."""
    place = math.ceil((len(known) + 1) * LEVEL - 1e-9)
    return sorted(known)[place - 1] if 0 < place <= len(known) else None


def with_interval(found: FoundEpisode, episode: Episode, known: Residuals) -> FoundEpisode:
    """The finding with an interval where the run bounds one, else with a warning that says why."""
    value, kind = found.answer.value, measured_kind(episode)
    if not isinstance(value, (int, float)) or found.answer.unit not in ("m", "m2"):
        return found
    makers, wide = makers_of(episode), None
    if found.remembered:
        why = "what is remembered does not say which experts measured it"
    elif not makers <= known.makers:
        why = "other experts measured there"
    else:
        errors = known.off.get(kind, ())
        most = bound(errors) if value > 0 else None
        wide = None if most is None else math.exp(most * usual(kind, value))
        why = f"it has {len(errors)} answers of this kind, {LEAST} are needed"
    if wide is None:
        told = f"{known.run} tells no interval for this answer: {why}"
        return found.model_copy(update={"warnings": (*found.warnings, told)})
    count = len(known.off[kind])
    answer = found.answer.model_copy(
        update={
            "low": round(value / wide, 4),
            "high": round(value * wide, 4),
            "level": LEVEL,
            "basis": f"as far off as these experts were on {count} answers of this kind in "
            f"{known.run}, if this place is like those",
        }
    )
    text = sentence(found.question, found.status, answer, episode)
    return found.model_copy(update={"answer": answer, "sentence": text})

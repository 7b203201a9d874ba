"""What every scorer shares: the score of one row, and when a row cannot be scored.

A scorer is a pure function of one row (the target's fields and the prediction as it was logged),
so a run can be scored again at any time, under any profile, from its log alone. A *profile* is
one published way to score the benchmark, or a lenient one of ours to be reported beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from surveyor.benchmarks.stats.averages import Averaging
from surveyor.core.errors import SurveyorError, UserError

Row = Mapping[str, object]
"""One decoded JSON object. Values keep whatever type the file gave them: odd types are scored
the way the published code scores them, so nothing is coerced on the way in."""


class Unscorable(SurveyorError):
    """The published scorer raises on this row; the row counts 0 and is counted as failed."""


class Outcome(StrEnum):
    """What became of one scheduled row. Every outcome stays in the denominator."""

    SCORED = "scored"
    FAILED = "failed"
    INCOMPLETE = "incomplete"

    @classmethod
    def _missing_(cls, value: object) -> Outcome | None:
        return cls.INCOMPLETE if value == "owed" else None  # its name in earlier versions


MARKS: Final = ("unread", "guessed")
"""What a scorer says of a row beside its score. ``unread``: the rule found no answer in the reply.
``guessed``: there the published code takes an option all the same, drawn or by default."""


@dataclass(frozen=True, slots=True)
class RowScore:
    """The score fields of one row and its `MARKS`; ``failure`` says why a row that counts 0 was
    not scored."""

    values: Mapping[str, float]
    failure: str | None = None
    marks: frozenset[str] = frozenset()

    @property
    def outcome(self) -> Outcome:
        """Scored, or failed; a row that is incomplete never reaches a scorer."""
        return Outcome.SCORED if self.failure is None else Outcome.FAILED


class ScoreFunction(Protocol):
    """Scores one row that has a prediction under one profile, or raises `Unscorable`. A name of
    `MARKS` among the values says that the row bears that mark."""

    def __call__(self, row: Row, profile: str) -> Mapping[str, float]: ...


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a benchmark: how the scores of rows, in the field ``score``, become it.

    ``averaging`` and ``parents`` are `Metric`'s. ``families`` are groups of groups that are shown
    and leave the overall figure as it is. Rows of a group in ``left_out`` are in that group's score
    alone. Rows with one ``bundle`` count as one, which is as right as its worst row. ``chance`` is
    what guessing scores on a row: the figure is then the share of the way from there to 1.
    """

    name: str
    score: str = "score"
    averaging: Averaging = Averaging.ROWS
    parents: Mapping[str, str] = field(default_factory=dict)
    families: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    bundle: Callable[[Row], str] | None = None
    chance: Callable[[Row], float] | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """One versioned scorer, as reports record it.

    ``profiles[0]`` is the default. ``target_fields`` must be present in a row, ``prediction_field``
    may be missing or null: such a row failed. ``structured`` says that the prediction is boxes or
    indices, which an agent states as JSON text. ``score_fields[0]`` is the headline. ``parents``
    maps a group to the group that it is averaged into before the overall mean is taken.
    ``measures`` holds, by profile, figures that are no plain average of the score fields, headline
    first; ``group_of`` tells the group of a self-contained row for them. The version changes
    whenever any row could score differently.
    """

    name: str
    version: str
    profiles: tuple[str, ...]
    target_fields: tuple[str, ...]
    prediction_field: str
    score_fields: tuple[str, ...]
    function: ScoreFunction
    structured: bool = False
    averaging: Averaging = Averaging.ROWS
    parents: Mapping[str, str] = field(default_factory=dict)
    measures: Mapping[str, tuple[Measure, ...]] = field(default_factory=dict)
    group_of: Callable[[Row], str] | None = None

    def measured(self, profile: str) -> tuple[Measure, ...]:
        """The figures of a profile, headline first: its own, else one for each score field."""
        return self.measures.get(profile) or tuple(
            Measure(name, name, self.averaging, self.parents) for name in self.score_fields
        )

    def profile(self, name: str | None) -> str:
        """The profile's own name; ``None`` is the default. Raises `UserError` on unknown names."""
        chosen = name or self.profiles[0]
        if chosen not in self.profiles:
            known = ", ".join(self.profiles)
            raise UserError(
                f"Metric {self.name!r} has no profile {chosen!r}; choose from: {known}."
            )
        return chosen

    def score(self, row: Row, profile: str | None = None) -> RowScore:
        """Score one row; a row on which the published code raises counts 0 in every field.

        Raises `UserError` when the row lacks a target field: then it is not a row of this metric.
        """
        chosen = self.profile(profile)
        absent = [name for name in self.target_fields if name not in row]
        if absent:
            raise UserError(f"A row of metric {self.name!r} needs the field {absent[0]!r}.")
        if row.get(self.prediction_field) is None:
            return self.zero("there is no prediction")
        try:
            found = self.function(row, chosen)
            values = {name: found[name] for name in self.score_fields}
            return RowScore(values, marks=frozenset(mark for mark in MARKS if found.get(mark)))
        except Unscorable as reason:
            return self.zero(str(reason))

    def zero(self, failure: str) -> RowScore:
        """The score of a row that failed or is incomplete: 0 in every field."""
        return RowScore(dict.fromkeys(self.score_fields, 0.0), failure=failure)


def text_of(value: object, name: str) -> str:
    """The value, if it is a string. Published parsers raise on anything else: `Unscorable`."""
    if not isinstance(value, str):
        raise Unscorable(f"{name} is {type(value).__name__}, not text")
    return value

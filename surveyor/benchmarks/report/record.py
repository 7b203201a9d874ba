"""``report.json``: every number of a run beside the counts that it stands on."""

from __future__ import annotations

import shlex
from pathlib import Path

from pydantic import Field, ValidationError

from surveyor.benchmarks.scorers.outcome_counts import OutcomeCounts
from surveyor.core.errors import UserError
from surveyor.core.producer import Producer
from surveyor.core.records import FrozenRecord
from surveyor.memory.runs import RunFolder

REPORT_VERSION = 1

BY_CONSTRUCTION = {
    "vsi-meta": (
        "Questions by VSI-Bench's official rules, generated from the same table that answers them: "
        "100 % is by construction, and no result on the benchmark."
    )
}
"""Datasets whose questions and answers come from one source, and what is said beside their
scores."""


class Estimate(FrozenRecord):
    """A score, 0..100, and its 95 % interval clustered by scene; no interval from one scene."""

    value: float
    low: float | None = None
    high: float | None = None


class Guesses(FrozenRecord):
    """Answers that rest on nothing seen or measured, and their mean score, 0..100 (0 for none).
    They are part of every score; this says how much of it."""

    n: int = 0
    score: float = 0.0


class Spend(FrozenRecord):
    """What episodes spent.

    ``calls`` of the last attempts, split into ``effective``, ``redundant`` and ``failed_calls``;
    ``inferred`` counts episodes whose evidence had to be guessed (see effective tool use).
    Over all attempts: ``expert_calls`` reached an expert, ``cached`` were answered by the cache;
    ``cost`` is priced expert seconds, the same for both; ``dollars`` is what models cost, ``None``
    once one price is unknown. ``seconds`` are those of the last attempts.
    """

    episodes: int = 0
    calls: int = 0
    effective: int = 0
    redundant: int = 0
    failed_calls: int = 0
    inferred: int = 0
    expert_calls: int = 0
    cached: int = 0
    cost: float = 0.0
    seconds: float = 0.0
    model_calls: int = 0
    tokens: int = 0
    dollars: float | None = 0.0
    attempts: int = 0

    def plus(self, other: Spend) -> Spend:
        """Both together."""
        mine, theirs = self.model_dump(), other.model_dump()
        total = {name: mine[name] + theirs[name] for name in mine if name != "dollars"}
        known = self.dollars is not None and other.dollars is not None
        dollars = (self.dollars or 0.0) + (other.dollars or 0.0) if known else None
        return Spend(**total, dollars=dollars)

    def per_episode(self, amount: float) -> float:
        """An amount per episode; 0 when there was none."""
        return amount / self.episodes if self.episodes else 0.0

    @property
    def effective_share(self) -> float | None:
        """Effective calls of all calls, 0..1."""
        return self.effective / self.calls if self.calls else None


class TypeRow(FrozenRecord):
    """One question type; ``scenes`` is how many its questions are about, 0 where an older report
    does not say."""

    question_type: str
    score: Estimate
    tally: OutcomeCounts
    spend: Spend
    guesses: Guesses = Guesses()
    scenes: int = 0


GUESSED_NOTE = (
    "every answer is a guess: nothing was measured with the tools and experts that it had."
)
"""What a run is told to be that has `RunReport.guessed_only`."""


class RunReport(FrozenRecord):
    """The whole report. ``profiles`` holds the overall score under every profile of the metric,
    ``measures`` every figure under ``profile`` (Acc@0.25 beside Acc@0.5), 0..100. By profile, in
    per cent of all rows: ``unread`` replies, those where ``scorer_guessed`` an option by the
    published rule, and the rows that ``differ`` from what they score under ``profile``.
    ``headlines`` names the figure of each profile (caa, circ_eval).
    ``failures`` counts the commonest reasons why rows count 0 unscored.

    ``reference`` is true when any answer came from a reference expert of the embedded world.
    ``table`` is true when the planner could read the table of objects (`scene`) instead of looking.
    ``wall`` is the seconds in which any episode was at work; pauses between sessions are none.

    >>> import surveyor
    >>> surveyor.Run.open("out/runs/rooms-program").report.reference
    True
    """

    v: int = REPORT_VERSION
    run: str
    planner: str
    dataset: str
    metric: str
    metric_version: str
    profile: str
    overall: Estimate
    profiles: dict[str, float] = Field(default_factory=dict)
    unread: dict[str, float] = Field(default_factory=dict)
    scorer_guessed: dict[str, float] = Field(default_factory=dict)
    differ: dict[str, float] = Field(default_factory=dict)
    headlines: dict[str, str] = Field(default_factory=dict)
    measures: dict[str, float] = Field(default_factory=dict)
    groups: dict[str, float] = Field(default_factory=dict)
    tally: OutcomeCounts
    spend: Spend
    types: tuple[TypeRow, ...]
    guesses: Guesses = Guesses()
    scenes: int
    epochs: int = 1
    pass_at: dict[int, Estimate] = Field(default_factory=dict)
    wall: float = 0.0
    producers: tuple[Producer, ...] = ()
    reference: bool = False
    table: bool = False
    incomplete_reasons: dict[str, int] = Field(default_factory=dict)
    failures: dict[str, int] = Field(default_factory=dict)

    @property
    def guessed_only(self) -> bool:
        """Whether nothing was measured: every answer that there is was a guess."""
        return self.guesses.n > 0 and self.guesses.n >= self.tally.scored


def scoring_command(folder: RunFolder) -> str:
    """What scores a run, as it is typed; its dataset is left to who stands elsewhere than the run
    was started."""
    dataset = str(folder.record.config.get("dataset"))
    words = (str(folder.path), "--dataset", dataset if Path(dataset).exists() else "DATASET")
    return f"`surveyor score {shlex.join(words)}`"


def read_report(folder: RunFolder) -> RunReport:
    """The report of a scored run; `UserError` when it was never scored."""
    try:
        return RunReport.model_validate_json((folder.path / "report.json").read_bytes())
    except FileNotFoundError:
        if not any((folder.path / "episodes").glob("*.jsonl")):
            raise UserError(f"{folder.path} holds no episode; run it, or put it back") from None
        raise UserError(f"{folder.path} has not been scored: {scoring_command(folder)}") from None
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]["msg"]
        raise UserError(
            f"{folder.path}/report.json is damaged ({detail}); score the run again"
        ) from None

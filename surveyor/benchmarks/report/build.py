"""Building a run's report from its episodes and their judgements."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from surveyor.benchmarks.report.record import Estimate, Guesses, RunReport, Spend, TypeRow
from surveyor.benchmarks.run.config import Baseline
from surveyor.benchmarks.scorecard import JudgedRow, summarize
from surveyor.benchmarks.scorers.base import Metric, Outcome
from surveyor.benchmarks.scorers.outcome_counts import OutcomeCounts
from surveyor.benchmarks.stats import Interval, clustered_mean, pass_at_k_mean
from surveyor.benchmarks.usage import spend
from surveyor.core.producer import Producer
from surveyor.memory.episodes import Span, fold, seconds_at_work, spans
from surveyor.memory.events import EpisodeStatus
from surveyor.memory.log import read_events
from surveyor.memory.manifest import ScheduledTask
from surveyor.memory.runs import RunFolder

TABLE = "scene"
"""The tool, and the expert, that knows the objects of a place without looking."""
REFERENCE = "reference"
"""What reference experts call their backend."""


@dataclass(frozen=True, slots=True)
class Played:
    """One scheduled (task, epoch) and a digest of its log, small enough to hold for all of them.

    ``spans`` are the times in which its attempts were at work.
    """

    task: ScheduledTask
    epoch: int
    status: EpisodeStatus = EpisodeStatus.INCOMPLETE
    reason: str = ""
    answer: str | None = None
    guess: bool = False
    planner: str = ""
    spend: Spend = field(default_factory=Spend)
    producers: frozenset[Producer] = frozenset()
    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, folder: RunFolder, task: ScheduledTask, epoch: int) -> Played:
        """Read one log and keep what scoring needs."""
        events = list(read_events(folder.episode_path(task.id, epoch)))
        episode = fold(events)
        if episode is None:
            return cls(task, epoch)
        return cls(
            task=task,
            epoch=epoch,
            status=episode.status,
            reason=episode.reason,
            answer=episode.answer,
            guess=episode.given is not None and episode.given.guess,
            planner=episode.started.planner,
            spend=spend(episode, events),
            producers=frozenset(p for outcome in episode.outcomes for p in outcome.producers),
            spans=spans(events),
        )

    @property
    def key(self) -> str:
        """Unique in the run."""
        return f"{self.task.id}#{self.epoch}"


def build_report(
    folder: RunFolder,
    metric: Metric,
    profile: str | None,
    played: Sequence[Played],
    judged: Sequence[JudgedRow],
) -> RunReport:
    """Fold episodes and their judgements, which run in parallel, into the report."""
    card = summarize(metric, judged, profile)
    headline, first = metric.score_fields[0], next(iter(card.overall))
    spends = [item.spend for item in played]
    producers = _producers(folder, played)
    types = sorted({row.group for row in judged})
    plain = all(m.bundle is None and m.chance is None for m in metric.measured(card.profile)[:1])
    groups = {group.name: group.means[first] for group in card.groups if first in group.means}
    figures = {} if plain else groups
    reasons = Counter(p.reason for p in played if p.reason and p.status is EpisodeStatus.INCOMPLETE)
    return RunReport(
        run=folder.record.id,
        planner=next((item.planner for item in played if item.planner), ""),
        dataset=folder.record.manifest.dataset.name,
        metric=metric.name,
        metric_version=metric.version,
        profile=card.profile,
        overall=_estimate(card.interval),
        measures=dict(card.overall),
        groups=groups,
        tally=OutcomeCounts.of(row.outcome for row in judged),
        spend=_total(spends),
        types=tuple(_type_row(name, headline, judged, played, figures.get(name)) for name in types),
        guesses=_guesses(headline, judged, played),
        scenes=len({item.task.scene_id for item in played}),
        epochs=folder.record.epochs,
        pass_at=_pass_at(folder.record.epochs, headline, played, judged),
        wall=seconds_at_work(span for item in played for span in item.spans),
        producers=producers,
        reference=any(producer.backend == REFERENCE for producer in producers),
        table=_had_table(folder, played),
        incomplete_reasons=dict(reasons.most_common(5)),
        failures=dict(_failures(judged).most_common(5)),
    )


def _failures(judged: Sequence[JudgedRow]) -> Counter[str]:
    """Reasons of failed rows, handles left out so that equal reasons are counted together."""
    failed = (row.failure for row in judged if row.outcome is Outcome.FAILED and row.failure)
    return Counter(re.sub(r"\b([a-z]+)_\d+\b", r"\1", reason) for reason in failed)


def _type_row(
    name: str,
    headline: str,
    judged: Sequence[JudgedRow],
    played: Sequence[Played],
    figure: float | None,
) -> TypeRow:
    """One type's row; ``figure`` is its score, 0..100, where that is no mean over rows."""
    mine = [(row, item) for row, item in zip(judged, played, strict=True) if row.group == name]
    rows, items = [row for row, _ in mine], [item for _, item in mine]
    interval = clustered_mean([row.values[headline] for row in rows], [r.scene_id for r in rows])
    return TypeRow(
        question_type=name,
        score=_estimate(interval, 100.0) if figure is None else Estimate(value=figure),
        tally=OutcomeCounts.of(row.outcome for row in rows),
        spend=_total([item.spend for item in items]),
        guesses=_guesses(headline, rows, items),
        scenes=len({row.scene_id for row in rows}),
    )


def _guesses(headline: str, rows: Sequence[JudgedRow], played: Sequence[Played]) -> Guesses:
    """How many answers were guesses, and what they scored."""
    scores = [
        100 * row.values[headline] for row, item in zip(rows, played, strict=True) if item.guess
    ]
    return Guesses(n=len(scores), score=sum(scores) / len(scores) if scores else 0.0)


def _total(spends: Sequence[Spend]) -> Spend:
    total = Spend()
    for item in spends:
        total = total.plus(item)
    return total


def _estimate(interval: Interval, scale: float = 1.0) -> Estimate:
    """In 0..100, and never outside: a t interval knows nothing of the ends of the scale. Only a
    figure above chance goes below 0, and says so by its bootstrap."""
    floor = min(0.0, interval.low or 0.0) if interval.method == "cluster-bootstrap" else 0.0
    low = None if interval.low is None else max(floor, interval.low * scale)
    high = None if interval.high is None else min(100.0, interval.high * scale)
    return Estimate(value=interval.estimate * scale, low=low, high=high)


def _pass_at(
    epochs: int, headline: str, played: Sequence[Played], judged: Sequence[JudgedRow]
) -> dict[int, Estimate]:
    """pass@k for k = 1, 2, 4, … up to the number of epochs; an attempt passes from 0.5."""
    if epochs < 2:
        return {}
    passed: Counter[str] = Counter()
    scenes: dict[str, str] = {}
    for item, row in zip(played, judged, strict=True):
        passed[item.task.id] += row.values[headline] >= 0.5
        scenes[item.task.id] = row.scene_id
    names = list(scenes)
    ks = [k for k in (1, 2, 4, 8, 16, 32) if k <= epochs]
    return {
        k: _estimate(
            pass_at_k_mean(
                [epochs] * len(names), [passed[n] for n in names], [scenes[n] for n in names], k
            ).value,
            100.0,
        )
        for k in ks
    }


def _producers(folder: RunFolder, played: Sequence[Played]) -> tuple[Producer, ...]:
    """Everyone who is on record as having answered, or as having been there to be asked: a
    baseline without tools asks nobody."""
    asked = folder.record.config.get("baseline", Baseline.ALL) == Baseline.ALL
    seen = set(folder.record.manifest.experts if asked else ()).union(
        *(item.producers for item in played)
    )
    return tuple(sorted(seen, key=lambda producer: (producer.name, producer.version)))


def _had_table(folder: RunFolder, played: Sequence[Played]) -> bool:
    """Whether `scene` was offered, or asked in a run that did not yet note what it offered."""
    asked = any(producer.name == TABLE for item in played for producer in item.producers)
    return asked or TABLE in folder.record.manifest.tools

"""Building a run's report from its episodes and their judgements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.report.record import Estimate, RunReport, Spend, Tally, TypeRow
from benchmarks.scorecard import JudgedRow, summarize
from benchmarks.scorers.base import Metric, Outcome
from benchmarks.spend import spend
from benchmarks.stats import Interval, clustered_mean, pass_at_k_mean
from memory.episodes import Episode
from memory.events import EpisodeStatus, Producer
from memory.manifest import ScheduledTask
from memory.runs import RunFolder

REFERENCE = "reference"
"""What reference experts call their backend."""


@dataclass(frozen=True, slots=True)
class Played:
    """One scheduled (task, epoch) with what happened to it, if anything did."""

    task: ScheduledTask
    epoch: int
    episode: Episode | None

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
    headline = metric.score_fields[0]
    spends = [spend(item.episode) if item.episode else Spend() for item in played]
    episodes = [item.episode for item in played if item.episode is not None]
    producers = _producers(folder, episodes)
    types = sorted({item.task.question_type for item in played})
    reasons = Counter(e.reason for e in episodes if e.status is EpisodeStatus.OWED)
    return RunReport(
        run=folder.record.id,
        planner=episodes[0].started.planner if episodes else "",
        suite=folder.record.manifest.suite.name,
        metric=metric.name,
        metric_version=metric.version,
        profile=card.profile,
        overall=_estimate(card.interval),
        groups={group.name: group.means[headline] for group in card.groups},
        tally=_tally(judged),
        spend=_total(spends),
        types=tuple(_type_row(name, headline, judged, spends) for name in types),
        scenes=len({item.task.scene_id for item in played}),
        epochs=folder.record.epochs,
        pass_at=_pass_at(folder.record.epochs, headline, played, judged),
        wall=_wall(episodes),
        producers=producers,
        reference=any(producer.backend == REFERENCE for producer in producers),
        owed_reasons=dict(reasons.most_common(5)),
    )


def _type_row(
    name: str, headline: str, judged: Sequence[JudgedRow], spends: Sequence[Spend]
) -> TypeRow:
    mine = [(row, cost) for row, cost in zip(judged, spends, strict=True) if row.group == name]
    rows = [row for row, _ in mine]
    interval = clustered_mean([row.values[headline] for row in rows], [r.scene_id for r in rows])
    return TypeRow(
        question_type=name,
        score=_estimate(interval, 100.0),
        tally=_tally(rows),
        spend=_total([cost for _, cost in mine]),
    )


def _tally(rows: Sequence[JudgedRow]) -> Tally:
    outcomes = Counter(row.outcome for row in rows)
    return Tally(
        scheduled=len(rows),
        scored=outcomes[Outcome.SCORED],
        failed=outcomes[Outcome.FAILED],
        owed=outcomes[Outcome.OWED],
    )


def _total(spends: Sequence[Spend]) -> Spend:
    total = Spend()
    for item in spends:
        total = total.plus(item)
    return total


def _estimate(interval: Interval, scale: float = 1.0) -> Estimate:
    """In 0..100, and never outside: a t interval knows nothing of the ends of the scale."""
    low = None if interval.low is None else max(0.0, interval.low * scale)
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


def _producers(folder: RunFolder, episodes: Sequence[Episode]) -> tuple[Producer, ...]:
    """Everyone who is on record as having answered, or as having been asked to."""
    seen = dict.fromkeys(folder.record.manifest.experts)
    for episode in episodes:
        for outcome in episode.outcomes:
            seen |= dict.fromkeys(outcome.producers)
    return tuple(sorted(seen, key=lambda producer: (producer.name, producer.version)))


def _wall(episodes: Sequence[Episode]) -> float:
    if not episodes:
        return 0.0
    return max(e.events[-1].t for e in episodes) - min(e.started.t for e in episodes)

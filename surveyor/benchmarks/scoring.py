"""Scoring a run: a pure step on its log, repeatable at any time, in a process of its own.

Here, and only here, answers meet targets. The denominator is everything that was scheduled: an
episode that failed, or is still incomplete, counts 0 and is counted.

Run as ``python -m surveyor.benchmarks.scoring RUN DATASET`` so that the process that plans never
holds an answer; `score_apart` does that.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from surveyor.benchmarks.evidence_answers import EpisodeEvidence, PlacedAnswer, placed
from surveyor.benchmarks.report.build import Played, build_report
from surveyor.benchmarks.report.record import RunReport, read_report
from surveyor.benchmarks.scan_points import Scans
from surveyor.benchmarks.scorecard import JudgedRow, ScheduledRow, judge, summarize
from surveyor.benchmarks.scorers.base import Metric
from surveyor.benchmarks.scorers.per_type import NAME as MIXED
from surveyor.benchmarks.scorers.per_type import metric_name_of, own_metric
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import read_manifest
from surveyor.core.errors import InfrastructureError, SurveyorError, UserError
from surveyor.core.tasks import Task
from surveyor.core.workers import python_module
from surveyor.memory.events import EpisodeStatus, Score
from surveyor.memory.manifest import ScheduledTask
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.truth import targets
from surveyor.scenes.targets import Target


def score_run(
    folder: RunFolder, dataset_path: Path, metric: str = "vsi", profile: str | None = None
) -> RunReport:
    """Write ``results.jsonl`` and ``report.json`` of a run and return the report.

    Raises `UserError` when the dataset is not the one that the run was made with.
    """
    scorer = metric_named(metric)
    scans = Scans(dataset_path)
    answers = _answers(folder, dataset_path)
    played = [Played.of(folder, task, epoch) for task, epoch in folder.scheduled()]
    rows = [
        scheduled_row(item.key, item.task, answers[item.task.id], scorer, scans) for item in played
    ]
    said = {item.key: _said(folder, item, scorer, scans) for item in played}
    predictions = {
        item.key: said[item.key].prediction
        for item in played
        if item.status is not EpisodeStatus.INCOMPLETE
    }
    judged = [
        replace(row, failure=said[item.key].problem or _cause(item) or row.failure)
        for item, row in zip(played, judge(scorer, rows, predictions, profile), strict=True)
    ]
    folder.write_results(_scores(scorer, profile, played, judged, answers, said))
    report = build_report(folder, scorer, profile, played, judged).model_copy(
        update=_by_profile(scorer, profile, rows, predictions)
    )
    folder.write("report.json", report.model_dump_json(indent=2).encode() + b"\n")
    return report


def _by_profile(
    metric: Metric,
    profile: str | None,
    rows: Sequence[ScheduledRow],
    predictions: Mapping[str, object],
) -> dict[str, object]:
    """The overall figure and its name under every profile of the metric; the shares of replies that
    it could not read, of those it guessed on, and of rows that score otherwise than by the chosen
    profile, all 0..100."""
    field = metric.score_fields[0]
    judged = {name: judge(metric, rows, predictions, name) for name in metric.profiles}
    cards = {name: summarize(metric, mine, name) for name, mine in judged.items()}
    ours = [row.values[field] for row in judged[metric.profile(profile)]]
    share = 100.0 / len(rows)
    return {
        "profiles": {name: card.headline for name, card in cards.items()},
        "headlines": {name: next(iter(card.overall)) for name, card in cards.items()},
        "unread": {name: share * card.unread for name, card in cards.items()},
        "scorer_guessed": {name: share * card.guessed for name, card in cards.items()},
        "differ": {
            name: share * sum(a != row.values[field] for a, row in zip(ours, mine, strict=True))
            for name, mine in judged.items()
        },
    }


def score_apart(
    folder: RunFolder, dataset_path: Path, metric: str = "vsi", profile: str | None = None
) -> RunReport:
    """`score_run` in a process of its own, for callers that must not hold the answers."""
    command = python_module(
        "surveyor.benchmarks.scoring", str(folder.path), str(dataset_path), metric
    )
    command += [profile] if profile else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 2:
        raise UserError(done.stderr.strip())
    if done.returncode != 0:
        raise InfrastructureError(f"scoring {folder.path} failed:\n{done.stderr.strip()}")
    return read_report(folder)


def metric_of(dataset: Path, types: Iterable[str] = ()) -> str:
    """The metric that a dataset says it is scored by, else that of the question types asked."""
    manifest = read_manifest(dataset)
    asked = tuple(types) or tuple(manifest.questions)
    return str(manifest.settings.get("metric") or metric_name_of(asked))


def _cause(item: Played) -> str | None:
    """Why an episode ended without an answer, which says more than that there is none."""
    ended = item.status in (EpisodeStatus.FAILED, EpisodeStatus.LIMIT)
    return item.reason if ended and item.reason else None


def _answers(folder: RunFolder, dataset_path: Path) -> Mapping[str, Target]:
    """Targets by task id, checked against what the run was asked."""
    asked = folder.record.manifest.dataset
    found = read_manifest(dataset_path)
    if asked.content_hash and asked.content_hash != found.content_hash:
        raise UserError(
            f"{folder.path} was made with another version of the dataset than {dataset_path} "
            f"({asked.content_hash[:12]}, not {found.content_hash[:12]})"
        )
    answers = {target.task_id: target for target in targets(dataset_path)}
    if absent := [task.id for task in folder.schedule if task.id not in answers]:
        raise UserError(f"{dataset_path} has no answer to task {absent[0]!r} of {folder.path}")
    return answers


def scheduled_row(
    key: str, task: Task | ScheduledTask, target: Target, metric: Metric, scans: Scans
) -> ScheduledRow:
    """A row with the fields that scorers read, under the published names, in its target's group,
    which may say more than an agent is told."""
    own = _own(metric, task.question_type)
    masked = "gt_indexes" in own.target_fields and "gt_indexes" not in target.payload
    fields = target_fields(target)
    if masked:
        fields |= scans[task.scene_id].fields(target.payload)
    return ScheduledRow(key, task.scene_id, _group(target, metric), fields)


def target_fields(target: Target) -> dict[str, object]:
    """A target as the fields that scorers read, under the published names."""
    return {
        "references": [target.answer],
        **target.payload,
        "question_type": target.question_type,
        "ground_truth": target.answer,
        "options": list(target.options),
    }


def _own(metric: Metric, question_type: str) -> Metric:
    """The metric that reads a row: of a mixed dataset, the row's own."""
    return (own_metric(question_type) if metric.name == MIXED else None) or metric


def _group(target: Target, metric: Metric) -> str:
    """What a row's score is reported under: the published kinds of grounding rows."""
    kind, unique = target.payload.get("eval_type"), target.payload.get("unique")
    if metric.name == "multi3drefer" and isinstance(kind, str):
        return kind
    if metric.name == "scanrefer" and isinstance(unique, bool):
        return "unique" if unique else "multiple"
    return target.question_type


def _said(folder: RunFolder, item: Played, metric: Metric, scans: Scans) -> PlacedAnswer:
    """An episode's answer as scorers read it; handles become what the log says of them."""
    if item.status is not EpisodeStatus.ANSWERED:
        return PlacedAnswer(None)

    def evidence() -> EpisodeEvidence:
        episode = folder.episode(item.task.id, item.epoch)
        kept = BlobStore(folder.path / "blobs")
        return EpisodeEvidence.of(episode.outcomes if episode else (), kept)

    own = _own(metric, item.task.question_type)
    return placed(own, item.answer, evidence, lambda: scans[item.task.scene_id])


def _scores(
    metric: Metric,
    profile: str | None,
    played: Sequence[Played],
    judged: Sequence[JudgedRow],
    answers: Mapping[str, Target],
    said: Mapping[str, PlacedAnswer],
) -> Iterator[Score]:
    scorer = f"{metric.name}/{metric.profile(profile)}@{metric.version}"
    for item, row in zip(played, judged, strict=True):
        yield Score(
            task_id=item.task.id,
            epoch=item.epoch,
            scorer=scorer,
            value=row.values[metric.score_fields[0]],
            status=item.status,
            prediction=item.answer or "",
            fields={
                **row.values,
                "outcome": row.outcome.value,
                "failure": row.failure or item.reason,
                "guess": item.guess,
                "scene_id": item.task.scene_id,
                "question_type": item.task.question_type,
                "correct": answers[item.task.id].answer,
                **said[item.key].recorded(),
            },
        )


def main(arguments: Sequence[str]) -> int:
    """``RUN DATASET [METRIC [PROFILE]]``; the exit code is 2 with one sentence on user mistakes."""
    run, dataset, *scorer = arguments
    try:
        score_run(RunFolder.open(Path(run)), Path(dataset), *scorer)
    except SurveyorError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A few episodes worth looking at: what was asked, what was done, what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from surveyor.benchmarks.report.misses import miss
from surveyor.benchmarks.report.pictures import PagePicture, pictures
from surveyor.benchmarks.report.plans import DrawnPlan, plan
from surveyor.benchmarks.tool_use import tool_use
from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import BLOBS
from surveyor.memory.episodes import Episode
from surveyor.memory.events import Score, ToolCall, ToolOutcome
from surveyor.memory.manifest import ScheduledTask
from surveyor.memory.runs import RunFolder

_LONG = 600


@dataclass(frozen=True, slots=True)
class ShownCall:
    """One tool call for the page; ``use`` is effective, redundant or failed."""

    name: str
    arguments: str
    text: str
    use: str
    cached: bool


@dataclass(frozen=True, slots=True)
class Try:
    """What one run made of the question; ``why`` is what the planner noted with its answer,
    ``miss`` in what way the answer is wrong."""

    run: str
    answer: str
    value: float
    status: str
    reason: str
    guess: bool
    why: str
    miss: str
    calls: tuple[ShownCall, ...]
    pictures: tuple[PagePicture, ...]
    plan: DrawnPlan | None


@dataclass(frozen=True, slots=True)
class Example:
    """One question with the correct answer, and every run's try at it."""

    task_id: str
    scene_id: str
    question_type: str
    question: str
    options: tuple[str, ...]
    correct: str
    tries: tuple[Try, ...]


def examples(
    folders: Sequence[RunFolder], stores: Sequence[BlobStore], most: int = 16
) -> tuple[Example, ...]:
    """Of every question type the task with the worst and the one with the best outcome.

    With several runs, the task on which they differ most comes first.
    """
    results = [{score.task_id: score for score in f.results() if score.epoch == 0} for f in folders]
    tasks = {task.id: task for task in folders[0].schedule}
    shared = [name for name in tasks if all(name in scores for scores in results)]
    chosen = list(_chosen(shared, tasks, results))[:most]
    return tuple(_example(tasks[name], folders, results, stores) for name in chosen)


def _chosen(
    names: Sequence[str],
    tasks: dict[str, ScheduledTask],
    results: Sequence[dict[str, Score]],
) -> Iterator[str]:
    by_type: dict[str, list[str]] = {}
    for name in names:
        by_type.setdefault(tasks[name].question_type, []).append(name)
    for _, mine in sorted(by_type.items()):

        def values(name: str) -> list[float]:
            return [scores[name].value for scores in results]

        telling = max(mine, key=lambda name: (max(values(name)) - min(values(name)), name))
        best = max(mine, key=lambda name: (sum(values(name)), name))
        worst = min(mine, key=lambda name: (sum(values(name)), name))
        picked = (best, telling) if len(results) > 1 else (best, worst)
        yield from dict.fromkeys(picked)


def _example(
    task: ScheduledTask,
    folders: Sequence[RunFolder],
    results: Sequence[dict[str, Score]],
    stores: Sequence[BlobStore],
) -> Example:
    played = [folder.episode(task.id, 0) for folder in folders]
    started = next((episode.started for episode in played if episode), None)
    return Example(
        task_id=task.id,
        scene_id=task.scene_id,
        question_type=task.question_type,
        question=started.question if started else "",
        options=started.options if started else (),
        correct=str(results[0][task.id].fields.get("correct", "")),
        tries=tuple(
            _try(folder, episode, scores[task.id], task, stores)
            for folder, episode, scores in zip(folders, played, results, strict=True)
        ),
    )


def _try(
    folder: RunFolder,
    episode: Episode | None,
    score: Score,
    task: ScheduledTask,
    stores: Sequence[BlobStore],
) -> Try:
    given = episode.given if episode else None
    kept = BlobStore(folder.path / BLOBS)

    def blob(sha256: str) -> bytes | None:
        return kept.get(sha256) if sha256 in kept else None

    return Try(
        run=folder.record.id,
        answer=score.prediction,
        value=score.value,
        status=str(score.status or ""),
        reason=str(score.fields.get("failure") or ""),
        guess=given is not None and given.guess,
        why=given.notes.get("why", "") if given else "",
        miss=miss(score, episode),
        calls=_calls(episode) if episode else (),
        pictures=pictures(episode, task.frames, stores) if episode else (),
        plan=plan(episode, blob) if episode else None,
    )


def _calls(episode: Episode) -> tuple[ShownCall, ...]:
    uses = tool_use(episode).uses
    outcomes = {outcome.call_id: outcome for outcome in episode.outcomes}
    return tuple(
        _call(call, outcomes.get(call.call_id), uses[call.call_id].value) for call in episode.calls
    )


def _call(call: ToolCall, outcome: ToolOutcome | None, use: str) -> ShownCall:
    return ShownCall(
        name=call.name,
        arguments=_shortened(call.raw_arguments),
        text=_shortened(outcome.text if outcome else "no result"),
        use=use,
        cached=bool(outcome and outcome.cached and not outcome.expert_calls),
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _LONG else text[:_LONG] + " …"

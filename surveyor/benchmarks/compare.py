"""Comparing two runs task by task: what one number minus another number hides.

Both runs must have been scored. Tasks are paired by id; a task's epochs are averaged first. The
difference is that of the benchmark's own overall score, with an interval from resampling scenes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from statistics import fmean

from pydantic import JsonValue

from surveyor.benchmarks.corruption_effect import ProbeReading, read_probe
from surveyor.benchmarks.report.record import Estimate, read_report, scoring_command
from surveyor.benchmarks.run.repeat import config_of
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.benchmarks.stats import Interval, PairedComparison, compare_runs
from surveyor.core.errors import UserError
from surveyor.core.records import FrozenRecord
from surveyor.core.wording import many
from surveyor.memory.runs import RunFolder


class Difference(FrozenRecord):
    """B against A on some tasks, 0..100. ``p`` is the two-sided bootstrap probability of no
    difference, ``mcnemar_p`` the exact one on right and wrong; ``only_a`` and ``only_b`` count
    tasks that one run alone got right. ``guesses_a`` and ``guesses_b`` count answers on these tasks
    that rest on nothing measured."""

    n: int
    a: float
    b: float
    difference: Estimate
    p: float
    mcnemar_p: float
    only_a: int
    only_b: int
    guesses_a: int = 0
    guesses_b: int = 0


class RunComparison(FrozenRecord):
    """Two runs side by side. ``unpaired_a`` and ``unpaired_b`` count tasks that only one run
    scheduled; they are left out. ``notes`` say what else differs between the runs. ``probe`` is
    there when the tools of one of them lied."""

    a: str
    b: str
    overall: Difference
    types: dict[str, Difference]
    unpaired_a: int
    unpaired_b: int
    notes: tuple[str, ...] = ()
    probe: ProbeReading | None = None


def compare(a: RunFolder, b: RunFolder, seed: int = 0) -> RunComparison:
    """Compare two scored runs.

    Raises `UserError` when one was never scored or lost its scores, when they were scored by
    different scorers, or when they share no task.
    """
    first, second = read_report(a), read_report(b)
    scorers = [(r.metric, r.metric_version, r.profile) for r in (first, second)]
    if scorers[0] != scorers[1]:
        raise UserError(
            f"{a.path} was scored by {_scorer(scorers[0])} and {b.path} by {_scorer(scorers[1])}; "
            "score both the same way first"
        )
    scores_a, scores_b = _means(a), _means(b)
    tasks = {task.id: task for task in (*a.schedule, *b.schedule)}
    scenes = {name: task.scene_id for name, task in tasks.items()}
    groups = {name: task.question_type for name, task in tasks.items()}
    metric = metric_named(first.metric)
    guesses = [_guesses(folder, scores_a.keys() & scores_b.keys()) for folder in (a, b)]
    headline = metric.measured(first.profile)[0]
    overall = compare_runs(
        scores_a,
        scores_b,
        scenes,
        groups=groups,
        averaging=headline.averaging,
        parents=headline.parents,
        seed=seed,
    )
    types = {}
    for kind in sorted({groups[name] for name in scores_a.keys() & scores_b.keys()}):
        mine = [{n: v for n, v in s.items() if groups[n] == kind} for s in (scores_a, scores_b)]
        guessed = [sum(counts[name] for name in mine[0]) for counts in guesses]
        types[kind] = _difference(compare_runs(mine[0], mine[1], scenes, seed=seed), guessed)
    return RunComparison(
        a=a.record.id,
        b=b.record.id,
        overall=_difference(overall, [counts.total() for counts in guesses]),
        types=types,
        unpaired_a=overall.n_only_a,
        unpaired_b=overall.n_only_b,
        notes=tuple(_notes(a, b)),
        probe=_probe(a, b),
    )


def _probe(a: RunFolder, b: RunFolder) -> ProbeReading | None:
    """Did answers move where tools lied? Only where they lied in one run and not in the other."""
    lied = [config_of(folder).corruption is not None for folder in (a, b)]
    if lied[0] == lied[1]:
        return None
    return read_probe(b, a) if lied[0] else read_probe(a, b)


def _means(folder: RunFolder) -> Mapping[str, float]:
    """The mean over its epochs of every task's score, 0..1; `UserError` where scores are gone."""
    values: dict[str, list[float]] = {}
    results = folder.results()
    for score in results:
        values.setdefault(score.task_id, []).append(score.value)
    there = {(score.task_id, score.epoch) for score in results}
    owed = [(t.id, epoch) for t, epoch in folder.scheduled() if (t.id, epoch) not in there]
    if owed:
        logs = sum(folder.episode_path(*key).exists() for key in owed)
        mend = scoring_command(folder) if logs else "its logs are gone too, put the folder back"
        total = many(len(folder.schedule) * folder.record.epochs, "score")
        raise UserError(f"{folder.path} lacks {len(owed)} of its {total} (results.jsonl): {mend}")
    return {name: fmean(mine) for name, mine in values.items()}


def _guesses(folder: RunFolder, tasks: Set[str]) -> Counter[str]:
    """How often each of the tasks was answered by a guess."""
    marked = (score.task_id for score in folder.results() if score.fields.get("guess") is True)
    return Counter(name for name in marked if name in tasks)


def _difference(pair: PairedComparison, guesses: Sequence[int]) -> Difference:
    return Difference(
        n=pair.difference.n_rows,
        a=100 * pair.mean_a,
        b=100 * pair.mean_b,
        difference=_percent(pair.difference),
        p=pair.p_value,
        mcnemar_p=pair.mcnemar.p_value,
        only_a=pair.mcnemar.only_a,
        only_b=pair.mcnemar.only_b,
        guesses_a=guesses[0],
        guesses_b=guesses[1],
    )


def _percent(interval: Interval) -> Estimate:
    ends = [None if end is None else 100 * end for end in (interval.low, interval.high)]
    return Estimate(value=100 * interval.estimate, low=ends[0], high=ends[1])


def _notes(a: RunFolder, b: RunFolder) -> list[str]:
    """What else is not the same, so that a difference is not laid at the wrong door."""
    one, two = a.record, b.record
    notes = [
        f"{key}: {in_words(one.config.get(key))} / {in_words(two.config.get(key))}"
        for key in sorted(one.config.keys() | two.config.keys())
        if key not in one.free and one.config.get(key) != two.config.get(key)
    ]
    for name in ("code", "python", "skills", "prompt"):
        ours, theirs = getattr(one.manifest, name), getattr(two.manifest, name)
        if ours != theirs:
            notes.append(f"{name}: {ours or '–'} / {theirs or '–'}")
    if one.manifest.dataset.content_hash != two.manifest.dataset.content_hash:
        notes.append("the runs were made with different versions of the dataset")
    if one.manifest.experts != two.manifest.experts:
        notes.append("different experts answered")
    return notes


def in_words(value: JsonValue) -> str:
    """A setting as a person writes it: ``preset perfect``, ``–`` for nothing."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {in_words(item)}" for key, item in value.items()) or "–"
    if isinstance(value, list):
        return ", ".join(map(in_words, value)) or "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value in (None, "") else str(value)


def _scorer(parts: tuple[str, str, str]) -> str:
    metric, version, profile = parts
    return f"{metric}/{profile} version {version}"

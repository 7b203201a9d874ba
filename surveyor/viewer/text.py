"""Runs and episodes in text, for people on a cluster: the same facts as on the pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from surveyor.agent.program.trace import narrate
from surveyor.benchmarks.compare import in_words
from surveyor.benchmarks.report.record import GUESSED_NOTE, RunReport, read_report
from surveyor.benchmarks.tool_use import tool_use
from surveyor.core.errors import UserError
from surveyor.memory.episodes import Episode
from surveyor.memory.events import EpisodeStatus, Score, ToolOutcome
from surveyor.memory.evidence import KINDS, chain
from surveyor.memory.log import read_events
from surveyor.memory.runs import RunFolder
from surveyor.viewer.episode_view import label

_MOST = 12


def run_row(name: str, folder: RunFolder) -> str:
    """One line: state, score, counts. States come from the ends of the logs alone."""
    states = [folder.status(task.id, epoch) for task, epoch in folder.scheduled()]
    ended = sum(s not in (None, EpisodeStatus.INCOMPLETE) for s in states)
    open_ = sum(s is EpisodeStatus.INCOMPLETE for s in states)
    report = _report(folder)
    score = f"{report.overall.value:6.1f}" if report else "     –"
    state = "ended" if ended == len(states) else f"{len(states) - ended} to do"
    if open_:
        state += f" ({open_} incomplete)"
    planner = in_words(folder.record.config.get("planner"))
    return f"{name:<36} {score}  {ended:>6} of {len(states):<6} {state:<24} {planner}"


def run_text(folder: RunFolder) -> Iterator[str]:
    """What a run came to, and what failed and why."""
    record = folder.record
    yield f"{record.id}: {record.manifest.dataset.name}, {in_words(record.config.get('planner'))}"
    report = _report(folder)
    if report is None:
        yield "not scored; `surveyor score` scores it"
        return
    ends = report.overall
    interval = "" if ends.low is None else f" [{ends.low:.1f}, {ends.high:.1f}]"
    tally = report.tally
    yield f"overall {ends.value:.1f}{interval}"
    yield f"scored {tally.scored}, failed {tally.failed}, incomplete {tally.incomplete}"
    if guesses := report.guesses.n:
        yield f"guesses {guesses}, their score {report.guesses.score:.1f}"
    if report.guessed_only:
        yield GUESSED_NOTE
    if report.reference:
        yield "answered by reference experts, which know the truth: an upper bound"
    for row in report.types:
        yield f"  {row.question_type:<36} {row.score.value:6.1f}  n {row.tally.scheduled}"
    for reason, count in {**report.failures, **report.incomplete_reasons}.items():
        yield f"  {count} x {reason}"
    worst = sorted(folder.results(), key=lambda score: score.value)[:5]
    yield "lowest scores (surveyor show RUN EPISODE):"
    for score in worst:
        yield f"  {score.task_id}  {100 * score.value:.0f}"


def episode_text(folder: RunFolder, name: str) -> Iterator[str]:
    """One episode: question, answer, steps and the chain from the answer to the frames."""
    task, epoch = named_episode(folder, name)
    episode = folder.episode(task, epoch)
    if episode is None:
        raise UserError(f"{task} has not begun in {folder.path}")
    score = {(s.task_id, s.epoch): s for s in folder.results()}.get((task, epoch))
    yield episode.started.question
    yield from (f"  {option}" for option in episode.started.options)
    yield _verdict(episode, score)
    if episode.given is not None and episode.given.guess and "why" in episode.given.notes:
        yield str(episode.given.notes["why"])
    uses = {key: use.value for key, use in tool_use(episode).uses.items()}
    outcomes = {outcome.call_id: outcome for outcome in episode.outcomes}
    yield "steps"
    for number, call in enumerate(episode.calls, start=1):
        yield _step(number, call.name, outcomes.get(call.call_id), uses.get(call.call_id, ""))
    yield "evidence"
    yield from _chain(episode)


def _verdict(episode: Episode, score: Score | None) -> str:
    given = episode.given
    text = "no answer" if given is None else f"answered {given.text}"
    text += " (a guess)" if given is not None and given.guess else ""
    if score is not None:
        correct = score.fields.get("correct")
        text += f"; correct {correct}" if correct not in (None, "") else ""
        text += f"; score {100 * score.value:.0f}"
    if episode.status is not EpisodeStatus.ANSWERED:
        text += f"; {episode.status.value}: {episode.reason}"
    return f"{text}; {episode.elapsed:.1f} s"


def _step(number: int, name: str, outcome: ToolOutcome | None, use: str) -> str:
    if outcome is None:
        return f"  {number:>2} {name}: no result"
    first = outcome.text.partition("\n")[0]
    first = first if len(first) <= 100 else first[:100] + " …"
    return f"  {number:>2} {name}: {first} [{use}, {outcome.elapsed:.1f} s]"


def _chain(episode: Episode) -> Iterator[str]:
    links = chain(episode)
    if not links.roots:
        yield "  none: the answer rests on nothing that was measured"
        return
    for kind in KINDS:
        mine = links.of(kind)
        if mine:
            told = [f"{node.handle} {label(node)}".strip() for node in mine[:_MOST]]
            more = f", and {len(mine) - _MOST} more" if len(mine) > _MOST else ""
            yield f"  {kind:<6} {', '.join(told)}{more}"


def episode_story(folder: RunFolder, name: str) -> str:
    """One episode in numbered sentences, from its events alone; `UserError` before it began."""
    task, epoch = named_episode(folder, name)
    path = folder.episode_path(task, epoch)
    if not path.exists():
        raise UserError(f"{task} has not begun in {folder.path}")
    return narrate(read_events(path))


def named_episode(folder: RunFolder, name: str) -> tuple[str, int]:
    """A task and an epoch by ``task``, ``task.epoch`` or a part that only one task has."""
    tasks = [task.id for task in folder.schedule]
    stem, _, last = name.rpartition(".")
    if name in tasks:
        return name, 0
    if last.isdecimal() and stem in tasks:
        return stem, int(last)
    close = [task for task in tasks if name in task]
    if len(close) == 1:
        return close[0], 0
    told = f"several fit: {', '.join(close[:5])}" if close else f"the first is {tasks[0]}"
    raise UserError(f"{folder.path} has no episode {name!r}; {told}")


def _report(folder: RunFolder) -> RunReport | None:
    try:
        return read_report(folder)
    except UserError:
        return None


def names_of(runs: Mapping[str, RunFolder]) -> Iterator[str]:
    """A line for every run, newest first; of one that cannot be read, why."""
    ordered = sorted(runs.items(), key=lambda item: item[1].record.created, reverse=True)
    for name, folder in ordered:
        try:
            yield run_row(name, folder)
        except UserError as error:
            yield f"{name}: {error}"

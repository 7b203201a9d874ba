"""What `surveyor rerun` does without a swap: finished episodes again, decision by decision.

The recorded decisions are taken again, whichever planner took them; no model is asked. Tools really
run and experts are asked anew, past the cache, so every result and answer that comes out the same
was not kept but made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from surveyor.agent.replay import ReplayPlanner
from surveyor.compose.configuration import config_to_replay
from surveyor.compose.session import Request, carry_out
from surveyor.core.errors import UserError
from surveyor.core.wording import many
from surveyor.memory.episodes import Episode
from surveyor.memory.runs import RunFolder


@dataclass(frozen=True, slots=True)
class Replayed:
    """How one episode came out again: ``results`` tool results, of which ``other`` say something
    else; ``first`` tells the first difference, and is empty where there is none."""

    task_id: str
    results: int
    other: int
    first: str


def replay_and_tell(
    original: Path, out: Path | None = None, experts: Path | None = None, *, trusted: bool = False
) -> tuple[Replayed, ...]:
    """Replay a run into a folder of its own and print what differs, one line an episode."""
    found = replay(original, out, experts, trusted=trusted)
    different = [one for one in found if one.first]
    print(
        f"{many(len(found), 'episode')} replayed, "
        f"{many(sum(one.results for one in found), 'tool result')}: "
        f"{many(len(different), 'episode')} came out otherwise"
    )
    for one in different:
        print(f"  {one.task_id}: {one.first}")
    return found


def replay(
    original: Path, out: Path | None = None, experts: Path | None = None, *, trusted: bool = False
) -> tuple[Replayed, ...]:
    """Take every recorded decision of a run's first epoch again.

    Raises `UserError` for a run that is not finished or that filed into a memory, for one that
    needs ``trusted``, and where no experts can be started for it.
    """
    before = RunFolder.open(original)
    config = config_to_replay(before, trusted=trusted).changed(epochs=1)
    if config.memory:
        raise UserError(
            f"{original} filed what it saw in {config.memory}; a replay would do so again"
        )
    finished = dict(_finished(before))
    planner = ReplayPlanner(lambda task: finished[task.id], config.planner)
    place = out or original.with_name(f"{original.name}-replayed")
    if (place / "run.json").exists():
        raise UserError(
            f"{place} holds a run already, and a replay has to be made anew: remove it, or name "
            "another folder with --out"
        )
    carry_out(Request(config, endpoints=experts, out=place, cached=False, planner=planner))
    after = RunFolder.open(place)
    return tuple(
        compared(task.id, finished[task.id], now)
        for task, epoch in after.scheduled()
        if (now := after.episode(task.id, epoch)) is not None
    )


def _finished(run: RunFolder) -> Iterator[tuple[str, Episode]]:
    for task, epoch in run.scheduled():
        if epoch:
            continue
        episode = run.episode(task.id, epoch)
        if episode is None or not episode.done:
            raise UserError(f"{task.id} is not finished; complete the run first (same command)")
        yield task.id, episode


def compared(task_id: str, then: Episode, now: Episode) -> Replayed:
    """One episode's tool results and answer beside those of its replay, in call order."""
    differing = [
        f"{old.name} said {new.text!r}, not {old.text!r}"
        for old, new in zip(then.outcomes, now.outcomes, strict=False)
        if (old.name, old.status, old.text) != (new.name, new.status, new.text)
    ]
    made, again = len(then.outcomes), len(now.outcomes)
    if made != again:
        differing.append(f"{again} tool results, not {made}")
    elif then.answer != now.answer:
        differing.append(f"answered {now.answer!r}, not {then.answer!r}")
    first = differing[0] if differing else ""
    return Replayed(task_id, made, len(differing), first)

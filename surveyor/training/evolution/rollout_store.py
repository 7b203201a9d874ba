"""Trials on disk: what was tried is never tried again, whoever was killed in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter

from surveyor.core.sqlite import Schema, connect, transaction
from surveyor.skills.distil.rollouts import Trial
from surveyor.skills.workflow import Workflow
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.exploration import Attempt

SCHEMA = Schema(
    name="trial store",
    application=0x53565431,
    version=1,
    script="""
    CREATE TABLE trials(
        world TEXT NOT NULL, task TEXT NOT NULL, workflow TEXT NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY(world, task, workflow)) WITHOUT ROWID;
    CREATE TABLE plans(
        run TEXT NOT NULL, round INTEGER NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY(run, round)) WITHOUT ROWID;
    """,
)

Try = tuple[Case, Workflow]
_PLAN: TypeAdapter[tuple[Attempt, ...]] = TypeAdapter(tuple[Attempt, ...])


class Play(Protocol):
    """Does tasks in given ways. ``world`` names planner, experts and everything else that the
    outcome depends on; trials of another world are not reused."""

    @property
    def world(self) -> str: ...

    async def play(self, tries: Sequence[Try]) -> Sequence[Trial]:
        """Trials in the order of ``tries``; outages come back as incomplete trials."""
        ...


class TrialStore:
    """Remembers trials by world, task and workflow."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path, SCHEMA)

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def get(self, world: str, task: str, workflow: str) -> Trial | None:
        """A settled trial, if there is one."""
        row = self._db.execute(
            "SELECT record FROM trials WHERE world=? AND task=? AND workflow=?",
            (world, task, workflow),
        ).fetchone()
        return Trial.model_validate_json(row[0]) if row else None

    def plan(self, run: str, round_: int) -> tuple[Attempt, ...] | None:
        """What a round of an evolution set out to try, if it began."""
        row = self._db.execute(
            "SELECT record FROM plans WHERE run=? AND round=?", (run, round_)
        ).fetchone()
        return _PLAN.validate_json(row[0]) if row else None

    def keep_plan(self, run: str, round_: int, attempts: tuple[Attempt, ...]) -> None:
        """Note what a round sets out to try, before it does."""
        record = _PLAN.dump_json(attempts).decode()
        with transaction(self._db) as db:
            db.execute("INSERT OR IGNORE INTO plans VALUES(?,?,?)", (run, round_, record))

    def all(self, world: str, tasks: Sequence[str]) -> list[Trial]:
        """Every settled trial of these tasks, by task and workflow."""
        query = "SELECT record FROM trials WHERE world=? AND task=? ORDER BY workflow"
        return [
            Trial.model_validate_json(row[0])
            for task in sorted(tasks)
            for row in self._db.execute(query, (world, task))
        ]

    def put(self, world: str, trials: Sequence[Trial]) -> None:
        """Keep settled trials; incomplete ones are forgotten, so that they are tried again."""
        rows = [
            (world, t.task_id, t.workflow.key, t.model_dump_json())
            for t in trials
            if not t.incomplete
        ]
        with transaction(self._db) as db:
            db.executemany("INSERT OR REPLACE INTO trials VALUES(?,?,?,?)", rows)


async def trials_of(
    store: TrialStore,
    play: Play,
    tries: Sequence[Try],
    *,
    batch: int = 32,
    progress: Callable[[int, int], None] | None = None,
) -> list[Trial]:
    """Trials in the order of ``tries``: from the store where it has them, else played."""
    found: dict[tuple[str, str], Trial] = {}
    incomplete: dict[tuple[str, str], Try] = {}
    for case, workflow in tries:
        known = store.get(play.world, case.id, workflow.key)
        if known is not None:
            found[case.id, workflow.key] = known
        else:
            incomplete[case.id, workflow.key] = (case, workflow)
    # Scene by scene, so that the experts' answers are still warm.
    todo = sorted(incomplete.values(), key=lambda t: (t[0].task.scene_id, t[0].id, t[1].key))
    for start in range(0, len(todo), batch):
        played = await play.play(todo[start : start + batch])
        store.put(play.world, played)
        found.update({(t.task_id, t.workflow.key): t for t in played})
        if progress is not None:
            progress(min(start + batch, len(todo)), len(todo))
    return [found[case.id, workflow.key] for case, workflow in tries]

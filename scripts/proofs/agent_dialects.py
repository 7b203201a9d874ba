"""One recorded run, played by an impersonated model in every dialect of the chat planner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agent.rehearsal import RehearsalServer
from agent.selfcheck.impersonate import Manner, chat_config, impersonator
from benchmarks.run.config import RunConfig
from memory.claims import Claim
from memory.runs import RunFolder
from scenes.suite import Suite
from scripts.demonstration import make_rooms
from scripts.running import finish, reference_experts
from scripts.wiring import Job

ROOMS = range(8950, 8953)
PRESET = "imperfect-detector"


def dialects(folder: Path) -> Iterator[Claim]:
    """Scores of the chat planner against those of the `program` planner whose turns it speaks."""
    suite, cache = folder / "suite", folder / "cache"
    make_rooms(suite, ROOMS)
    tasks = {task.id: task for task in Suite.open(suite).tasks()}
    with reference_experts(suite, PRESET, folder / "experts") as endpoints:
        base = RunConfig(suite=str(suite), expert_options={"preset": PRESET})
        finish(Job(suite, folder / "program", base, endpoints, cache))
        program = RunFolder.open(folder / "program")
        wanted = {score.task_id: score.value for score in program.results()}
        recorded = [
            (tasks[task.id], episode)
            for task, epoch in program.scheduled()
            if (episode := program.episode(task.id, epoch)) is not None
        ]
        for manner in Manner:
            with RehearsalServer(impersonator(recorded, manner), keep=False) as server:
                config = _chatting(base, server.url, manner)
                run = folder / manner.name.lower()
                finish(Job(suite, run, config, endpoints, cache))
            found = {s.task_id: s.value for s in RunFolder.open(run).results()}
            different = sum(found.get(task) != value for task, value in wanted.items())
            note = f"{len(wanted)} questions over HTTP"
            yield Claim.at_most(f"chat, {manner.value}: scores that differ", different, 0, note)


def _chatting(base: RunConfig, url: str, manner: Manner) -> RunConfig:
    options = chat_config(url, manner).model_dump(mode="json", exclude_none=True)
    return base.changed(
        planner="chat", planner_options=options, limits={"turns": 200, "tool_calls": 1000}
    )

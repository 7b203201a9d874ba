"""What can be measured on a handful of rooms without torch."""

from __future__ import annotations

import asyncio
import json
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from surveyor.agent.chat.capabilities import Capabilities
from surveyor.benchmarks.run.config import RunConfig
from surveyor.core.dataset import Dataset
from surveyor.core.tasks import Task
from surveyor.memory.events import SkillsRetrieved
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.skills.entries import RetrievedSkill
from surveyor.training.compact.drawing import name_of, skill_for
from surveyor.training.compact.language import decode, encode, template_words
from surveyor.training.compact.rollouts import play_run
from surveyor.training.compact.vocabulary import UNKNOWN, Vocabulary
from surveyor.training.export.write import RowDialect, write_sft
from surveyor.training.rewards.adherence import adherence
from surveyor.training.rows.records import Row
from surveyor.training.rows.source import RunSource
from tests.claims.claim import Claim

ROOMS = 3


def skills(task: Task, event: SkillsRetrieved) -> tuple[RetrievedSkill, ...]:
    """The drawn skill of an episode."""
    found = skill_for(event.snapshot, task.id)
    return (found,) if found else ()


def rolled_out(
    root: Path,
    *,
    held_out: bool = False,
    rooms: int = ROOMS,
    frames: int = 16,
    capabilities: Capabilities | None = None,
) -> RunSource:
    """The teacher on a few rooms under drawn workflows, with realistic experts."""
    dataset = root / f"rooms-{rooms}"
    settings = RoomsSettings(n_frames=frames, size=(160, 120), per_type=2, balance=False)
    make_rooms_dataset(dataset, range(900, 900 + rooms), settings=settings, split="train")
    config = RunConfig(
        dataset=str(dataset),
        skills=name_of(5, held_out=held_out),
        expert_options={"preset": "realistic"},
    )
    run, _ = asyncio.run(play_run(root / f"run-{rooms}-{held_out}", dataset, root / "work", config))
    can = capabilities or Capabilities(images=False)
    return RunSource(RunFolder.open(run.path), Dataset.open(dataset), skills, can, False)


def language(rows: list[Row]) -> Iterator[Claim]:
    """How much of the teacher the slot language holds, and how long an episode is."""
    words = Vocabulary.of(template_words(row.messages for row in rows))
    turns = same = 0
    sizes = []
    for row in rows:
        sizes.append(len(encode(row.messages, words).tokens))
        for k, message in enumerate(row.messages):
            if message["role"] != "assistant":
                continue
            before, after = encode(row.messages[:k], words), encode(row.messages[: k + 1], words)
            own = after.tokens[len(before.tokens) :]
            turns += 1
            try:
                said = decode(own, before.table)
            except ValueError:
                continue
            calls = [call["function"] for call in message.get("tool_calls") or ()]
            wanted = [(call["name"], json.loads(call["arguments"])) for call in calls]
            told = f"<answer>{said.answer}</answer>" if said.answer is not None else None
            same += list(said.calls) == wanted if calls else told == message["content"]
            same -= UNKNOWN in own
    note = f"{len(rows)} episodes, drawn workflows, realistic experts"
    yield Claim.at_least(
        f"of {turns} turns come back from slots as said", same / turns, 0.995, note
    )
    yield Claim.at_most("tokens an episode, median", sorted(sizes)[len(sizes) // 2], 220)
    yield Claim.at_most("tokens an episode, longest", max(sizes), 1024)


def teacher_adheres(source: RunSource) -> Iterator[Claim]:
    """The table that measures adherence finds the teacher without fault."""
    met = asked = 0
    for scheduled, epoch in source.folder.scheduled():
        skill = skill_for(str(source.folder.record.config["skills"]), scheduled.id)
        episode = source.folder.episode(scheduled.id, epoch)
        if skill is None or skill.workflow is None or episode is None:
            continue
        demands = adherence(episode, skill.workflow)
        met, asked = met + sum(demands.values()), asked + len(demands)
    yield Claim.at_least("demands of held-out workflows that the teacher meets", met / asked, 0.99)


def exporting(source: RunSource, root: Path) -> Iterator[Claim]:
    """Speed and memory of writing rows that were read, and of reading them."""
    count = sum(1 for _ in source.rows())  # what is made once for all of them is made here
    many, passes = 2000, 2000 // count + 1
    rates = sorted(_read_rate(source, count) for _ in range(passes))
    rows = list(source.rows())
    copies = (rows[k % len(rows)] for k in range(many))
    began = time.process_time()
    write_sft(root / "out", copies, RowDialect.SWIFT, [], [], vision=False)
    wrote = many / (time.process_time() - began)
    yield Claim.at_least("rows written a CPU-second", wrote, 2000, "of rows in memory, ms-swift")
    yield Claim.at_least(
        "episodes read a CPU-second, log to row",
        rates[-1],
        2000,
        f"least disturbed of {passes} passes over {count} episodes, median "
        f"{rates[passes // 2]:.0f}; one process",
    )
    peaks = [_peak(rows, root / f"m{number}", number) for number in (500, 4000)]
    yield Claim.at_most("peak memory, 4000 rows over 500", peaks[1] / peaks[0], 1.2)


def _read_rate(source: RunSource, count: int) -> float:
    began = time.process_time()
    for _ in source.rows():
        pass
    return count / (time.process_time() - began)


def _peak(rows: list[Row], out: Path, number: int) -> int:
    tracemalloc.start()
    copies = (rows[k % len(rows)] for k in range(number))
    write_sft(out, copies, RowDialect.SWIFT, [], [], vision=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak

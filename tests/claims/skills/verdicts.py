"""What the gate does with a skill that is bad, and with one that a change of experts makes bad.

Real episodes: the `program` planner and reference experts on small rooms made for the purpose.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.skills.documents import SkillDocument, compose
from surveyor.skills.gate import Comparison
from surveyor.skills.provenance import Origin, Provenance, Status
from surveyor.skills.workflow import PLAIN, SINGLE, Evidence, Frames, Join, Support, Workflow
from surveyor.training.evolution.cases import load_cases
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.players import LoggedPlayer
from surveyor.training.evolution.records import EvolveSettings
from surveyor.training.evolution.rounds import evolve
from surveyor.training.evolution.sessions import reference_player
from surveyor.training.evolution.verdicts import gate_skill
from tests.claims.claim import Claim

ROOMS = 32
FIRST_SEED = 52_000
COUNTING = "object_counting"
BEFORE = "perfect"
AFTER = "perfect:reconstruct.overlap=2"
"""After the change no two views share enough to be joined, so reconstruction registers nothing."""

ONE_LOOK = Workflow(
    frames=Frames(number=1),
    evidence=Evidence.BOXES,
    join=Join.BEST,
    support=Support(views=1, share=0.0),
)


def measure(rooms: int = ROOMS) -> Iterator[Claim]:
    """Three verdicts, each with the numbers behind it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = RoomsSettings(n_frames=8, size=(160, 120), types=(COUNTING,), per_type=4)
        made = []
        for name, first in (("gate", FIRST_SEED), ("later", FIRST_SEED + rooms)):
            made.append(Path(folder) / name)
            seeds = range(first, first + rooms)
            make_rooms_dataset(made[-1], seeds, settings=settings, split="train", name=name)
        yield from asyncio.run(_verdicts(Path(folder), *made))


async def _verdicts(folder: Path, dataset: Path, later: Path) -> list[Claim]:
    library, cases = Library(folder / "library"), load_cases([dataset])
    bad, good = _document("count-in-one-look", ONE_LOOK), _document("count-by-fusing", PLAIN)
    with library.open(builtin=False) as store:
        both = [(d, Provenance(origin=Origin.DISTILLED)) for d in (bad, good)]
        store.add_many(both, status=Status.CANDIDATE, action="planted")
    async with _player(dataset, folder, BEFORE) as player:
        kept = await gate_skill(library, bad.name, cases, player, PLAIN)
        promoted = await gate_skill(library, good.name, cases, player, SINGLE)
    async with _player(later, folder, AFTER) as player:
        report = await evolve(library, load_cases([later]), player, _settings())
    with library.open(builtin=False) as store:
        ends = (store.status(bad.version), store.status(good.version))
    return [
        Claim.holds(
            "gate: a planted bad skill of plausible text is not promoted",
            kept.action == "kept" and ends[0] is Status.CANDIDATE,
            note=_numbers(kept.comparison),
        ),
        Claim.holds(
            "gate: a good one, under the same experts, is",
            promoted.action == "promoted",
            note=_numbers(promoted.comparison),
        ),
        Claim.holds(
            "evolution: when a preset change makes it harmful, another takes its turn and it goes",
            ends[1] is Status.RETIRED,
            note=f"{BEFORE} to {AFTER}; "
            + "; ".join(_numbers(v.comparison) for r in report.rounds for v in r.verdicts),
        ),
    ]


def _settings() -> EvolveSettings:
    """One round on fresh rooms after the change, from the same default and a rival."""
    return EvolveSettings(default=SINGLE, space=(SINGLE, ONE_LOOK))


def _player(dataset: Path, folder: Path, preset: str) -> AbstractAsyncContextManager[LoggedPlayer]:
    name = preset.replace(":", "-")
    return reference_player([dataset], folder / f"rollouts-{name}", folder / name, preset=preset)


def _document(name: str, workflow: Workflow) -> SkillDocument:
    title = name.replace("-", " ").capitalize()
    sections = {
        "When to use": "The question asks how many objects of a kind a room holds.",
        "Workflow": "Look as the block below says; it is fast and has always been reliable.",
        "Evidence that suffices": "What the block asks for.",
        "Stop rules": "Stop after one pass.",
        "Fallbacks": "None are needed.",
        "Lessons": "- Looking longer was never better.",
    }
    description = f"{title}: count objects of a kind reliably. Use for 'how many'."
    metadata = {"question-types": COUNTING, "tools": "detect segment depth reconstruct"}
    return compose(name, description, metadata, title, sections, workflow)


def _numbers(found: Comparison) -> str:
    bound = "" if found.lower is None else f", lower bound {found.lower:+.3f}"
    return f"lift {found.lift:+.3f}{bound}; {found.tasks} tasks, {found.rooms} rooms"

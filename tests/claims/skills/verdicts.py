"""What the gate does with a skill that is bad, and with one that a change of experts makes bad.

Real episodes: the `program` planner and reference experts on small rooms made for the purpose.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.skills.documents import SkillDocument, compose
from surveyor.skills.gate import Comparison
from surveyor.skills.provenance import Origin, Provenance, Status
from surveyor.skills.workflow import PLAIN, SINGLE, Evidence, Frames, Join, Support, Workflow
from surveyor.training.evolution.cases import Case, load_cases
from surveyor.training.evolution.exploration import ExploreSettings
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.players import reference_play
from surveyor.training.evolution.records import EvolveSettings, Verdict
from surveyor.training.evolution.rollouts import ProgramPlay
from surveyor.training.evolution.rounds import evolve
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
        dataset = Path(folder) / "rooms"
        settings = RoomsSettings(n_frames=8, size=(160, 120), types=(COUNTING,), per_type=4)
        seeds = range(FIRST_SEED, FIRST_SEED + rooms)
        make_rooms_dataset(dataset, seeds, settings=settings, split="train", name="gate")
        yield from asyncio.run(_verdicts(Path(folder), dataset))


async def _verdicts(folder: Path, dataset: Path) -> list[Claim]:
    library, cases = Library(folder / "library"), load_cases([dataset])
    bad, good = _document("count-in-one-look", ONE_LOOK), _document("count-by-fusing", PLAIN)
    with library.open(seeds=False) as store:
        both = [(d, Provenance(origin=Origin.DISTILLED)) for d in (bad, good)]
        store.add_many(both, status=Status.CANDIDATE, action="planted")
    async with _player(dataset, folder, BEFORE) as play:
        kept = await gate_skill(library, bad.name, cases, play, PLAIN)
        promoted = await gate_skill(library, good.name, cases, play, SINGLE)
    async with _player(dataset, folder, AFTER) as play:
        retired = await _next_gate(library, cases, play, good.name)
    with library.open(seeds=False) as store:
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
            "gate: when a preset change makes it harmful, the next gate retires it",
            retired is not None and retired.action == "retired" and ends[1] is Status.RETIRED,
            note="never judged"
            if retired is None
            else f"{BEFORE} to {AFTER}; without it: {_numbers(retired.comparison)}",
        ),
    ]


async def _next_gate(
    library: Library, cases: Sequence[Case], play: ProgramPlay, name: str
) -> Verdict | None:
    """One round of evolution after the change, and its verdict on the skill."""
    settings = EvolveSettings(
        rounds=1,
        default=SINGLE,
        seeds=False,
        gate_share=0.75,
        explore=ExploreSettings(episodes=20, rivals=1),
    )
    report = await evolve(library, cases, play, settings)
    return next((v for v in report.rounds[0].verdicts if v.skill == name), None)


def _player(dataset: Path, folder: Path, preset: str) -> AbstractAsyncContextManager[ProgramPlay]:
    return reference_play([dataset], folder / preset.replace(":", "-"), preset=preset)


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

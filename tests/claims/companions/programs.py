"""Programs (APEIRIA): language, accounts, swapped experts, rewards; rows A1 to A7."""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from surveyor.agent.program.apeiria import apeiria_text, read_answer
from surveyor.agent.program.reading import read_program
from surveyor.benchmarks.compare import compare
from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.rerun import CHANGES, RerunChanges, Swaps, rerun
from surveyor.compose.session import Request, carry_out
from surveyor.core.workers import python_module
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.services.launch import up
from surveyor.training.rewards.boxes import box_reward, spoken_reward
from tests.agent.test_program_account import GOLDEN, NEAR, ROOM, round_trips
from tests.agent.test_program_language import value
from tests.claims.claim import Claim
from tests.claims.runner.crash_tests import kill_and_resume
from tests.support.program_cases import EXECUTED, compared
from tests.training.test_box_reward import advantages, clipped, row, spoken

ROOMS, HEAPS, ACCOUNTS = 500, 2000, 500
QUESTIONS, DROPPED = 200, "perfect:detect.miss=0.3"
TABLE_TYPES = (
    "object_counting", "object_abs_distance", "object_size_estimation", "room_size_estimation",
    "object_rel_distance", "object_rel_direction_easy", "object_rel_direction_hard", "scanrefer",
    "multi3drefer",
)  # fmt: skip


def measure() -> Iterator[Claim]:
    """The rows, cheap ones first."""
    yield from _defects()
    yield from _accounts()
    yield from _rewards()
    yield from _oracle()
    with tempfile.TemporaryDirectory(prefix="programs-") as folder, _own_cache(Path(folder)):
        dataset = _rooms(Path(folder) / "rooms")
        yield from _swapped_table(Path(folder), dataset)
        yield from _swapped_detector(Path(folder), dataset)
        yield from _killed(Path(folder), dataset)


def _oracle() -> Iterator[Claim]:
    asked: Counter[str] = Counter()
    without: Counter[str] = Counter()
    for name, heaped, count in (("rooms", False, ROOMS), ("heaps of boxes", True, HEAPS)):
        told, none, wrong = compared(range(count), heaped)
        note = f"{sum(told.values())} programs, {sum(none.values())} of them without an answer"
        yield Claim.at_most(f"A1 differences from brute force, {count} {name}", len(wrong), 0, note)
        asked, without = asked + told, without + none
    note = ", ".join(name for name in EXECUTED if not without[name])
    yield Claim.at_least(
        "A1 operators asked", len(asked), len(EXECUTED), f"always answered: {note}"
    )


def _defects() -> Iterator[Claim]:
    wanted = {
        "filter(scene(), night-stand)": "stand",
        "filter(scene(), 3d_printer)": "printer",
        "intersection(filter(scene(), desk))": "desk",
        "filter(filter(scene(), chair), black)": "chair_1",
        "relate(filter(scene(), lamp), filter(scene(), desk), above)": "lamp",
        "relate_multi(filter(scene(), night-stand), filter(scene(), chair), "
        "filter(scene(), chair), between)": "stand",
    }
    right = sum(getattr(value(text), "sure", ()) == (found,) for text, found in wanted.items())
    note = "names, sets of one, attributes, z up, relations without a known target"
    yield Claim.at_least("A2 programs that APEIRIA's code refuses or misjudges", right, 6, note)


def _accounts() -> Iterator[Claim]:
    count, wrong = round_trips(range(ACCOUNTS))
    yield Claim.at_most("A3 accounts not read back as they were", len(wrong), 0, f"of {count}")
    told = apeiria_text("the chair near the desk", read_program(NEAR), ROOM)
    yield Claim.holds("A3 APEIRIA's layout to the letter", told == GOLDEN, note="four objects")
    named = [one.handle for one in read_answer(told) or ()]
    yield Claim.holds("A3 its answer is read back", named == ["1"])


def _rewards() -> Iterator[Claim]:
    perfect = [box_reward(row(count), row(count)) for count in range(1, 6)]
    yield Claim.at_most(
        "A5 spread of perfect answers, 1 to 5 targets", max(perfect) - min(perfect), 1e-9
    )
    extra = max(box_reward([*row(k), *row(1)], row(k)) for k in range(1, 6))
    yield Claim.holds("A5 an extra object costs", extra < 1, f"{extra:.3f}")
    junk = max(
        spoken_reward("[APEIRIA SPEAKS]\nblah", []), spoken_reward("[APEIRIA THINKS]\nI", [])
    )
    yield Claim.at_most("A5 junk and cut thoughts where nothing is to be found", junk, 0)
    yield Claim.at_least("A5 a spoken perfect answer", spoken_reward(spoken(3), row(3)), 1 - 1e-9)
    hand = [0.8659, -0.8659, -0.8659, 0.8659]
    off = np.abs(advantages(np.array([1.0, 0.0, 0.0, 1.0])) - hand).max()
    yield Claim.at_most("A6 group advantage, off the hand numbers", float(off), 1e-4)
    bounds = clipped(np.array([0.1, 9.0]), np.ones(2), 0.2, 0.28)[1]
    yield Claim.at_most("A6 upper clip bound, off 1.28", abs(float(bounds) - 1.28), 1e-9)


@contextmanager
def _own_cache(folder: Path) -> Iterator[None]:
    before = os.environ.get("SURVEYOR_CACHE")
    os.environ["SURVEYOR_CACHE"] = str(folder / "cache")
    try:
        yield
    finally:
        if before is None:
            del os.environ["SURVEYOR_CACHE"]
        else:
            os.environ["SURVEYOR_CACHE"] = before


def _rooms(path: Path) -> Path:
    small = RoomsSettings(
        n_frames=12, size=(160, 120), types=TABLE_TYPES, per_type=4, balance=False, light_rays=1
    )
    make_rooms_dataset(path, range(9), settings=small)
    return path


def _swapped_table(folder: Path, dataset: Path) -> Iterator[Claim]:
    config = RunConfig(
        dataset=str(dataset),
        limit=QUESTIONS,
        planner_options={"workflow": "table"},
        expert_options={"preset": DROPPED},
    )
    first, _ = carry_out(Request(config, out=folder / "a"))
    with up(["scene"], [dataset], "perfect", folder / "exact") as exact:
        url = exact.endpoints.experts[0].url
        again = rerun(first, Swaps.read([f"scene={url}"]), folder / "b")
    told = RerunChanges.model_validate_json((again.path / CHANGES).read_bytes()).episodes
    both = compare(RunFolder.open(first), again).overall
    note = f"{len(told)} questions, table A lacks 30 %: {both.a:.1f}, exact table B: {both.b:.1f}"
    yield Claim.at_least("A4 questions", len(told), QUESTIONS)
    yield Claim.at_least("A4 score gained by swapping the table", both.b - both.a, 10, note)
    yield Claim.at_most("A4 plans that changed", sum(not one.same_plan for one in told), 0)
    off = sum(one.executed != one.dependants for one in told)
    yield Claim.at_most("A4 episodes that executed other steps than dependants", off, 0)


def _swapped_detector(folder: Path, dataset: Path) -> Iterator[Claim]:
    """The same with frames: what does not rest on the detector is not executed again."""
    types = ("object_counting", "object_abs_distance", "object_size_estimation")
    config = RunConfig(
        dataset=str(dataset), limit=30, types=types, expert_options={"preset": DROPPED}
    )
    first, _ = carry_out(Request(config, out=folder / "fa"))
    with up(["detect"], [dataset], "perfect", folder / "exact-detect") as exact:
        url = exact.endpoints.experts[0].url
        again = rerun(first, Swaps.read([f"detect={url}"]), folder / "fb")
    told = RerunChanges.model_validate_json((again.path / CHANGES).read_bytes()).episodes
    both = compare(RunFolder.open(first), again).overall
    steps, done = sum(one.steps for one in told), sum(one.executed for one in told)
    rest = sum(one.dependants for one in told)
    note = f"{len(told)} questions from frames: {both.a:.1f}, then {both.b:.1f}"
    yield Claim.holds("A4 steps that do not rest on the detector are kept", done < steps,
                      f"{steps - done} of {steps}", note)  # fmt: skip
    yield Claim.at_most("A4 steps executed beyond the detector's dependants", done - rest, 0)


def _killed(folder: Path, dataset: Path) -> Iterator[Claim]:
    """A rerun's runner is the run's; this one is killed twice and resumed."""
    whole = RunFolder.open(folder / "b")
    with up(["scene"], [dataset], "perfect", folder / "exact-again") as exact:
        options = ["--workflow", "table", "--limit", str(QUESTIONS)]
        options += ["--experts", str(exact.endpoints_file), "--out", str(folder / "killed")]
        command = python_module("surveyor.cli.main", "run", str(dataset), *options)
        sessions, rewritten = kill_and_resume(
            [sys.executable, *command[1:]], folder / "killed", QUESTIONS, (0.2, 0.6)
        )
    killed = RunFolder.open(folder / "killed")
    said, wanted = _answers(killed), _answers(whole)
    landed = sum(session.killed for session in sessions)
    yield Claim.at_least("A7 sessions that a kill -9 ended", landed, 2)
    yield Claim.at_most("A7 finished episodes that a resume changed", rewritten, 0)
    different = sum(said[key] != wanted[key] for key in wanted)
    yield Claim.at_most("A7 answers that differ from a whole run's", different, 0)


def _answers(folder: RunFolder) -> dict[tuple[str, int], str | None]:
    told = {}
    for task, epoch in folder.scheduled():
        episode = folder.episode(task.id, epoch)
        told[task.id, epoch] = episode.answer if episode else None
    return told

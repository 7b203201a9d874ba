from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from surveyor.core.errors import UserError
from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.provenance import Origin, Provenance, Status
from surveyor.skills.retrieve import Retriever
from surveyor.skills.snapshot import find_snapshot, open_snapshot
from surveyor.skills.workflow import PLAIN, Evidence, Frames, Join, Workflow
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.player import Player, RolloutRequest
from surveyor.training.evolution.policy import LibraryPolicy
from surveyor.training.evolution.records import EvolveReport, Plan, plot, round_line
from surveyor.training.evolution.rounds import evolve
from tests.skills.conftest import make_skill
from tests.training.synthetic import DrawnPlayer, cases, logged_player, settings, suited

ROOMS = 60


def run(root: Path, player: Player | None = None, **changes: Any) -> EvolveReport:
    chosen = settings(**changes)
    return asyncio.run(evolve(Library(root), cases(ROOMS), player or DrawnPlayer(suited()), chosen))


@pytest.fixture(scope="module")
def evolved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Library, EvolveReport]:
    root = tmp_path_factory.mktemp("library")
    return Library(root), run(root)


def plan_of(library: Library) -> Plan:
    (file,) = library.plans.glob("*.json")
    return Plan.model_validate_json(file.read_bytes())


def test_what_suits_is_found_and_promoted(evolved: tuple[Library, EvolveReport]) -> None:
    library, report = evolved
    with library.open(builtin=False) as store:
        policy = LibraryPolicy(Retriever(store), PLAIN)
        kind = "obj_appearance_order"
        mine = [c for c in cases(ROOMS) if c.profile.question_type == kind]
        chosen = [policy.choose(case) for case in mine]
        assert min(choice.workflow.frames.number for choice in chosen) >= 32
        order = store.get(chosen[0].version or "")
    assert order.lift > 0.05
    assert order.provenance.origin is Origin.DISTILLED
    assert order.provenance.episodes
    assert set(order.provenance.splits) == {"train"}
    (first,) = report.rounds
    assert first.best > first.plain == pytest.approx(first.utility)
    assert f"{first.count('promoted')} promoted" in round_line(first, 2)
    assert plot(report.rounds).count("\n") == 3


def test_fewer_arms_play_more_rooms(evolved: tuple[Library, EvolveReport]) -> None:
    rungs = evolved[1].rounds[0].rungs
    assert [len(r.utilities) for r in rungs] == sorted([len(r.utilities) for r in rungs])[::-1]
    assert [r.rooms for r in rungs] == [4, 12, 24]
    assert all({"library", PLAIN.key} <= set(r.utilities) for r in rungs)


def test_the_skills_of_a_bundle_pass_together_and_are_booked_once(
    evolved: tuple[Library, EvolveReport],
) -> None:
    (first,) = evolved[1].rounds
    promoted = [v for v in first.verdicts if v.action == "promoted"]
    assert promoted
    assert len({v.comparison.lift for v in promoted}) == 1
    assert [v.comparison.level > 0 for v in promoted] == [True, *[False] * (len(promoted) - 1)]


def test_nothing_learned_is_judged_on_its_own_rooms(evolved: tuple[Library, EvolveReport]) -> None:
    library, report = evolved
    plan = plan_of(library)
    teaching = {room for rung in plan.rungs for room in rung}
    assert teaching.isdisjoint(room for gate in plan.gates for room in gate)
    with library.open(builtin=False) as store:
        for skill in store.skills(None):
            assert set(skill.provenance.scenes) <= teaching
    snapshot = open_snapshot(find_snapshot(library.snapshots, report.snapshot))
    judged = next(c for c in cases(ROOMS) if c.room == plan.gates[0][0])
    with pytest.raises(UserError, match="learned from scene"):
        snapshot.refuse_overlap([judged.task])
    snapshot.refuse_overlap([c.task for c in cases(5, first=900, split="test")])


def test_the_same_evolution_gives_the_same_snapshot(
    evolved: tuple[Library, EvolveReport], tmp_path: Path
) -> None:
    library, report = evolved
    assert run(tmp_path).snapshot == report.snapshot
    assert run(library.root) == report


def test_every_gate_needs_fresh_rooms(
    evolved: tuple[Library, EvolveReport], tmp_path: Path
) -> None:
    run(tmp_path)
    with pytest.raises(UserError, match="fresh ones are needed"):
        run(tmp_path, seed=5)
    plan = plan_of(evolved[0])
    two = asyncio.run(
        evolve(Library(tmp_path / "two"), cases(ROOMS), DrawnPlayer(suited()), settings(2))
    )
    assert len(two.rounds) == 2
    first, second = plan_of(Library(tmp_path / "two")).gates
    assert not set(first) & set(second)
    assert set(first) | set(second) == set(plan.gates[0])


class Killed(BaseException):
    """Stands for the end of the process at any await."""


class MortalPlayer(DrawnPlayer):
    def __init__(self, lives: int) -> None:
        super().__init__(suited())
        self.lives = lives

    async def play(self, stage: str, requests: Sequence[RolloutRequest]) -> Sequence[Rollout]:
        if self.lives == 0:
            raise Killed
        self.lives -= 1
        return await super().play(stage, requests)


@pytest.mark.parametrize("lives", [0, 2, 3])
def test_an_evolution_that_stopped_anywhere_arrives_at_the_same_place(
    evolved: tuple[Library, EvolveReport], tmp_path: Path, lives: int
) -> None:
    for _ in range(2):
        with pytest.raises(Killed):
            run(tmp_path, MortalPlayer(lives))
    assert run(tmp_path).snapshot == evolved[1].snapshot


def test_kill_9_and_resume_give_the_same_snapshot(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.claims.skills.world"]
    root = Path(__file__).parents[2]

    def start(name: str) -> subprocess.Popen[str]:
        arguments = [*command, str(tmp_path / name), "24"]
        return subprocess.Popen(arguments, cwd=root, stdout=subprocess.PIPE, text=True)

    alone = start("alone").communicate()[0].splitlines()[-1]
    assert alone.startswith("snapshot ")
    first = start("killed")
    assert first.stdout is not None
    for line in first.stdout:
        if line.startswith("round-1-rung-2"):
            with pytest.raises(UserError, match="being evolved by another process"):
                run(tmp_path / "killed")
            os.kill(first.pid, signal.SIGKILL)
            break
    first.communicate()
    assert first.returncode == -signal.SIGKILL
    assert start("killed").communicate()[0].splitlines()[-1] == alone


def test_outages_teach_nothing_and_are_tried_again(tmp_path: Path) -> None:
    class Down(DrawnPlayer):
        async def play(self, stage: str, requests: Sequence[RolloutRequest]) -> Sequence[Rollout]:
            found = await super().play(stage, requests)
            return [r.model_copy(update={"incomplete": True, "score": 0.0}) for r in found]

    (report,) = run(tmp_path, Down(suited()), builtin=True).rounds
    assert report.incomplete == report.played > 0
    assert report.verdicts == ()


BAD = Workflow(frames=Frames(number=1), evidence=Evidence.BOXES, join=Join.BEST)


def plant(library: Library, name: str, workflow: Workflow, kind: str) -> str:
    skill = make_skill(name, metadata={"question-types": kind}, workflow=workflow)
    with library.open(builtin=False) as store:
        provenance = Provenance(origin=Origin.DISTILLED)
        store.add_many([(skill, provenance)], status=Status.ACTIVE, action="planted")
        store.record(skill.version, "planted", lift=0.5)
    return skill.version


def test_a_planted_bad_skill_loses_its_turn_and_goes(tmp_path: Path) -> None:
    library = Library(tmp_path)
    bad = plant(library, "count-quickly", BAD, "object_counting")
    run(tmp_path)
    with library.open(builtin=False) as store:
        assert store.status(bad) is Status.RETIRED
        assert store.ledger("count-quickly")[-1].action == "merged"
        policy = LibraryPolicy(Retriever(store), PLAIN)
        mine = [c for c in cases(4) if c.profile.question_type == "object_counting"]
        assert BAD not in {policy.workflow(c) for c in mine}


def test_a_good_skill_is_kept_when_nothing_beats_it(tmp_path: Path) -> None:
    library = Library(tmp_path)
    run(tmp_path)
    with library.open(builtin=False) as store:
        before = {s.ref for s in store.skills()}
    fresh = cases(ROOMS, first=500)
    (again,) = asyncio.run(evolve(library, fresh, DrawnPlayer(suited()), settings())).rounds
    with library.open(builtin=False) as store:
        after = {s.ref for s in store.skills()}
    assert again.count("promoted") or before == after


def test_test_scenes_and_too_few_rooms_are_refused(tmp_path: Path) -> None:
    player = DrawnPlayer(suited())
    with pytest.raises(UserError, match="split test"):
        asyncio.run(evolve(Library(tmp_path), cases(20, split="test"), player))
    with pytest.raises(UserError, match="too few"):
        asyncio.run(evolve(Library(tmp_path), cases(5), player))


def test_a_policy_uses_a_skill_only_for_its_own_questions(
    evolved: tuple[Library, EvolveReport],
) -> None:
    with evolved[0].open(builtin=False) as store:
        policy = LibraryPolicy(Retriever(store), Workflow())
        for case in cases(4, first=500):
            choice = policy.choose(case)
            if choice.version is not None:
                document = store.get(choice.version).document
                assert document.scope.covers(case.profile)
                assert policy.choose(case, without=choice.version).version != choice.version


def test_rollouts_are_run_folders_that_are_read_again(tmp_path: Path) -> None:
    library = Library(tmp_path)
    first = logged_player(library.rollouts, suited(), "one")
    asyncio.run(evolve(library, cases(24), first, settings()))
    made = sorted(p.name for p in library.rollouts.glob("*/run.json"))
    folders = {p.parent for p in library.rollouts.glob("*/run.json")}
    assert made
    assert any(f.name.startswith("round-1-rung-1-") for f in folders)
    written = {f: f.stat().st_mtime_ns for f in library.rollouts.glob("*/episodes/*.jsonl")}
    again = logged_player(library.rollouts, suited(), "one")
    asyncio.run(evolve(library, cases(24), again, settings()))
    requests = [RolloutRequest(c, PLAIN) for c in cases(24)[:9]]
    read = asyncio.run(again.play("later", requests))
    assert [r.task_id for r in read] == [r.case.id for r in requests]
    now = {f: f.stat().st_mtime_ns for f in library.rollouts.glob("*/episodes/*.jsonl")}
    assert all(now[f] == written[f] for f in written), "no settled episode was played again"


def test_rollouts_of_another_behaviour_are_stale(tmp_path: Path) -> None:
    request = RolloutRequest(cases(1)[0], PLAIN)
    for name, folders in (("one", 1), ("one", 1), ("two", 2)):
        player = logged_player(tmp_path, suited(), name)
        asyncio.run(player.play("stage", [request]))
        assert len(list(tmp_path.glob("*/run.json"))) == folders

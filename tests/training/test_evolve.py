from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from surveyor.core.errors import UserError
from surveyor.skills.distil.rollouts import Trial
from surveyor.skills.provenance import Origin, Provenance, Status
from surveyor.skills.retrieve import Retriever
from surveyor.skills.snapshot import find_snapshot, open_snapshot
from surveyor.skills.workflow import GUARDED, Evidence, Frames, Join, Restore, Workflow
from surveyor.training.evolution.cases import split_rooms
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.policy import LibraryPolicy
from surveyor.training.evolution.records import EvolveReport, plot, round_line
from surveyor.training.evolution.rollout_store import Try
from surveyor.training.evolution.rounds import evolve
from tests.skills.conftest import make_skill
from tests.training.synthetic import SyntheticPlay, cases, settings

ROOMS = 100


def run(root: Path, **changes: object) -> EvolveReport:
    chosen = settings(seeds=False, **changes)
    return asyncio.run(evolve(Library(root), cases(ROOMS), SyntheticPlay(), chosen))


@pytest.fixture(scope="module")
def evolved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Library, EvolveReport]:
    root = tmp_path_factory.mktemp("library")
    return Library(root), run(root)


def test_what_suits_is_found_and_promoted(evolved: tuple[Library, EvolveReport]) -> None:
    library, report = evolved
    with library.open(seeds=False) as store:
        policy = LibraryPolicy(Retriever(store), GUARDED)
        kind = "obj_appearance_order"
        mine = [c for c in cases(ROOMS) if c.card.question_type == kind]
        chosen = [policy.choose(case) for case in mine]
        assert min(choice.workflow.frames.number for choice in chosen) >= 32
        order = store.get(chosen[0].version or "")
    assert order.lift > 0.05
    assert order.provenance.origin is Origin.DISTILLED
    assert order.provenance.episodes
    assert set(order.provenance.splits) == {"train"}
    assert report.rounds[0].utility < report.rounds[1].utility
    assert "1 promoted" in round_line(report.rounds[0], 2)
    assert plot(report.rounds).count("\n") == 2


def test_nothing_learned_is_judged_on_its_own_rooms(evolved: tuple[Library, EvolveReport]) -> None:
    library, report = evolved
    explore, gate = split_rooms(cases(ROOMS), 0.5, 0)
    assert {c.room for c in explore}.isdisjoint(c.room for c in gate)
    with library.open(seeds=False) as store:
        for skill in store.skills(None):
            assert set(skill.provenance.scenes) <= {c.task.scene_id for c in explore}
    snapshot = open_snapshot(find_snapshot(library.snapshots, report.snapshot))
    with pytest.raises(UserError, match="learned from scene"):
        snapshot.refuse_overlap([gate[0].task])
    snapshot.refuse_overlap([c.task for c in cases(5, first=900, split="test")])


def test_the_same_evolution_gives_the_same_snapshot(
    evolved: tuple[Library, EvolveReport], tmp_path: Path
) -> None:
    library, report = evolved
    assert run(tmp_path).snapshot == report.snapshot
    again = run(library.root)
    assert again == report


class Killed(BaseException):
    """Stands for the end of the process at any await."""


class MortalPlay(SyntheticPlay):
    def __init__(self, lives: int) -> None:
        super().__init__()
        self.lives = lives

    async def play(self, tries: Sequence[Try]) -> Sequence[Trial]:
        if self.lives == 0:
            raise Killed
        self.lives -= 1
        return await super().play(tries)


@pytest.mark.parametrize("lives", [0, 3, 9])
def test_an_evolution_that_stopped_anywhere_arrives_at_the_same_place(
    evolved: tuple[Library, EvolveReport], tmp_path: Path, lives: int
) -> None:
    for more in (lives, lives + 1):
        with pytest.raises(Killed):
            asyncio.run(
                evolve(Library(tmp_path), cases(ROOMS), MortalPlay(more), settings(seeds=False))
            )
    assert run(tmp_path).snapshot == evolved[1].snapshot


def test_kill_9_and_resume_give_the_same_snapshot(
    evolved: tuple[Library, EvolveReport], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.claims.skills.world", str(tmp_path), str(ROOMS)]
    root = Path(__file__).parents[2]
    first = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    for line in first.stdout:
        if line.startswith("gate"):
            with pytest.raises(UserError, match="being evolved by another process"):
                run(tmp_path)
            os.kill(first.pid, signal.SIGKILL)
            break
    first.communicate()
    assert first.returncode == -signal.SIGKILL
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"snapshot {evolved[1].snapshot}"


def test_outages_teach_nothing_and_are_tried_again(
    evolved: tuple[Library, EvolveReport], tmp_path: Path
) -> None:
    class Flaky(SyntheticPlay):
        down = True

        async def play(self, tries: Sequence[Try]) -> Sequence[Trial]:
            trials = await super().play(tries)
            return [t.model_copy(update={"incomplete": True, "score": 0.0}) for t in trials]

    report = asyncio.run(evolve(Library(tmp_path), cases(ROOMS), Flaky(), settings(1, seeds=True)))
    assert report.rounds[0].incomplete == report.rounds[0].tried > 0
    assert report.rounds[0].findings == 0
    assert not any(v.action in {"promoted", "retired"} for v in report.rounds[0].verdicts)


def test_a_planted_bad_skill_is_not_promoted_and_is_retired(tmp_path: Path) -> None:
    library = Library(tmp_path)
    bad = make_skill(
        "count-quickly",
        "Count objects of a kind fast and reliably in one look. Use for 'how many'.",
        workflow=Workflow(
            frames=Frames(number=1),
            restore=Restore.NONE,
            evidence=Evidence.BOXES,
            join=Join.BEST,
        ),
    )
    with library.open() as store:
        provenance = Provenance(origin=Origin.DISTILLED)
        store.add_many([(bad, provenance)], status=Status.ACTIVE, action="planted")
        store.record(bad.version, "planted", lift=0.5)
    asyncio.run(evolve(library, cases(ROOMS), SyntheticPlay(), settings(1)))
    with library.open() as store:
        assert store.status(bad.version) is Status.RETIRED
        assert store.ledger("count-quickly")[-1].action == "retired"


def test_a_skill_that_a_changed_expert_makes_harmful_is_retired(
    evolved: tuple[Library, EvolveReport], tmp_path: Path
) -> None:
    run(tmp_path)
    with Library(tmp_path).open(seeds=False) as store:
        victim = next(
            s for s in store.skills() if s.document.scope.question_types[0].startswith("obj_app")
        )
    assert victim.document.workflow is not None
    changed = SyntheticPlay(harm=victim.document.workflow.key)
    two = settings(2, seeds=False)  # what took its turn in the first is retired in the second
    asyncio.run(evolve(Library(tmp_path), cases(ROOMS), changed, two))
    with Library(tmp_path).open(seeds=False) as store:
        assert store.status(victim.document.version) is Status.RETIRED


def test_skills_of_one_workflow_are_merged(tmp_path: Path) -> None:
    library = Library(tmp_path)
    general = make_skill("count-things")
    special = make_skill(
        "count-things-in-bad-light",
        metadata={"question-types": "object_counting", "scene": "poor_share > 0.5"},
    )
    with library.open(seeds=False) as store:
        provenance = Provenance(origin=Origin.DISTILLED)
        both = [(general, provenance), (special, provenance)]
        store.add_many(both, status=Status.ACTIVE, action="planted")
    asyncio.run(evolve(library, cases(ROOMS), SyntheticPlay(), settings(1, seeds=False)))
    with library.open(seeds=False) as store:
        assert store.ledger(special.name)[-1].action == "merged"


def test_test_scenes_and_too_few_rooms_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="split test"):
        asyncio.run(evolve(Library(tmp_path), cases(20, split="test"), SyntheticPlay()))
    with pytest.raises(UserError, match="too few"):
        asyncio.run(evolve(Library(tmp_path), cases(5), SyntheticPlay()))


def test_a_policy_uses_a_skill_only_for_its_own_questions(
    evolved: tuple[Library, EvolveReport],
) -> None:
    from surveyor.skills.retrieve import Retriever

    with evolved[0].open(seeds=False) as store:
        policy = LibraryPolicy(Retriever(store), Workflow())
        for case in cases(4, first=500):
            choice = policy.choose(case)
            if choice.version is not None:
                document = store.get(choice.version).document
                assert document.scope.covers(case.card)
                assert policy.choose(case, without=choice.version).version != choice.version

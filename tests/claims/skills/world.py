"""A world of made-up rollouts: which workflow suits which question is known, the noise is seeded.

Evolution is judged here where thousands of real episodes would say no more: does a killed one end
like one that was left alone, does a second one keep out. Its rollouts are real run folders, written
by the real loop around a planner that answers what the world decided. Run as a script it evolves a
library, for those who kill it.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from surveyor.agent.planner import Planner, PlannerInput, Turn
from surveyor.agent.scripted import Play, ScriptedPlanner
from surveyor.benchmarks.run.config import RunConfig
from surveyor.core.blobs import BlobRef, BlobStore
from surveyor.core.cameras import Frame
from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from surveyor.memory.events import ToolOutcome
from surveyor.memory.manifest import DatasetIdentity
from surveyor.scenes.questions.vsi import GENERATORS
from surveyor.skills.distil.rollouts import Cause, Rollout
from surveyor.skills.documents import SkillDocument
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.workflow import Evidence, Join, Restore, Workflow
from surveyor.tools.registry import Registry
from surveyor.tools.spec import Arguments, CallRequest, Effects, Tool, ToolResult
from surveyor.tools.workspace import Workspace
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.player import Player, RolloutRequest
from surveyor.training.evolution.players import LoggedPlayer
from surveyor.training.evolution.records import EvolveSettings
from surveyor.training.evolution.rollout_log import RolloutLog
from surveyor.training.evolution.rounds import evolve
from surveyor.training.evolution.scoring import Scored
from tests.claims.agent.instant_tools import no_experts

TYPES = ("object_counting", "obj_appearance_order", "object_size_estimation")
DATASET = "synthetic"


def draw(*parts: object) -> float:
    """Uniform in 0..1, decided by its arguments alone."""
    data = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return int.from_bytes(data[:6], "big") / 2**48


def cases(
    rooms: int, first: int = 0, split: str = "train", types: Sequence[str] = TYPES
) -> tuple[Case, ...]:
    """One question of each type a room; every other room is poorly lit."""
    made = []
    for number in range(first, first + rooms):
        scene = f"room_{number:06d}"
        poor = 0.9 if number % 2 else 0.0
        image = BlobRef(sha256=hashlib.sha256(scene.encode()).hexdigest(), media_type="x", size=1)
        for kind in types:
            task = Task(
                id=f"{scene}-{kind}",
                dataset=DATASET,
                scene_id=scene,
                split=split,
                question_type=kind,
                question=f"{kind.replace('_', ' ')}?",
                answer_kind="number",
                frames=(Frame(index=0, time=0, image=image),),
            )
            made.append(
                Case(task, SceneProfile(question_type=kind, views=24, poor_share=poor), scene)
            )
    return tuple(made)


def all_types() -> tuple[str, ...]:
    """The ten types of question that embedded rooms are asked."""
    return tuple(GENERATORS)


def chance(profile: SceneProfile, workflow: Workflow) -> float:
    """Expected score: what suits whom."""
    if profile.question_type == "obj_appearance_order":
        return 0.9 if workflow.frames.number >= 32 else 0.5
    score = 0.75
    if profile.question_type == "object_counting":
        score -= 0.3 * (workflow.evidence is Evidence.BOXES) + 0.2 * (workflow.join is Join.BEST)
    if profile.question_type == "object_size_estimation":
        score += 0.15 * (workflow.join is Join.VOTE)
    if profile.poor_share > 0.5 and workflow.restore is Restore.NONE:
        score -= 0.3
    return score


World = Callable[[Case, Workflow], float]
"""Score of a case done in a way."""


def suited(seed: int = 0, harm: str = "") -> World:
    """The world of `chance` with noise; ``harm`` lowers one workflow, as a changed expert would."""

    def score(case: Case, workflow: Workflow) -> float:
        mean = chance(case.profile, workflow) - 0.4 * (workflow.key == harm)
        luck = 0.5 * (draw(seed, case.id, workflow.key) - 0.5)
        return min(1.0, max(0.0, mean + luck + 0.2 * (draw(seed, case.room) - 0.5)))

    return score


def priced(workflow: Workflow) -> float:
    """Priced seconds, by the frames looked at."""
    return workflow.frames.number * 0.15


class DrawnPlayer:
    """Plays in memory what a world decides, for evolutions by the hundred."""

    def __init__(
        self,
        world: World,
        name: str = "",
        cost: Callable[[Workflow], float] = priced,
        answer: Callable[[Case, Workflow], str] | None = None,
    ) -> None:
        self._world, self._cost, self._answer = world, cost, answer
        self.behaviour = f"drawn {name}"
        self.played: dict[str, int] = {}

    def teach(self, documents: Mapping[str, SkillDocument]) -> None:
        """Nobody reads here."""

    async def play(self, stage: str, requests: Sequence[RolloutRequest]) -> Sequence[Rollout]:
        self.played[stage] = self.played.get(stage, 0) + len(requests)
        return [self.rollout(r.case, r.workflow) for r in requests]

    def rollout(self, case: Case, workflow: Workflow) -> Rollout:
        """One made-up rollout."""
        score = self._world(case, workflow)
        return Rollout(
            task_id=case.id,
            scene_id=case.task.scene_id,
            room=case.room,
            profile=case.profile,
            workflow=workflow,
            score=score,
            cost=self._cost(workflow),
            calls=4,
            effective=3,
            answer=self._answer(case, workflow) if self._answer else str(score),
            cause=Cause.NONE if score >= 0.6 else Cause.MISSED_OBJECT,
        )


class _Nothing(Arguments):
    """No arguments."""


class ScriptedStyle:
    """A planner that makes one call at its workflow's price and answers its score."""

    def __init__(self, world: World) -> None:
        self._world = world

    def skill(self, workflow: Workflow) -> None:
        """Nobody reads here."""

    def teach(self, documents: Mapping[str, SkillDocument]) -> None:
        """Nobody reads here."""

    def planner(self, workflow: Workflow) -> Planner:
        def script(task: Task, brief: PlannerInput) -> Play:
            name = f"look_{workflow.frames.number}"
            yield Turn(calls=(CallRequest("c", name, "{}"),))
            profile = SceneProfile(
                question_type=task.question_type,
                views=24,
                poor_share=0.9 if int(task.scene_id[-6:]) % 2 else 0.0,
            )
            score = self._world(Case(task, profile, task.scene_id), workflow)
            yield Turn(answer=repr(score), sources=("view_1",))

        return ScriptedPlanner(script)


class ScoredByAnswer:
    """Predictions of this world are their scores."""

    async def score(
        self, task_id: str, prediction: str | None, _outcomes: Sequence[ToolOutcome] = ()
    ) -> Scored:
        return Scored(float(prediction or 0.0))


def logged_player(
    rollouts: Path,
    world: World,
    name: str = "",
    watch: Callable[[str, int, int], None] | None = None,
) -> LoggedPlayer:
    """A player whose rollouts are real run folders under ``rollouts``."""

    def look(number: int) -> Tool[_Nothing]:
        async def run(_asked: _Nothing, _workspace: Workspace) -> ToolResult:
            return ToolResult("seen", handles=("view_1",), cost=number * 0.15)

        return Tool(f"look_{number}", "Looks.", _Nothing, Effects.EXPERT, run)

    log = RolloutLog(
        rollouts,
        RunConfig(dataset=DATASET, planner="scripted"),
        {"world": name},
        {DATASET: DatasetIdentity(name=DATASET)},
    )
    registry = Registry([look(n) for n in (4, 8, 16, 32, 64)])
    client = no_experts(BlobStore(rollouts / "blobs"))
    return LoggedPlayer(
        log,
        ScriptedStyle(world),
        registry,
        lambda case: Workspace(case.task, client),
        ScoredByAnswer(),
        progress=watch,
    )


def settings(rounds: int = 1, **changes: object) -> EvolveSettings:
    """The price of this world."""
    return EvolveSettings(rounds=rounds, price=0.005).model_copy(update=changes)


def say(*words: object) -> None:
    """A line for the test that reads along."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Evolve the library ``arguments[0]`` on so many rooms, saying each step and the snapshot."""
    library = Library(Path(arguments[0]))
    try:
        player: Player = logged_player(
            library.rollouts,
            suited(),
            watch=lambda stage, done, total: say(stage, done) if done % 16 == 0 else None,
        )
        report = asyncio.run(evolve(library, cases(int(arguments[1])), player, settings()))
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    say("snapshot", report.snapshot)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

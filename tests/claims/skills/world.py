"""A world of made-up trials: which workflow suits which question is known, the noise is seeded.

Evolution is judged here where hundreds of real episodes would say no more: does a killed one end
like one that was left alone, does a second one keep out. Run as a script it evolves a library, for
those who kill it.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from surveyor.core.blobs import BlobRef
from surveyor.core.cameras import Frame
from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from surveyor.skills.distil.rollouts import Cause, Trial
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.workflow import Evidence, Join, Restore, Workflow
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.exploration import ExploreSettings
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.records import EvolveSettings
from surveyor.training.evolution.rollout_store import Try
from surveyor.training.evolution.rounds import evolve

TYPES = ("object_counting", "obj_appearance_order", "object_size_estimation")


def draw(*parts: object) -> float:
    """Uniform in 0..1, decided by its arguments alone."""
    data = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return int.from_bytes(data[:6], "big") / 2**48


def cases(rooms: int, first: int = 0, split: str = "train") -> tuple[Case, ...]:
    """Three questions a room; every other room is poorly lit."""
    made = []
    for number in range(first, first + rooms):
        scene = f"room_{number:06d}"
        poor = 0.9 if number % 2 else 0.0
        image = BlobRef(sha256=hashlib.sha256(scene.encode()).hexdigest(), media_type="x", size=1)
        for kind in TYPES:
            task = Task(
                id=f"{scene}/{kind}",
                dataset="synthetic",
                scene_id=scene,
                split=split,
                question_type=kind,
                question=f"{kind.replace('_', ' ')}?",
                answer_kind="number",
                frames=(Frame(index=0, time=0, image=image),),
            )
            card = SceneProfile(question_type=kind, views=24, poor_share=poor)
            made.append(Case(task, card, scene))
    return tuple(made)


def chance(card: SceneProfile, workflow: Workflow) -> float:
    """Expected score: what suits whom."""
    if card.question_type == "obj_appearance_order":
        return 0.9 if workflow.frames.number >= 32 else 0.5
    score = 0.75
    if card.question_type == "object_counting":
        score -= 0.3 * (workflow.evidence is Evidence.BOXES) + 0.2 * (workflow.join is Join.BEST)
    if card.question_type == "object_size_estimation":
        score += 0.15 * (workflow.join is Join.VOTE)
    if card.poor_share > 0.5 and workflow.restore is Restore.NONE:
        score -= 0.3
    return score


class SyntheticPlay:
    """Plays by `chance`; ``harm`` lowers the scores of one workflow, as a changed expert would."""

    def __init__(self, seed: int = 0, harm: str = "", flat: bool = False) -> None:
        self.seed, self.harm, self.flat = seed, harm, flat
        self.played = 0

    @property
    def world(self) -> str:
        return f"synthetic {self.seed} {self.harm} {self.flat}"

    async def play(self, tries: Sequence[Try]) -> Sequence[Trial]:
        self.played += len(tries)
        return [self._trial(case, workflow) for case, workflow in tries]

    def _trial(self, case: Case, workflow: Workflow) -> Trial:
        mean = 0.6 if self.flat else chance(case.card, workflow)
        if workflow.key == self.harm:
            mean -= 0.4
        luck = 0.5 * (draw(self.seed, case.id, workflow.key) - 0.5)
        score = min(1.0, max(0.0, mean + luck + 0.2 * (draw(self.seed, case.room) - 0.5)))
        return Trial(
            task_id=case.id,
            scene_id=case.task.scene_id,
            room=case.room,
            card=case.card,
            workflow=workflow,
            score=score,
            cost=workflow.frames.number * 0.15,
            calls=4,
            effective=3,
            cause=Cause.NONE if score >= 0.6 else Cause.MISSED_OBJECT,
        )


def settings(rounds: int = 2, **changes: object) -> EvolveSettings:
    explore = ExploreSettings(episodes=1200, rivals=7)
    return EvolveSettings(rounds=rounds, explore=explore, price=0.005).model_copy(update=changes)


def say(*words: object) -> None:
    """A line for the test that reads along."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Evolve the library ``arguments[0]`` on so many rooms, saying each step and the snapshot."""
    try:
        report = asyncio.run(
            evolve(
                Library(Path(arguments[0])),
                cases(int(arguments[1])),
                SyntheticPlay(),
                settings(seeds=False),
                watch=lambda stage, done, total: say(stage, done),
            )
        )
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    say("snapshot", report.snapshot)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

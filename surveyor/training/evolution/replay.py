"""From a logged episode to a rollout: a pure function, so that evidence can be read again."""

from __future__ import annotations

from surveyor.benchmarks.usage import spend
from surveyor.memory.episodes import Episode
from surveyor.memory.events import EpisodeStatus
from surveyor.skills.distil.causes import attribute
from surveyor.skills.distil.rollouts import Cause, Rollout
from surveyor.skills.workflow import Workflow
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.scoring import Scored


def prediction(episode: Episode) -> str | None:
    """What is scored: the answer of an episode that came to one."""
    return episode.answer if episode.status is EpisodeStatus.ANSWERED else None


def replay(case: Case, workflow: Workflow, episode: Episode, scored: Scored | None) -> Rollout:
    """The rollout that an episode was; ``scored`` is ``None`` only for incomplete ones."""
    spent = spend(episode)
    incomplete = scored is None or episode.status is EpisodeStatus.INCOMPLETE
    score = 0.0 if scored is None else scored.score
    return Rollout(
        task_id=case.id,
        scene_id=case.task.scene_id,
        room=case.room,
        split=case.task.split,
        profile=case.profile,
        workflow=workflow,
        score=score,
        cost=spent.cost,
        calls=spent.calls,
        effective=spent.effective,
        answer=prediction(episode),
        model_calls=spent.model_calls,
        dollars=spent.dollars,
        incomplete=incomplete,
        cause=Cause.OUTAGE
        if incomplete
        else attribute(
            episode,
            case.profile,
            workflow,
            score,
            ratio=scored.ratio if scored else None,
            effective=spent.effective,
        ),
    )

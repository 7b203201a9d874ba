"""Who plays: requests in, rollouts out, whatever planner and experts are behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.documents import SkillDocument
from surveyor.skills.workflow import Workflow
from surveyor.training.evolution.cases import Case


@dataclass(frozen=True, slots=True)
class RolloutRequest:
    """A case to do in a given way."""

    case: Case
    workflow: Workflow

    @property
    def key(self) -> tuple[str, str]:
        """Task id and workflow key."""
        return self.case.id, self.workflow.key


def requests_for(wanted: Iterable[tuple[Case, Workflow]]) -> list[RolloutRequest]:
    """Each case with each workflow once, scene by scene so that the experts' answers stay warm."""
    requests = {
        (case.id, workflow.key): RolloutRequest(case, workflow) for case, workflow in wanted
    }
    return sorted(requests.values(), key=lambda r: (r.case.task.scene_id, *r.key))


class Player(Protocol):
    """Does tasks in given ways. ``behaviour`` names planner, tools, experts and all else that the
    outcome depends on: rollouts of another behaviour are stale."""

    @property
    def behaviour(self) -> str: ...

    def teach(self, documents: Mapping[str, SkillDocument]) -> None:
        """Take the wording of workflows, by their keys, for planners that read."""
        ...

    async def play(self, stage: str, requests: Sequence[RolloutRequest]) -> Sequence[Rollout]:
        """Rollouts in the order of the requests; outages come back as incomplete ones."""
        ...

"""Ways of choosing a workflow that an evolved library is held against."""

from __future__ import annotations

import random
from collections.abc import Sequence

from surveyor.skills.retrieve import Retriever
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.workflow import Workflow
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.policy import Chooser, LibraryPolicy

PROFILE_FIELDS = (
    "views", "width", "height", "luma", "contrast", "noise", "sharpness", "clutter",
    "poor_share", "overlap",
)  # fmt: skip
"""What `shuffled` moves from scene to scene; question type and operands stay."""


def shuffled(
    retriever: Retriever, default: Workflow, cases: Sequence[Case], seed: int = 0
) -> Chooser:
    """A library, told that each scene looks like another one drawn at random."""
    scenes = sorted({c.task.scene_id for c in cases})
    others = list(scenes)
    random.Random(seed).shuffle(others)
    looks: dict[str, SceneProfile] = {}
    for case in cases:
        looks.setdefault(case.task.scene_id, case.profile)
    donor = dict(zip(scenes, others, strict=True))
    policy = LibraryPolicy(retriever, default)

    def choose(case: Case) -> Workflow:
        other = looks[donor[case.task.scene_id]]
        fields = {name: getattr(other, name) for name in PROFILE_FIELDS}
        # Tasks without frames stay so: that is no look, but a different kind of task.
        seen = case.profile.views and other.views
        profile = case.profile.model_copy(update=fields) if seen else case.profile
        return policy.workflow(Case(case.task, profile, case.room))

    return choose

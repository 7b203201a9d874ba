"""The `program` planner's way of seeing where `survey` is offered and single calls are not."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from surveyor.agent.program.scene_builder import SceneBuilder, SceneEvidence, SceneView
from surveyor.agent.program.tool_calls import Caller, Steps
from surveyor.skills.workflow import Join, Workflow
from surveyor.tools.schemas import SurveyData

SURVEY = "survey"
"""The tool that looks at a place the way a skill says."""


class SurveyingBuilder(SceneBuilder):
    """Every look is one call of `survey`, which carries out the skill that the episode has."""

    def __init__(self, caller: Caller, workflow: Workflow) -> None:
        super().__init__(caller, workflow)
        self._every = workflow.stop is None

    def look(self, categories: Sequence[str], join: Join) -> Steps[SceneEvidence]:
        """See the asked categories, or only the place itself when none is asked."""
        return (yield from self._survey(categories=list(categories), join=join.value))

    def outlined(self, boxes: tuple[str, ...]) -> Steps[SceneEvidence]:
        """What boxes hold that are known already."""
        return (yield from self._survey(boxes=list(boxes)))

    def watch(self, categories: Sequence[str]) -> Steps[SceneEvidence]:
        """Detect the categories in the frames in time, and no more."""
        return (yield from self._survey(categories=list(categories), in_time=True))

    def missing(self, category: str) -> Steps[tuple[str, ...] | None]:
        """The place that was searched for a category without finding any."""
        sight = yield from self.look([category], self._workflow.join)
        if not sight.takes or any(take.objects for take in sight.takes):
            return None
        return tuple(take.place for take in sight.takes if take.place)

    def _survey(self, **arguments: JsonValue) -> Steps[SceneEvidence]:
        found = yield from self._caller.one(
            SURVEY, "look by the skill", every=self._every, **arguments
        )
        if found is None:
            return SceneEvidence((), Join.FUSE, 0.0)
        data = SurveyData.model_validate(found.data)
        rows = {row.handle: row for row in data.objects}
        takes = tuple(
            SceneView(tuple(rows[handle] for handle in take.objects), take.place, take.boxes)
            for take in data.takes
        )
        return SceneEvidence(takes, Join(data.join), data.registered)

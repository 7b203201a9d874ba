"""``scene()``: executing a workflow, from frames to objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from surveyor.agent.program.frame_search import FrameSearch, evenly
from surveyor.agent.program.tool_calls import Call, Caller, Steps, group, worked
from surveyor.agent.recall_tool import RECALL, RecalledData
from surveyor.core.geometry import Scale
from surveyor.memory.events import ToolOutcome
from surveyor.skills.workflow import Evidence, Join, MetricScale, Workflow
from surveyor.tools.objects import best_supported, well_supported
from surveyor.tools.schemas import ObjectRow, ObjectsData, ReconstructionData


@dataclass(frozen=True, slots=True)
class SceneView:
    """Objects that lie in one frame of reference, the handle to measure the floor on, and the
    handles of the detections where order of appearance is asked."""

    objects: tuple[ObjectRow, ...] = ()
    place: str | None = None
    boxes: tuple[str, ...] = ()

    def of(self, category: str) -> tuple[ObjectRow, ...]:
        """Accepted objects of a category, or the weak candidates where there are no others."""
        mine = [row for row in self.objects if row.category.casefold() == category.casefold()]
        return well_supported(mine, lambda row: row)

    def best(self, category: str) -> ObjectRow | None:
        """The best supported object of a category."""
        return best_supported(self.of(category), lambda row: row)

    @property
    def within(self) -> dict[str, JsonValue]:
        """Where a call looks up names: said for a view that stands alone, one of several."""
        apart = self.objects[:1] and self.objects[0].space.startswith("frame_")
        return {"within": self.objects[0].space} if apart else {}


@dataclass(frozen=True, slots=True)
class SceneEvidence:
    """What was seen: one take for a table or fused views, one a view where views stay apart.

    ``registered`` is the share of the frames that a reconstruction could use.
    """

    takes: tuple[SceneView, ...]
    join: Join
    registered: float = 1.0


class SceneBuilder:
    """Executes one workflow's way of seeing.

    What one look has chosen, mended, found and cut out is used again by the next, as when a
    fallback joins the same views another way: only what is new is asked for and paid.
    """

    def __init__(self, caller: Caller, workflow: Workflow) -> None:
        self._caller = caller
        self._workflow = workflow
        self._looker = FrameSearch(caller, workflow)
        self._masks: dict[tuple[str, ...], str] = {}

    def look(self, categories: Sequence[str], join: Join) -> Steps[SceneEvidence]:
        """See the asked categories, or only the place itself when none is asked."""
        if join is Join.TABLE:
            return (yield from self._table(categories))
        if join is Join.FUSE:
            return (yield from self._fused(categories))
        return (yield from self._apart(categories, join))

    def outlined(self, boxes: tuple[str, ...]) -> Steps[SceneEvidence]:
        """What boxes hold that are known already, in the space of the frames that show them."""
        (first,) = yield from self._caller.together(
            [Call("reconstruct", {"frames": [*self._caller.frames]})], "where things are"
        )
        if worked(first) is None:
            return SceneEvidence((), Join.FUSE, 0.0)
        recon = ReconstructionData.model_validate(first.data)
        handle = yield from self._in_metres(recon, boxes)
        objects = yield from self._objects(boxes, reconstruction=handle)
        return SceneEvidence((SceneView(objects, handle),), Join.FUSE)

    def watch(self, categories: Sequence[str]) -> Steps[SceneEvidence]:
        """Detect the categories in the frames in time, and no more."""
        looked = yield from self._looker.search(categories, in_time=True)
        return SceneEvidence((SceneView(boxes=looked.boxes),) if looked.frames else (), Join.BEST)

    def missing(self, category: str) -> Steps[tuple[str, ...] | None]:
        """What was searched for a category without finding any: frames, or the table's room.

        ``None`` where some was found, and where nothing could be searched.
        """
        if self._workflow.join is Join.TABLE:
            sight = yield from self._table([category])
            if not sight.takes or sight.takes[0].objects:
                return None
            return (sight.takes[0].place,) if sight.takes[0].place else ()
        look = yield from self._looker.search([category])
        return look.frames if look.searched and not look.hits else None

    def recall(self, categories: Sequence[str]) -> Steps[SceneEvidence | None]:
        """What is remembered of this place, if that is all that is asked about."""
        found = yield from self._caller.one(
            RECALL, "remember what was measured here", categories=list(categories), confidence=0.0
        )
        if found is None:
            return None
        take = SceneView(RecalledData.model_validate(found.data).objects)
        known = all(take.best(category) for category in categories)
        return SceneEvidence((take,), Join.FUSE) if known else None

    def _table(self, categories: Sequence[str]) -> Steps[SceneEvidence]:
        found = yield from self._caller.one(
            "scene", "ask for the object table", categories=list(categories)
        )
        if found is None:
            return SceneEvidence((), Join.TABLE)
        data = ObjectsData.model_validate(found.data)
        return SceneEvidence((SceneView(data.objects, data.room),), Join.TABLE)

    def _fused(self, categories: Sequence[str]) -> Steps[SceneEvidence]:
        first, look = yield from self._looker.beside(
            "reconstruct", categories, "register the views"
        )
        if first is None:
            return SceneEvidence((), Join.FUSE, 0.0)
        recon = ReconstructionData.model_validate(first.data)
        views = len(recon.registered) + len(recon.missing)
        registered = len(recon.registered) / max(views, 1)
        handle = yield from self._in_metres(recon, look.boxes)
        objects: tuple[ObjectRow, ...] = ()
        if look.boxes:
            objects = yield from self._objects(look.boxes, reconstruction=handle)
        return SceneEvidence((SceneView(objects, handle),), Join.FUSE, registered)

    def _in_metres(self, recon: ReconstructionData, boxes: tuple[str, ...]) -> Steps[str]:
        """The reconstruction in metres, where it can be; masks are cut in the turn that measures
        the depth, because neither waits for the other."""
        if recon.scale is not Scale.RELATIVE or self._workflow.scale is MetricScale.NONE:
            return recon.handle
        chosen = evenly(recon.registered, self._workflow.scale_frames)
        calls = [Call("depth", {"frames": [*chosen]}), *self._uncut(boxes)]
        measured, *cut = yield from self._caller.together(calls, "metric depth gives the scale")
        self._keep_masks(boxes, cut)
        depths = worked(measured)
        if depths is None:
            return recon.handle
        aligned = yield from self._caller.one(
            "align", "scale to metres", reconstruction=recon.handle, depths=[depths.handles[-1]]
        )
        return aligned.handles[0] if aligned is not None else recon.handle

    def _apart(self, categories: Sequence[str], join: Join) -> Steps[SceneEvidence]:
        why = "each view alone"
        first, look = yield from self._looker.beside("depth", categories, why, hits=True)
        if first is None:
            return SceneEvidence((), join)
        if not categories:
            return SceneEvidence((SceneView((), first.handles[-1]),), join)
        if not look.boxes:
            return SceneEvidence((), join)
        objects = yield from self._objects(look.boxes, depths=[first.handles[-1]])
        spaces = dict.fromkeys(row.space for row in objects)
        takes = tuple(
            SceneView(tuple(row for row in objects if row.space == space)) for space in spaces
        )
        return SceneEvidence(takes, join)

    def _objects(
        self, boxes: tuple[str, ...], **geometry: JsonValue
    ) -> Steps[tuple[ObjectRow, ...]]:
        uncut = self._uncut(boxes)
        if uncut:
            self._keep_masks(boxes, (yield from self._caller.together(uncut, "cut them out")))
        outlines: dict[str, JsonValue] = {"boxes": [*boxes]}
        if boxes in self._masks:
            outlines = {"masks": [self._masks[boxes]]}
        lifted = yield from self._caller.one("lift", "into space", **outlines, **geometry)
        if lifted is None or len(lifted.handles) < 2:
            return ()
        support = self._workflow.support
        fused = yield from self._caller.one(
            "fuse",
            "one object each",
            clouds=[lifted.handles[-1]],
            views=support.views,
            share=support.share,
        )
        return ObjectsData.model_validate(fused.data).objects if fused is not None else ()

    def _uncut(self, boxes: tuple[str, ...]) -> list[Call]:
        """The call that cuts masks, where the workflow wants them and there are none yet."""
        wanted = self._workflow.evidence is Evidence.MASKS and boxes and boxes not in self._masks
        return [Call("segment", {"boxes": [*boxes]})] if wanted else []

    def _keep_masks(self, boxes: tuple[str, ...], cut: Sequence[ToolOutcome]) -> None:
        for outcome in cut:
            masks = group(outcome)
            if masks is not None:
                self._masks[boxes] = masks

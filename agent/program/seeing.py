"""``scene()``: executing a workflow, from frames to objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from agent.program.calling import Call, Caller, Steps, worked
from agent.recall_tool import RECALL, RecalledData
from memory.events import ToolOutcome
from scenes.geometry import Scale
from skills.workflow import Evidence, Join, MetricScale, Restore, Workflow
from tools.rows import ObjectRow, ObjectsData, ReconstructionData


@dataclass(frozen=True, slots=True)
class Take:
    """Objects that lie in one frame of reference, the handle to measure the floor on, and the
    handle of the detections where order of appearance is asked."""

    objects: tuple[ObjectRow, ...] = ()
    place: str | None = None
    boxes: str | None = None

    def of(self, category: str) -> tuple[ObjectRow, ...]:
        """Accepted objects of a category, or the weak candidates where there are no others."""
        mine = [row for row in self.objects if row.category.casefold() == category.casefold()]
        return tuple(row for row in mine if row.accepted) or tuple(mine)

    def best(self, category: str) -> ObjectRow | None:
        """The best supported object of a category."""
        mine = self.of(category)
        return max(
            mine, key=lambda row: (row.confidence * row.support, row.confidence), default=None
        )


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen: one take for a table or fused views, one a view where views stay apart.

    ``registered`` is the share of the frames that a reconstruction could use.
    """

    takes: tuple[Take, ...]
    join: Join
    registered: float = 1.0


class Seer:
    """Executes one workflow's way of looking.

    What one look has chosen, mended, found and cut out is used again by the next, as when a
    fallback joins the same views another way: only what is new is asked for and paid.
    """

    def __init__(self, caller: Caller, workflow: Workflow) -> None:
        self._caller = caller
        self._workflow = workflow
        self._chosen: str | None = None
        self._boxes: dict[tuple[str, ...], str | None] = {}
        self._masks: dict[str, str] = {}

    def look(self, categories: Sequence[str], join: Join) -> Steps[Sight]:
        """See the asked categories, or only the place itself when none is asked."""
        if join is Join.TABLE:
            return (yield from self._table(categories))
        frames = yield from self._frames()
        if frames is None:
            return Sight((), join)
        if join is Join.FUSE:
            return (yield from self._fused(frames, categories))
        return (yield from self._apart(frames, categories, join))

    def watch(self, categories: Sequence[str]) -> Steps[Sight]:
        """Detect the categories in the frames, and no more."""
        frames = yield from self._frames()
        if frames is None:
            return Sight((), Join.BEST)
        found = yield from self._caller.one(
            "detect", "find the asked things", frames=[frames], phrases=list(categories)
        )
        handle = _group(found) if found is not None else None
        return Sight((Take(boxes=handle),), Join.BEST)

    def recall(self, categories: Sequence[str]) -> Steps[Sight | None]:
        """What is remembered of this place, if that is all that is asked about."""
        found = yield from self._caller.one(
            RECALL, "remember what was measured here", categories=list(categories), confidence=0.0
        )
        if found is None:
            return None
        take = Take(RecalledData.model_validate(found.data).objects)
        known = all(take.best(category) for category in categories)
        return Sight((take,), Join.FUSE) if known else None

    def _table(self, categories: Sequence[str]) -> Steps[Sight]:
        found = yield from self._caller.one(
            "scene", "ask for the object table", categories=list(categories)
        )
        if found is None:
            return Sight((), Join.TABLE)
        data = ObjectsData.model_validate(found.data)
        return Sight((Take(data.objects, data.room),), Join.TABLE)

    def _frames(self) -> Steps[str | None]:
        wanted = self._workflow.frames
        if self._chosen is None:
            found = yield from self._caller.one(
                "frames", "choose frames", policy=wanted.policy.value, number=wanted.number
            )
            if found is None:
                return None
            self._chosen = yield from self._restored(found.handles[0])
        return self._chosen

    def _restored(self, frames: str) -> Steps[str]:
        """The frames, made easier to see where the workflow says so and an expert can."""
        how = self._workflow.restore
        if how is Restore.NONE:
            return frames
        ways: dict[Restore, dict[str, bool]] = {
            Restore.DIM: {"guard": True, "soft": False},
            Restore.GUARD: {"guard": True},
            Restore.ALWAYS: {"guard": False},
        }
        why = "mend what is dark or noisy" + ("" if how is Restore.DIM else " or soft")
        done = yield from self._caller.one("restore", why, frames=[frames], **ways[how])
        return done.handles[-1] if done is not None else frames

    def _fused(self, frames: str, categories: Sequence[str]) -> Steps[Sight]:
        calls = [Call("reconstruct", {"frames": [frames]})]
        first, boxes = yield from self._beside(calls, frames, categories, "register the views")
        if worked(first) is None:
            return Sight((), Join.FUSE, 0.0)
        recon = ReconstructionData.model_validate(first.data)
        views = len(recon.registered) + len(recon.missing)
        registered = len(recon.registered) / max(views, 1)
        handle = yield from self._in_metres(recon)
        objects: tuple[ObjectRow, ...] = ()
        if boxes is not None:
            objects = yield from self._objects(boxes, reconstruction=handle)
        return Sight((Take(objects, handle),), Join.FUSE, registered)

    def _beside(
        self, calls: list[Call], frames: str, categories: Sequence[str], why: str
    ) -> Steps[tuple[ToolOutcome, str | None]]:
        """The first call's outcome and the boxes of the asked things, found in the same turn
        unless an earlier look has found them."""
        asked = tuple(categories)
        if asked and asked not in self._boxes:
            arguments: dict[str, JsonValue] = {"frames": [frames], "phrases": list(asked)}
            calls = [*calls, Call("detect", arguments)]
            why = f"{why}, find things"
        first, *rest = yield from self._caller.together(calls, why)
        if rest:
            self._boxes[asked] = _group(rest[0])
        return first, self._boxes.get(asked)

    def _in_metres(self, recon: ReconstructionData) -> Steps[str]:
        if recon.scale is not Scale.RELATIVE or self._workflow.scale is MetricScale.NONE:
            return recon.handle
        chosen = evenly(recon.registered, self._workflow.scale_frames)
        depths = yield from self._caller.one(
            "depth", "metric depth gives the scale", frames=list(chosen)
        )
        if depths is None:
            return recon.handle
        aligned = yield from self._caller.one(
            "align", "scale to metres", reconstruction=recon.handle, depths=[depths.handles[-1]]
        )
        return aligned.handles[0] if aligned is not None else recon.handle

    def _apart(self, frames: str, categories: Sequence[str], join: Join) -> Steps[Sight]:
        calls = [Call("depth", {"frames": [frames]})]
        first, boxes = yield from self._beside(calls, frames, categories, "each view alone")
        if worked(first) is None:
            return Sight((), join)
        if not categories:
            takes = tuple(Take((), handle) for handle in first.handles[:-1])
            return Sight(takes, join)
        if boxes is None:
            return Sight((), join)
        objects = yield from self._objects(boxes, depths=[first.handles[-1]])
        spaces = dict.fromkeys(row.space for row in objects)
        takes = tuple(Take(tuple(row for row in objects if row.space == space)) for space in spaces)
        return Sight(takes, join)

    def _objects(self, boxes: str, **geometry: JsonValue) -> Steps[tuple[ObjectRow, ...]]:
        outlines: dict[str, JsonValue] = {"boxes": [boxes]}
        if self._workflow.evidence is Evidence.MASKS:
            if boxes not in self._masks:
                masks = yield from self._caller.one("segment", "cut them out", boxes=[boxes])
                group = _group(masks) if masks is not None else None
                if group is not None:
                    self._masks[boxes] = group
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


def _group(outcome: ToolOutcome) -> str | None:
    """The group's handle of a call that gives single handles and a group, if it gave any."""
    return outcome.handles[-1] if worked(outcome) is not None and len(outcome.handles) > 1 else None


def evenly(handles: Sequence[str], number: int) -> tuple[str, ...]:
    """At most ``number`` of the handles, evenly spread."""
    if number >= len(handles):
        return tuple(handles)
    step = len(handles) / number
    return tuple(handles[int((position + 0.5) * step)] for position in range(number))

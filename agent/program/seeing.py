"""``scene()``: executing a workflow, from frames to objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from agent.program.calling import Call, Caller, Steps, worked
from memory.events import ToolOutcome
from scenes.geometry import Scale
from skills.workflow import Evidence, Frames, Join, MetricScale, Restore, Workflow
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
    """Executes one workflow's way of looking."""

    def __init__(self, caller: Caller, workflow: Workflow) -> None:
        self._caller = caller
        self._workflow = workflow

    def look(self, categories: Sequence[str], join: Join) -> Steps[Sight]:
        """See the asked categories, or only the place itself when none is asked."""
        if join is Join.TABLE:
            return (yield from self._table(categories))
        frames = yield from self._frames(self._workflow.frames)
        if frames is None:
            return Sight((), join)
        if join is Join.FUSE:
            return (yield from self._fused(frames, categories))
        return (yield from self._apart(frames, categories, join))

    def watch(self, categories: Sequence[str]) -> Steps[Sight]:
        """Detect the categories in the frames, and no more."""
        frames = yield from self._frames(self._workflow.frames)
        if frames is None:
            return Sight((), Join.BEST)
        found = yield from self._caller.one(
            "detect", "find the asked things", frames=[frames], phrases=list(categories)
        )
        handle = found.handles[-1] if found is not None and _found(found) else None
        return Sight((Take(boxes=handle),), Join.BEST)

    def _table(self, categories: Sequence[str]) -> Steps[Sight]:
        found = yield from self._caller.one(
            "scene", "ask for the object table", categories=list(categories)
        )
        if found is None:
            return Sight((), Join.TABLE)
        data = ObjectsData.model_validate(found.data)
        return Sight((Take(data.objects, data.room),), Join.TABLE)

    def _frames(self, wanted: Frames) -> Steps[str | None]:
        found = yield from self._caller.one(
            "frames", "choose frames", policy=wanted.policy.value, number=wanted.number
        )
        if found is None:
            return None
        return (yield from self._restored(found.handles[0]))

    def _restored(self, frames: str) -> Steps[str]:
        """The frames, made easier to see where the workflow says so and an expert can."""
        how = self._workflow.restore
        if how is Restore.NONE:
            return frames
        done = yield from self._caller.one(
            "restore",
            "mend what is dark, noisy or soft",
            frames=[frames],
            guard=how is Restore.GUARD,
        )
        return done.handles[-1] if done is not None else frames

    def _fused(self, frames: str, categories: Sequence[str]) -> Steps[Sight]:
        calls = [Call("reconstruct", {"frames": [frames]})]
        if categories:
            arguments: dict[str, JsonValue] = {"frames": [frames], "phrases": list(categories)}
            calls.append(Call("detect", arguments))
        first, *rest = yield from self._caller.together(calls, "register the views, find things")
        if worked(first) is None:
            return Sight((), Join.FUSE, 0.0)
        recon = ReconstructionData.model_validate(first.data)
        views = len(recon.registered) + len(recon.missing)
        registered = len(recon.registered) / max(views, 1)
        handle = yield from self._in_metres(recon)
        objects: tuple[ObjectRow, ...] = ()
        if rest and _found(rest[0]):
            objects = yield from self._objects(rest[0].handles[-1], reconstruction=handle)
        return Sight((Take(objects, handle),), Join.FUSE, registered)

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
        if categories:
            arguments: dict[str, JsonValue] = {"frames": [frames], "phrases": list(categories)}
            calls.append(Call("detect", arguments))
        first, *rest = yield from self._caller.together(calls, "each view alone")
        if worked(first) is None:
            return Sight((), join)
        if not rest:
            takes = tuple(Take((), handle) for handle in first.handles[:-1])
            return Sight(takes, join)
        if not _found(rest[0]):
            return Sight((), join)
        objects = yield from self._objects(rest[0].handles[-1], depths=[first.handles[-1]])
        spaces = dict.fromkeys(row.space for row in objects)
        takes = tuple(Take(tuple(row for row in objects if row.space == space)) for space in spaces)
        return Sight(takes, join)

    def _objects(self, boxes: str, **geometry: JsonValue) -> Steps[tuple[ObjectRow, ...]]:
        outlines: dict[str, JsonValue] = {"boxes": [boxes]}
        if self._workflow.evidence is Evidence.MASKS:
            masks = yield from self._caller.one("segment", "cut them out", boxes=[boxes])
            if masks is not None and len(masks.handles) > 1:
                outlines = {"masks": [masks.handles[-1]]}
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


def _found(outcome: ToolOutcome) -> bool:
    """Whether a call that gives single handles and a group of them gave any."""
    return worked(outcome) is not None and len(outcome.handles) > 1


def evenly(handles: Sequence[str], number: int) -> tuple[str, ...]:
    """At most ``number`` of the handles, evenly spread."""
    if number >= len(handles):
        return tuple(handles)
    step = len(handles) / number
    return tuple(handles[int((position + 0.5) * step)] for position in range(number))

"""`fuse`: join what views saw into objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.core.geometry import OrientedBox, Scale
from surveyor.tools.evidence_store import Arrays, StoredEvidence
from surveyor.tools.geometry.boxes import fit_upright_box
from surveyor.tools.geometry.floor import room_yaw
from surveyor.tools.geometry.fusing import Thing, fuse
from surveyor.tools.geometry.viewing import FusingRule, RegisteredView, Sighting, disagreement
from surveyor.tools.memoize import Memo, fingerprint
from surveyor.tools.objects import add_objects, say
from surveyor.tools.records import CloudRecord, ObjectRecord, ReconstructionRecord, ViewRecord
from surveyor.tools.schemas import ObjectsData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.workspace import Workspace

_Clouds = list[tuple[str, CloudRecord]]
_Boxed = list[tuple[Thing, OrientedBox]]
Found = list[tuple[ObjectRecord, tuple[str, ...]]]

# A handheld camera keeps things about this many metres away: guesses the unit of a relative
# reconstruction well enough for tolerances, never for measuring.
_USUAL_DEPTH = 2.5
_LEAST_POINTS = 6


@dataclass(frozen=True, slots=True, eq=False)
class FusionInput:
    """A reconstruction made ready: views, their numbers by frame, tolerances, walls' direction,
    and how many of its units make a metre."""

    views: list[RegisteredView]
    number: dict[str, int]
    rule: FusingRule
    yaw: float | None
    unit: float = 1.0


@dataclass(frozen=True, slots=True)
class FusionMemory:
    """What was fused before: by views, and by views and clouds."""

    places: Memo[FusionInput] = field(default_factory=lambda: Memo(16))
    things: Memo[_Boxed] = field(default_factory=lambda: Memo(256))


class FuseArguments(Arguments):
    """Clouds, and how many views must agree."""

    clouds: Annotated[tuple[str, ...], Field(min_length=1, description="cloud handles or groups")]
    views: Annotated[int, Field(ge=1, description="least number of supporting views")] = 2
    share: Annotated[
        float, Field(ge=0, le=1, description="least share of the views that could see it")
    ] = 0.2


async def _run(memo: FusionMemory, asked: FuseArguments, workspace: Workspace) -> ToolResult:
    rows = add_objects(workspace, fused_objects(memo, asked, workspace))
    group = workspace.group("objs", [row.handle for row in rows])
    text = f"{group}: {sum(row.accepted for row in rows)} objects"
    text = "\n".join([text, *(say(row) for row in rows)])
    return ToolResult(
        text=text,
        data=dump(ObjectsData(objects=tuple(rows))),
        handles=(*(row.handle for row in rows), group),
        sources=asked.clouds,
    )


def fused_objects(memo: FusionMemory, asked: FuseArguments, workspace: Workspace) -> Found:
    """The objects that clouds become, each with the handles of its clouds, best supported first."""
    clouds = workspace.expand(asked.clouds, CloudRecord)
    spaces: dict[str, _Clouds] = {}
    for handle, cloud in clouds:
        spaces.setdefault(cloud.space, []).append((handle, cloud))
    found: Found = []
    for space, here in spaces.items():
        if space.startswith("recon"):
            found += _common(memo, space, here, asked, workspace)
        else:
            found += [(_alone(cloud), (handle,)) for handle, cloud in here]
    return found


def _common(
    memo: FusionMemory, space: str, clouds: _Clouds, asked: FuseArguments, workspace: Workspace
) -> Found:
    recon = workspace.get(space, ReconstructionRecord)
    key = recon_key(recon)
    place = fusion_input(memo, recon)
    kept = StoredEvidence(workspace.experts.evidence, "things", _packed, _unpacked)
    found: Found = []
    for category in dict.fromkeys(cloud.category for _, cloud in clouds):
        mine = [(handle, cloud) for handle, cloud in clouds if cloud.category == category]
        seen = tuple((c.key, fingerprint(c.cloud.points), c.score) for _, c in mine)
        all_of_it, made = (key, place.yaw, seen), partial(_fused, mine, place)
        for thing, box in memo.things.get(all_of_it, partial(kept.get, all_of_it, made)):
            handles = tuple(mine[member][0] for member in thing.members)
            frames = tuple(dict.fromkeys(mine[member][1].frame for member in thing.members))
            record = _object(category, space, recon, thing, box, frames, asked)
            found.append((record, handles))
    return found


def recon_key(recon: ReconstructionRecord) -> tuple[object, ...]:
    """What everything computed from a reconstruction depends on."""
    return recon.scale.value, tuple(_view_key(view) for view in recon.views.values())


def fusion_input(memo: FusionMemory, recon: ReconstructionRecord) -> FusionInput:
    """A reconstruction made ready for fusing, once."""
    return memo.places.get(recon_key(recon), lambda: _place(recon))


def _view_key(view: ViewRecord) -> tuple[object, ...]:
    at = fingerprint(view.pose.T_world_camera)
    return view.frame, view.key, fingerprint(view.depth), at, view.intrinsics


def _packed(boxed: _Boxed) -> Arrays:
    """Points of all things in one array, and where each begins."""
    things = [thing for thing, _ in boxed]
    points = [thing.points for thing in things]
    boxes = [(box.center, box.size, *box.axes) for _, box in boxed]
    return {
        "boxes": np.array(boxes, np.float64).reshape(-1, 5, 3),
        "points": np.concatenate(points) if points else np.zeros((0, 3)),
        "counts": np.array([len(part) for part in points], np.int64),
        "members": np.array([m for thing in things for m in thing.members], np.int64),
        "sizes": np.array([len(thing.members) for thing in things], np.int64),
        "views": np.array([(t.support, t.visible) for t in things], np.int64).reshape(-1, 2),
        "scores": np.array([thing.score for thing in things], np.float64),
    }


def _unpacked(arrays: Arrays) -> _Boxed:
    points = _parts(arrays["points"], arrays["counts"])
    members = _parts(arrays["members"], arrays["sizes"])
    whole = zip(
        members, points, arrays["views"], arrays["scores"], arrays["boxes"].tolist(), strict=True
    )
    return [
        (
            Thing(tuple(map(int, who)), where, int(support), int(visible), float(score)),
            OrientedBox(center=box[0], size=box[1], axes=tuple(box[2:])),
        )
        for who, where, (support, visible), score, box in whole
    ]


def _parts(array: NDArray[Any], counts: NDArray[np.int64]) -> list[NDArray[Any]]:
    return np.split(array, np.cumsum(counts))[: len(counts)]


def _fused(clouds: _Clouds, place: FusionInput) -> _Boxed:
    sightings = [
        Sighting(
            place.number[cloud.frame], cloud.score, cloud.cloud.points, cloud.pixels, cloud.cut
        )
        for _, cloud in clouds
    ]
    things = fuse(sightings, place.views, place.rule)
    whole = [thing for thing in things if len(thing.points) >= _LEAST_POINTS]
    return [(thing, fit_upright_box(thing.points, place.yaw)) for thing in whole]


def _place(recon: ReconstructionRecord) -> FusionInput:
    views = [
        RegisteredView(view.pose, view.intrinsics, view.depth) for view in recon.views.values()
    ]
    yaw = room_yaw(recon.cloud.points) if len(recon.cloud.points) else None
    number = {frame: position for position, frame in enumerate(recon.views)}
    unit = _unit(recon, views)
    # Tolerances are in the reconstruction's unit, wider where its views disagree.
    rule = FusingRule().scaled(unit).loosened(disagreement(views, 0.5 * unit))
    return FusionInput(views, number, rule, yaw, unit)


def _unit(recon: ReconstructionRecord, views: list[RegisteredView]) -> float:
    """How many of the reconstruction's units make a metre, guessed where it is relative."""
    if recon.scale is not Scale.RELATIVE:
        return 1.0
    depths = [np.median(view.depth[view.depth > 0]) for view in views if view.depth.any()]
    return float(np.median(depths)) / _USUAL_DEPTH if depths else 1.0


def _object(
    category: str,
    space: str,
    recon: ReconstructionRecord,
    thing: Thing,
    box: OrientedBox,
    frames: tuple[str, ...],
    asked: FuseArguments,
) -> ObjectRecord:
    share = thing.support / thing.visible
    accepted = thing.support >= min(asked.views, thing.visible) and share >= asked.share
    return ObjectRecord(
        category=category,
        space=space,
        scale=recon.scale,
        world=recon.world,
        box=box,
        cloud=thing.points,
        support=thing.support,
        visible=thing.visible,
        confidence=round(share * thing.score, 4),
        accepted=accepted,
        frames=frames,
    )


def _alone(cloud: CloudRecord) -> ObjectRecord:
    """An object of a single view, in that view's own frame."""
    if not len(cloud.cloud.points):
        raise ModelMistake("an empty cloud cannot become an object")
    return ObjectRecord(
        category=cloud.category,
        space=cloud.space,
        scale=cloud.cloud.scale,
        box=fit_upright_box(cloud.cloud.points),
        cloud=cloud.cloud.points,
        support=1,
        visible=1,
        confidence=round(cloud.score * (0.7 if cloud.cut else 1.0), 4),
        frames=(cloud.frame,),
    )


def fuse_tool() -> Tool[FuseArguments]:
    """Join clouds into objects."""
    return Tool(
        "fuse",
        "Join clouds of one reconstruction into objects: outlines of several views that show the "
        "same thing become one, supported by the views that saw it out of those that could. "
        "Clouds that were lifted with depths alone become one object each, view by view.",
        FuseArguments,
        Effects.PURE,
        partial(_run, FusionMemory()),
    )

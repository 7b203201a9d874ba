"""`count`, `distance`, `size`, `nearest`, `direction`: numbers with units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.core.geometry import Float, OrientedBox, Pose, Vec3, require_metric
from surveyor.tools.geometry.bearings import Sectors, bearing, degrees_aside, direction_word
from surveyor.tools.geometry.boxes import box_distance, closest_points
from surveyor.tools.measuring.by_view import JoinViews, joining_views
from surveyor.tools.measuring.naming import (
    Objects,
    One,
    Within,
    every_object,
    frame_of_reference,
    is_handle,
    one_object,
)
from surveyor.tools.records import (
    FrameRecord,
    MeasureRecord,
    ObjectRecord,
    ReconstructionRecord,
)
from surveyor.tools.schemas import MeasureData, NearestData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.workspace import Workspace

Ends = Annotated[
    tuple[str, ...],
    Field(
        min_length=1,
        description="object handles or groups, or a name: the best supported object of that name",
    ),
]


class CountArguments(Arguments):
    """What to count."""

    objects: Annotated[
        tuple[str, ...],
        Field(description="object handles, groups or names; left out, all of a category"),
    ] = ()
    category: str | None = None
    weak: Annotated[bool, Field(description="count candidates with too little support as well")] = (
        False
    )
    within: Within = None
    join: JoinViews = None


class DistanceArguments(Arguments):
    """Two objects, or two sets of which the closest pair counts."""

    first: Ends
    second: Ends
    within: Within = None
    join: JoinViews = None


class SizeArguments(Arguments):
    """One object."""

    object: One
    within: Within = None
    join: JoinViews = None


class NearestArguments(Arguments):
    """From what, and among which."""

    anchor: One
    candidates: Annotated[
        tuple[str, ...],
        Field(
            min_length=1,
            description="object handles or groups, or names: then every object of that name "
            "beside the anchor counts, weak ones only where there are no others",
        ),
    ]
    within: Within = None
    join: JoinViews = None


class DirectionArguments(Arguments):
    """Stand by one object, face another, look for a third; or stand where a frame was taken."""

    stand: Annotated[
        str,
        Field(
            description="an object, or a name: the best supported object of that name; or a frame: "
            "where its camera stood"
        ),
    ]
    face: Annotated[
        str | None,
        Field(description="an object or a name; may be left out for a frame: as its camera did"),
    ] = None
    query: Annotated[str, Field(description="an object, a name or a frame")]
    reconstruction: Annotated[
        str | None, Field(description="where frames stood, when no object says")
    ] = None
    sectors: Annotated[
        Sectors,
        Field(
            description="easy: left/right; medium: left/right/back; hard: the four quadrants; "
            "compass: what is faced lies to the north"
        ),
    ] = Sectors.HARD
    within: Within = None
    join: JoinViews = None


def measurement(
    workspace: Workspace,
    value: float | str,
    unit: str,
    text: str,
    sources: tuple[str, ...],
    between: tuple[Vec3, ...] = (),
    space: str = "",
) -> ToolResult:
    """One measured number or word, told with ``text`` and kept under a handle of its own."""
    handle = workspace.add("meas", MeasureRecord(value, unit), sources)
    data = MeasureData(handle=handle, value=value, unit=unit, points=between, space=space)
    return ToolResult(text=f"{handle}: {text}", data=dump(data), handles=(handle,), sources=sources)


def _same_space(objects: Objects) -> None:
    spaces = {record.space for _, record in objects}
    if len(spaces) > 1:
        raise ModelMistake(
            f"these objects lie in different frames ({', '.join(sorted(spaces))}); measure within "
            "one frame, or fuse them in one reconstruction"
        )


async def _count(asked: CountArguments, workspace: Workspace) -> ToolResult:
    if asked.category is None and "objects" not in asked.model_fields_set:
        raise ModelMistake("count what? name a category, or objects by their handles")
    said = asked.objects or ((asked.category,) if asked.category is not None else ())
    space, found = frame_of_reference(said, workspace, asked.within), dict(Objects())
    for one in said:
        named = not is_handle(one, workspace)
        for handle, record in every_object((one,), space, workspace, weak=asked.weak):
            if named or record.accepted or asked.weak:
                found[handle] = record
    wanted = asked.category.casefold() if asked.objects and asked.category else None
    objects = [
        (handle, record)
        for handle, record in found.items()
        if wanted in (None, record.category.casefold())
    ]
    _same_space(objects)
    handles = tuple(handle for handle, _ in objects)
    name = asked.category or "object"
    listed = f" ({', '.join(handles)})" if handles else ""
    others = [f"{h} is a {record.category}" for h, record in found.items() if h not in handles]
    listed += f"; not counted: {', '.join(others)}" if others else ""
    return measurement(workspace, len(objects), "", f"{len(objects)} {name}(s){listed}", handles)


def apart(first: ObjectRecord, second: ObjectRecord) -> float:
    """Distance in metres between the closest points of two objects' boxes.

    Boxes, because they bound what was seen on every side: the far side of an object, which no
    view showed, may be the closest to the other.
    """
    for record in (first, second):
        require_metric(record.scale, f"the {record.category}")
    return box_distance(first.box, second.box)


async def _distance(asked: DistanceArguments, workspace: Workspace) -> ToolResult:
    space = frame_of_reference((*asked.first, *asked.second), workspace, asked.within)
    first, second = (_ends(said, space, workspace) for said in (asked.first, asked.second))
    _same_space([*first, *second])
    pairs = [(apart(one, other), a, b) for a, one in first for b, other in second if a != b]
    if not pairs:
        raise ModelMistake("a distance needs two different objects; these sets hold one or none")
    value, a, b = min(pairs)
    one, other = dict(first)[a], dict(second)[b]
    ends = tuple(_place(point) for point in closest_points(one.box, other.box))
    text = f"{value:.2f} m between the closest points of {a} and {b}"
    return measurement(workspace, round(value, 4), "m", text, (a, b), ends, one.space)


def _ends(said: Sequence[str], space: str | None, workspace: Workspace) -> Objects:
    """Handles and groups with all their objects, names with their best."""
    return [
        found
        for one in said
        for found in (
            workspace.expand((one,), ObjectRecord)
            if is_handle(one, workspace)
            else [one_object(one, space, workspace)]
        )
    ]


def _place(point: Float) -> Vec3:
    x, y, z = (round(float(value), 4) for value in point)
    return (x, y, z)


def _longest_edge(box: OrientedBox) -> tuple[Vec3, Vec3]:
    """The ends of a box's longest extent, through its centre."""
    k = int(np.argmax(box.size))
    half = np.array(box.axes[k]) * box.size[k] / 2
    return _place(np.array(box.center) - half), _place(np.array(box.center) + half)


async def _size(asked: SizeArguments, workspace: Workspace) -> ToolResult:
    space = frame_of_reference((asked.object,), workspace, asked.within)
    handle, record = one_object(asked.object, space, workspace)
    require_metric(record.scale, handle)
    edges = sorted(record.box.size, reverse=True)
    text = f"{handle} is {edges[0]:.2f} m long ({' x '.join(f'{e:.2f}' for e in edges)} m)"
    ends = _longest_edge(record.box)
    return measurement(workspace, round(edges[0], 4), "m", text, (handle,), ends, record.space)


async def _nearest(asked: NearestArguments, workspace: Workspace) -> ToolResult:
    space = frame_of_reference((asked.anchor,), workspace, asked.within)
    near, anchor = one_object(asked.anchor, space, workspace)
    candidates = every_object(asked.candidates, anchor.space, workspace)
    _same_space([(near, anchor), *candidates])
    best: dict[str, tuple[float, str]] = {}
    for handle, record in candidates:
        if handle != near:
            found = (apart(anchor, record), handle)
            best[record.category] = min(best.get(record.category, found), found)
    if not best:
        raise ModelMistake(
            "there is no candidate besides the anchor itself; name other objects, or categories "
            "that were found in the same frame of reference"
        )
    ranked = sorted(best.items(), key=lambda item: item[1])
    order = tuple((category, round(found[0], 4)) for category, found in ranked)
    sources = (near, *(found[1] for _, found in ranked))
    handle = workspace.add("meas", MeasureRecord(order[0][0], ""), sources)
    listed = ", ".join(f"{category} {metres:.2f} m" for category, metres in order)
    absent = [one for one in asked.candidates if not every_object((one,), anchor.space, workspace)]
    unseen = f"; not found: {', '.join(absent)}" if absent else ""
    return ToolResult(
        text=f"{handle}: from {near}, nearest first: {listed}{unseen}",
        data=dump(NearestData(handle=handle, order=order)),
        handles=(handle,),
        sources=sources,
    )


async def _direction(asked: DirectionArguments, workspace: Workspace) -> ToolResult:
    roles = {"stand": asked.stand, "face": asked.face, "query": asked.query}
    said = {role: one for role, one in roles.items() if one is not None}
    named = frame_of_reference(said.values(), workspace, asked.within or asked.reconstruction)
    objects = {
        role: one_object(one, named, workspace)
        for role, one in said.items()
        if not workspace.stands_for(one, (FrameRecord,))
    }
    handles = {role: objects[role][0] if role in objects else one for role, one in said.items()}
    if len(set(handles.values())) < len(handles):
        raise ModelMistake("stand, face and query must be three different things")
    _same_space(list(objects.values()))
    space = next((record.space for _, record in objects.values()), asked.reconstruction)
    where = {role: np.array(record.box.center) for role, (_, record) in objects.items()}
    cameras = {r: _camera(h, space, workspace) for r, h in handles.items() if r not in where}
    where |= {role: pose.position for role, pose in cameras.items()}
    if asked.face is None and "stand" not in cameras:
        raise ModelMistake("say what is faced; only a frame faces something of its own")
    stand, query = where["stand"], where["query"]
    face = where["face"] if "face" in where else stand + cameras["stand"].forward
    angle = bearing(stand, face, query)
    word = direction_word(angle, asked.sectors)
    side = "left" if angle >= 0 else "right"
    aside = abs(degrees_aside(angle))
    facing = handles.get("face", "as its camera did")
    text = f"{word}: standing at {handles['stand']} and facing {facing}, {handles['query']} is " + (
        f"{aside} degrees to the {side}" if aside else "straight ahead"
    )
    told = f"bearing {np.degrees(angle):.1f} degrees"
    return measurement(workspace, word, told, text, tuple(handles.values()))


def _camera(handle: str, space: str | None, workspace: Workspace) -> Pose:
    """Where a frame was taken, in the frame of reference of a reconstruction."""
    if space is None:
        raise ModelMistake("name the reconstruction that the frames are registered in")
    record = workspace.get(space, ReconstructionRecord)
    view = record.views.get(workspace.get(handle, FrameRecord).original)
    if view is None:
        raise ModelMistake(
            f"{handle} is not registered in {space}; choose from {', '.join([*record.views][:8])}"
        )
    return view.pose


def count_tool() -> Tool[CountArguments]:
    """Count objects."""
    return Tool(
        "count",
        "Count objects.",
        CountArguments,
        Effects.PURE,
        joining_views(_count, lambda asked: asked.objects or (asked.category or "object",), True),
    )


def distance_tool() -> Tool[DistanceArguments]:
    """Closest-point distance."""
    return Tool(
        "distance",
        "Distance in metres between the closest points of two objects (or of two sets).",
        DistanceArguments,
        Effects.PURE,
        joining_views(_distance, lambda asked: (*asked.first, *asked.second)),
    )


def size_tool() -> Tool[SizeArguments]:
    """Edge lengths."""
    return Tool(
        "size",
        "Edge lengths of an object in metres.",
        SizeArguments,
        Effects.PURE,
        joining_views(_size, lambda asked: [asked.object]),
    )


def nearest_tool() -> Tool[NearestArguments]:
    """Which category is nearest."""
    return Tool(
        "nearest",
        "Rank categories by the closest-point distance of their nearest instance to an anchor.",
        NearestArguments,
        Effects.PURE,
        joining_views(_nearest, lambda asked: [asked.anchor]),
    )


def direction_tool() -> Tool[DirectionArguments]:
    """Egocentric direction."""
    return Tool(
        "direction",
        "Where an object is for someone who stands at one object and faces another, or who stands "
        "where a frame was taken and faces as its camera did. Also tells compass directions.",
        DirectionArguments,
        Effects.PURE,
        joining_views(
            _direction, lambda asked: filter(None, (asked.stand, asked.face, asked.query))
        ),
    )

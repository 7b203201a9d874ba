"""`count`, `distance`, `size`, `nearest`, `direction`, `floor_area`: numbers with units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.core.geometry import Float, OrientedBox, Pose, Vec3, require_metric
from surveyor.tools.geometry.bearings import Sectors, bearing, direction_word
from surveyor.tools.geometry.boxes import box_distance, closest_points
from surveyor.tools.geometry.floor import floor_area
from surveyor.tools.geometry.lifting import LEVEL
from surveyor.tools.records import (
    DepthRecord,
    FrameRecord,
    MeasureRecord,
    ObjectRecord,
    ReconstructionRecord,
    RoomRecord,
)
from surveyor.tools.schemas import MeasureData, NearestData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.workspace import HANDLE, Workspace

_LEAST_POINTS = 50

Objects = list[tuple[str, ObjectRecord]]
Handles = Annotated[tuple[str, ...], Field(min_length=1, description="object handles or groups")]


class CountArguments(Arguments):
    """What to count."""

    objects: Annotated[tuple[str, ...], Field(description="object handles or groups")]
    category: str | None = None
    weak: Annotated[bool, Field(description="count candidates with too little support as well")] = (
        False
    )


class DistanceArguments(Arguments):
    """Two objects, or two sets of which the closest pair counts."""

    first: Handles
    second: Handles


class SizeArguments(Arguments):
    """One object."""

    object: str


class NearestArguments(Arguments):
    """From what, and among which."""

    anchor: str
    candidates: Annotated[
        tuple[str, ...],
        Field(
            min_length=1,
            description="object handles or groups, or names: then every object of that name "
            "beside the anchor counts, weak ones only where there are no others",
        ),
    ]


class DirectionArguments(Arguments):
    """Stand by one object, face another, look for a third; or stand where a frame was taken."""

    stand: Annotated[str, Field(description="an object, or a frame: where its camera stood")]
    face: Annotated[
        str | None, Field(description="an object; may be left out for a frame: as its camera did")
    ] = None
    query: Annotated[str, Field(description="an object or a frame")]
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


class FloorArguments(Arguments):
    """Where the floor is to be seen."""

    place: Annotated[str, Field(description="a reconstruction, depth or room handle")]


def _measure(
    workspace: Workspace,
    value: float | str,
    unit: str,
    text: str,
    sources: tuple[str, ...],
    between: tuple[Vec3, ...] = (),
    space: str = "",
) -> ToolResult:
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
    objects = [
        (handle, record)
        for handle, record in workspace.expand(asked.objects, ObjectRecord)
        if (record.accepted or asked.weak) and asked.category in (None, record.category)
    ]
    _same_space(objects)
    handles = tuple(handle for handle, _ in objects)
    name = asked.category or "object"
    listed = f" ({', '.join(handles)})" if handles else ""
    return _measure(workspace, len(objects), "", f"{len(objects)} {name}(s){listed}", handles)


def apart(first: ObjectRecord, second: ObjectRecord) -> float:
    """Distance in metres between the closest points of two objects' boxes.

    Boxes, because they bound what was seen on every side: the far side of an object, which no
    view showed, may be the closest to the other.
    """
    for record in (first, second):
        require_metric(record.scale, f"the {record.category}")
    return box_distance(first.box, second.box)


async def _distance(asked: DistanceArguments, workspace: Workspace) -> ToolResult:
    first = workspace.expand(asked.first, ObjectRecord)
    second = workspace.expand(asked.second, ObjectRecord)
    _same_space([*first, *second])
    pairs = [(apart(one, other), a, b) for a, one in first for b, other in second if a != b]
    if not pairs:
        raise ModelMistake("a distance needs two different objects; these sets hold one or none")
    value, a, b = min(pairs)
    one, other = dict(first)[a], dict(second)[b]
    ends = tuple(_place(point) for point in closest_points(one.box, other.box))
    text = f"{value:.2f} m between the closest points of {a} and {b}"
    return _measure(workspace, round(value, 4), "m", text, (a, b), ends, one.space)


def _place(point: Float) -> Vec3:
    x, y, z = (round(float(value), 4) for value in point)
    return (x, y, z)


def _longest_edge(box: OrientedBox) -> tuple[Vec3, Vec3]:
    """The ends of a box's longest extent, through its centre."""
    k = int(np.argmax(box.size))
    half = np.array(box.axes[k]) * box.size[k] / 2
    return _place(np.array(box.center) - half), _place(np.array(box.center) + half)


async def _size(asked: SizeArguments, workspace: Workspace) -> ToolResult:
    record = workspace.get(asked.object, ObjectRecord)
    require_metric(record.scale, asked.object)
    edges = sorted(record.box.size, reverse=True)
    text = f"{asked.object} is {edges[0]:.2f} m long ({' x '.join(f'{e:.2f}' for e in edges)} m)"
    ends = _longest_edge(record.box)
    return _measure(workspace, round(edges[0], 4), "m", text, (asked.object,), ends, record.space)


async def _nearest(asked: NearestArguments, workspace: Workspace) -> ToolResult:
    anchor = workspace.get(asked.anchor, ObjectRecord)
    candidates = _rivals(asked.candidates, anchor, workspace)
    _same_space([(asked.anchor, anchor), *candidates])
    best: dict[str, tuple[float, str]] = {}
    for handle, record in candidates:
        if handle != asked.anchor:
            found = (apart(anchor, record), handle)
            best[record.category] = min(best.get(record.category, found), found)
    if not best:
        raise ModelMistake(
            "there is no candidate besides the anchor itself; name other objects, or categories "
            "that were found in the same frame of reference"
        )
    ranked = sorted(best.items(), key=lambda item: item[1])
    order = tuple((category, round(found[0], 4)) for category, found in ranked)
    sources = (asked.anchor, *(found[1] for _, found in ranked))
    handle = workspace.add("meas", MeasureRecord(order[0][0], ""), sources)
    listed = ", ".join(f"{category} {metres:.2f} m" for category, metres in order)
    return ToolResult(
        text=f"{handle}: from {asked.anchor}, nearest first: {listed}",
        data=dump(NearestData(handle=handle, order=order)),
        handles=(handle,),
        sources=sources,
    )


def _rivals(wanted: Sequence[str], anchor: ObjectRecord, workspace: Workspace) -> Objects:
    """Candidates by handle, or all of a name in the anchor's frame of reference."""
    beside = [
        (handle, record)
        for handle, record in workspace.all(ObjectRecord)
        if record.space == anchor.space
    ]
    found: dict[str, ObjectRecord] = {}
    for one in wanted:
        if workspace.known(one) or HANDLE.fullmatch(one):
            found.update(workspace.expand((one,), ObjectRecord))
            continue
        # A name of which nothing was found is no mistake: the others can still be ranked.
        mine = [item for item in beside if item[1].category.casefold() == one.casefold()]
        found.update([item for item in mine if item[1].accepted] or mine)
    return list(found.items())


async def _direction(asked: DirectionArguments, workspace: Workspace) -> ToolResult:
    handles = tuple(
        handle for handle in (asked.stand, asked.face, asked.query) if handle is not None
    )
    if len(set(handles)) < len(handles):
        raise ModelMistake("stand, face and query must be three different things")
    objects = [
        (handle, workspace.get(handle, ObjectRecord))
        for handle in handles
        if not workspace.stands_for(handle, (FrameRecord,))
    ]
    _same_space(objects)
    space = objects[0][1].space if objects else asked.reconstruction
    where = {handle: np.array(record.box.center) for handle, record in objects}
    cameras = {h: _camera(h, space, workspace) for h in handles if h not in where}
    where |= {handle: pose.position for handle, pose in cameras.items()}
    if asked.face is None and asked.stand not in cameras:
        raise ModelMistake("say what is faced; only a frame faces something of its own")
    stand, query = where[asked.stand], where[asked.query]
    face = where[asked.face] if asked.face is not None else stand + cameras[asked.stand].forward
    angle = bearing(stand, face, query)
    word = direction_word(angle, asked.sectors)
    side = "left" if angle >= 0 else "right"
    facing = asked.face or "as its camera did"
    text = (
        f"{word}: standing at {asked.stand} and facing {facing}, {asked.query} is "
        f"{abs(np.degrees(angle)):.0f} degrees to the {side}"
    )
    return _measure(workspace, word, f"bearing {np.degrees(angle):.1f} degrees", text, handles)


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


async def _floor(asked: FloorArguments, workspace: Workspace) -> ToolResult:
    if asked.place.startswith("room"):
        area = workspace.get(asked.place, RoomRecord).area
    else:
        area = floor_area(_place_cloud(asked.place, workspace))
    text = f"the floor measures {area:.1f} square metres"
    return _measure(workspace, round(area, 3), "m2", text, (asked.place,))


def _place_cloud(place: str, workspace: Workspace) -> Float:
    """(N, 3) points in metres, +Z up, of a reconstruction, or of what one depth map shows."""
    if place.startswith("depth"):
        depth = workspace.get(place, DepthRecord)
        require_metric(depth.depth.scale, place)
        points, measured = depth.depth.unproject(depth.intrinsics)
        cloud: Float = points[measured] @ LEVEL.T
    else:
        record = workspace.get(place, ReconstructionRecord)
        require_metric(record.scale, place)
        cloud = record.cloud.points
    if len(cloud) < _LEAST_POINTS:
        raise ModelMistake(f"{place} has too few points to measure a floor")
    return cloud


def count_tool() -> Tool[CountArguments]:
    """Count objects."""
    return Tool("count", "Count objects.", CountArguments, Effects.PURE, _count)


def distance_tool() -> Tool[DistanceArguments]:
    """Closest-point distance."""
    return Tool(
        "distance",
        "Distance in metres between the closest points of two objects (or of two sets).",
        DistanceArguments,
        Effects.PURE,
        _distance,
    )


def size_tool() -> Tool[SizeArguments]:
    """Edge lengths."""
    return Tool("size", "Edge lengths of an object in metres.", SizeArguments, Effects.PURE, _size)


def nearest_tool() -> Tool[NearestArguments]:
    """Which category is nearest."""
    return Tool(
        "nearest",
        "Rank categories by the closest-point distance of their nearest instance to an anchor.",
        NearestArguments,
        Effects.PURE,
        _nearest,
    )


def direction_tool() -> Tool[DirectionArguments]:
    """Egocentric direction."""
    return Tool(
        "direction",
        "Where an object is for someone who stands at one object and faces another, or who stands "
        "where a frame was taken and faces as its camera did. Also tells compass directions.",
        DirectionArguments,
        Effects.PURE,
        _direction,
    )


def floor_tool() -> Tool[FloorArguments]:
    """Floor area."""
    return Tool(
        "floor_area",
        "Floor area in square metres of a reconstruction, of a room from an object table, or of "
        "the part that one depth map shows.",
        FloorArguments,
        Effects.PURE,
        _floor,
    )

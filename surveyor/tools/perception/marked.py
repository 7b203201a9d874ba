"""Pictures of a measured place with one number an object: a top view and frames, as GPT4Scene has.

The number is that of the object's handle (``obj_7`` is drawn as 7) and the same in every picture.
Numbers stand on pixels that were measured to be the object's (`surveyor.tools.perception.ownership`
says how), by the rules of `surveyor.core.markers`; who is in view and not numbered is said with the
reason.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from surveyor.core.blobs import BlobRef
from surveyor.core.cameras import Camera, Ids
from surveyor.core.errors import ModelMistake
from surveyor.core.geometry import Float
from surveyor.core.images import rgb
from surveyor.core.markers import MarkerRule, Markers, draw_markers, place_markers, visible_share
from surveyor.core.top_view import TopView, top_view_of_points
from surveyor.tools.perception.frames import evenly
from surveyor.tools.perception.ownership import Ownership, closed_gaps, on_picture
from surveyor.tools.records import FrameRecord, ReconstructionRecord, ViewRecord
from surveyor.tools.workspace import Workspace

Rgb = NDArray[np.uint8]
_STEP = 2
_ENOUGH = 5000
"""Points that outline a silhouette in cells of eight pixels."""
FRAME_RULE = MarkerRule(unit=128)
"""Digits of 21 pixels in a picture of 512 x 384 where they fit, of 14 or 7 where they do not."""
TOP_RULE = MarkerRule(unit=128, min_visible=0.0)
"""From above the silhouette is the object's own: nothing but its area is asked."""


@dataclass(frozen=True, slots=True, eq=False)
class MarkedPicture:
    """One picture (H, W, 3), undrawn, and what is drawn on it; ``frame`` is empty for the top view,
    whose ``top`` says how pixels and metres map."""

    plain: Rgb
    markers: Markers
    frame: str = ""
    top: TopView | None = None

    @property
    def rgb(self) -> Rgb:
        """The picture with its numbers drawn in."""
        return draw_markers(self.plain, self.markers)


def from_above(
    space: str, ownership: Ownership, workspace: Workspace, ceiling: float, longest: int
) -> MarkedPicture:
    """A reconstruction from above, what is more than ``ceiling`` metres over its floor cut off.

    ``longest`` is the longer side in pixels. `ModelMistake` where there is nothing to show.
    """
    record = workspace.get(space, ReconstructionRecord)
    parts = [_points(frame, view, ownership, workspace) for frame, view in record.views.items()]
    points = np.concatenate([part[0] for part in parts])
    if not len(points):
        raise ModelMistake(f"{space} has no points to show")
    colours = np.concatenate([part[1] for part in parts])
    owners = np.concatenate([part[2] for part in parts])
    floor = float(np.percentile(points[:, 2], 1))
    top = top_view_of_points(points, colours, owners, floor + ceiling, longest)
    ids = closed_gaps(_with_footprints(top, ownership), ownership.records)
    markers = place_markers(ids, frozenset(ownership.records), rule=TOP_RULE)
    return MarkedPicture(top.rgb, markers, top=top)


def _points(
    frame: str, view: ViewRecord, ownership: Ownership, workspace: Workspace
) -> tuple[Float, Rgb, Ids]:
    """World points (N, 3) of every other pixel, their colours (N, 3) and owners (N,)."""
    height, width = view.depth.shape
    colours = _pixels(view.frame, workspace, (width, height))[::_STEP, ::_STEP]
    depth = view.depth[::_STEP, ::_STEP]
    measured = depth > 0
    rays = view.intrinsics.rays()[::_STEP, ::_STEP]
    owners = ownership.of(frame, view)[::_STEP, ::_STEP]
    points = view.pose.to_world((rays * depth[..., None])[measured])
    return points, colours[measured], owners[measured]


def _with_footprints(top: TopView, ownership: Ownership) -> Ids:
    """The ids of a top view, with the footprints of boxes that nobody has seen points of."""
    unseen = {k: one.box for k, one in ownership.records.items() if not len(one.cloud)}
    ids: Ids = top.ids.copy()
    grid = top.camera.grid()
    for number, box in sorted(unseen.items(), key=lambda item: item[1].corners()[:, 2].max()):
        level = np.column_stack([grid, np.full(len(grid), box.center[2])])
        ids[box.contains(level).reshape(ids.shape)] = number
    return ids


def frame_picture(
    frame: str, view: ViewRecord, ownership: Ownership, workspace: Workspace, longest: int
) -> MarkedPicture:
    """A registered frame, at most ``longest`` pixels long; numbers are drawn after resizing."""
    size = workspace.get(view.frame, FrameRecord).image
    grid = view.depth.shape
    width, height = size.width or grid[1], size.height or grid[0]
    shrink = min(1.0, longest / max(width, height))
    width, height = round(width * shrink), round(height * shrink)
    owners = ownership.of(frame, view)
    ids = on_picture(owners, width, height)
    camera = Camera(T_world_camera=_tuple(view), intrinsics=view.intrinsics)
    shares = {
        number: visible_share(_thinned(ownership.records[number].cloud), camera, owners, number)
        for number in set(np.unique(owners).tolist()) - {0}
    }
    markers = place_markers(ids, frozenset(ownership.records), shares, FRAME_RULE)
    picture = _pixels(view.frame, workspace, (width, height))
    return MarkedPicture(picture, markers, frame)


def _thinned(cloud: Float) -> Float:
    return cloud[:: max(1, len(cloud) // _ENOUGH)]


def _tuple(view: ViewRecord) -> tuple[tuple[float, float, float, float], ...]:
    return tuple(tuple(row) for row in view.pose.tolist())  # type: ignore[misc]


def _pixels(handle: str, workspace: Workspace, size: tuple[int, int]) -> Rgb:
    """A frame's pixels at (width, height), averaged where it is made smaller."""
    record = workspace.get(handle, FrameRecord)
    image = rgb(workspace.experts.image(record.image.sha256), handle)
    if image.size != size:
        image = image.resize(size, Image.Resampling.BOX)
    return np.asarray(image)


def chosen_frames(
    record: ReconstructionRecord, ownership: Ownership, number: int, *, coverage: bool
) -> list[str]:
    """At most ``number`` registered frames, in their order: evenly spread, or (``coverage``) each
    the one that shows most objects that those before did not, as long as any does."""
    frames = list(record.views)
    if not coverage or number >= len(frames):
        return evenly(frames, number)
    shown = {
        frame: set(np.unique(ownership.of(frame, view)).tolist()) - {0}
        for frame, view in record.views.items()
    }
    chosen: list[str] = []
    seen: set[int] = set()
    while len(chosen) < number:
        left = [frame for frame in frames if frame not in chosen]
        best = max(left, key=lambda frame: len(shown[frame] - seen))
        if not shown[best] - seen:
            spare = evenly(left, number - len(chosen))
            return sorted([*chosen, *spare], key=frames.index)
        chosen.append(best)
        seen |= shown[best]
    return sorted(chosen, key=frames.index)


def kept(picture: Rgb, workspace: Workspace) -> BlobRef:
    """A picture as a PNG among the run's blobs: no other coding leaves digits as they are."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    height, width = picture.shape[:2]
    return workspace.experts.blobs.put(out.getvalue(), "image/png", width=width, height=height)


def unnumbered(pictures: Sequence[MarkedPicture]) -> dict[int, str]:
    """Objects that no picture numbers, with the reason of the picture that came nearest to it."""
    drawn = {marker.instance_id for one in pictures for marker in one.markers.drawn}
    reasons: dict[int, str] = {}
    for one in pictures:
        for left in one.markers.left_out:
            if left.instance_id not in drawn:
                reasons.setdefault(left.instance_id, left.reason)
    return reasons

"""Masks in space: cutting a thing out of every view and letting the views vote on its points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

import numpy as np
from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.core.geometry import Scale
from surveyor.services.contract import Phrase
from surveyor.tools.evidence_store import Arrays, StoredEvidence
from surveyor.tools.geometry.boxes import fit_upright_box
from surveyor.tools.geometry.kept_masks import keep_mask
from surveyor.tools.geometry.mask_votes import FusedMask, ViewMask, vote
from surveyor.tools.geometry.surface import Surface, surface_of
from surveyor.tools.memoize import Memo
from surveyor.tools.objects import add_objects, say
from surveyor.tools.perception.depth import DepthArguments, depth_tool
from surveyor.tools.perception.fuse import (
    Found,
    FuseArguments,
    FusionInput,
    FusionMemory,
    fused_objects,
    fusion_input,
    recon_key,
)
from surveyor.tools.perception.lift import LiftArguments, lift_tool, on_grid
from surveyor.tools.perception.reconstruct import (
    AlignArguments,
    ReconstructArguments,
    align_tool,
    reconstruct_tool,
)
from surveyor.tools.perception.segment import SegmentArguments, segment_tool
from surveyor.tools.records import (
    CloudRecord,
    FrameRecord,
    MaskRecord,
    ObjectRecord,
    ReconstructionRecord,
)
from surveyor.tools.schemas import ObjectRow, SpaceMaskRow
from surveyor.tools.spec import ToolResult
from surveyor.tools.workspace import Workspace

_MOST_FRAMES, _SCALE_FRAMES = 32, 8
_SAME = 0.5


ShownFrames = Annotated[
    tuple[str, ...], Field(description="frame handles or groups; all frames by default")
]
KnownPlace = Annotated[str | None, Field(description="to use again; made or found by default")]
"""Arguments that all tools of masks in space have."""


@dataclass(frozen=True, slots=True)
class MasksFound:
    """Objects with masks, sources beside them, and the reconstruction that they lie in."""

    objects: list[tuple[ObjectRecord, tuple[str, ...]]]
    reconstruction: str
    used: tuple[ToolResult, ...]


@dataclass(frozen=True, slots=True)
class MaskMaker:
    """Cuts, lifts, joins and votes. Holds what may be used again by later calls of a process."""

    fusing: FusionMemory = field(default_factory=FusionMemory)
    surfaces: Memo[Surface] = field(default_factory=lambda: Memo(8))
    votes: Memo[FusedMask] = field(default_factory=lambda: Memo(256))

    async def find(
        self,
        phrases: Sequence[Phrase],
        frames: Sequence[str],
        reconstruction: str | None,
        workspace: Workspace,
    ) -> MasksFound:
        """Every instance of the phrases, best supported first.

        Without ``frames`` all captured ones are looked at, of many an even choice. Raises
        `ModelMistake` where there is nothing to look at.
        """
        chosen = tuple(frames) or _evenly(workspace.frame_handles)
        if not chosen:
            raise ModelMistake("there are no frames to cut anything out of")
        handle, used = await self.place(chosen, reconstruction, workspace)
        masks: list[str] = []
        for phrase in dict.fromkeys(phrases):
            cut = await segment_tool().run(SegmentArguments(frames=chosen, text=phrase), workspace)
            used = (*used, cut)
            masks += cut.handles[:-1]
        if not masks:
            return MasksFound([], handle, used)
        lifted = await lift_tool().run(
            LiftArguments(masks=tuple(masks), reconstruction=handle), workspace
        )
        clouds = lifted.handles[:-1]
        if not clouds:
            return MasksFound([], handle, (*used, lifted))
        asked = FuseArguments(clouds=clouds)
        recon = workspace.get(handle, ReconstructionRecord)
        versions = tuple((p.name, p.version, p.weights) for one in used for p in one.producers)
        joined = [
            (self._voted(record, sources, recon, versions, workspace), sources)
            for record, sources in fused_objects(self.fusing, asked, workspace)
        ]
        return MasksFound(_distinct(joined), handle, (*used, lifted))

    async def place(
        self, frames: Sequence[str], reconstruction: str | None, workspace: Workspace
    ) -> tuple[str, tuple[ToolResult, ...]]:
        """The reconstruction to vote in: the one named, the latest that has all frames, or a new
        one, in metres where depth can be measured."""
        if reconstruction is not None:
            workspace.get(reconstruction, ReconstructionRecord)
            return reconstruction, ()
        wanted = {one.original for _, one in workspace.expand(frames, FrameRecord)}
        for handle, known in reversed(workspace.all(ReconstructionRecord)):
            if wanted <= {*known.views, *known.missing} and known.scale is not Scale.RELATIVE:
                return handle, ()
        asked = ReconstructArguments(frames=tuple(frames))
        made = await reconstruct_tool().run(asked, workspace)
        (handle,) = made.handles
        record = workspace.get(handle, ReconstructionRecord)
        if record.scale is not Scale.RELATIVE or not workspace.experts.serves("depth"):
            return handle, (made,)
        some = _evenly(tuple(record.views), _SCALE_FRAMES)
        if not some:
            return handle, (made,)
        depths = await depth_tool().run(DepthArguments(frames=some), workspace)
        scaled = await align_tool().run(
            AlignArguments(reconstruction=handle, depths=depths.handles[-1:]), workspace
        )
        return scaled.handles[0], (made, depths, scaled)

    def surface(self, recon: ReconstructionRecord) -> Surface:
        """What a reconstruction's views measured, once."""
        place = fusion_input(self.fusing, recon)
        return self.surfaces.get(recon_key(recon), lambda: surface_of(place.views, place.unit))

    def _voted(
        self,
        record: ObjectRecord,
        sources: Sequence[str],
        recon: ReconstructionRecord,
        versions: tuple[object, ...],
        workspace: Workspace,
    ) -> ObjectRecord:
        """An object with the mask in space that its views agree on.

        Remembered under the scene, the phrase, the experts' versions and what they answered.
        """
        place = fusion_input(self.fusing, recon)
        clouds = [workspace.get(source, CloudRecord) for source in sources]
        names = tuple((cloud.key, cloud.score) for cloud in clouds)
        scene = (workspace.task.dataset, workspace.task.scene_id, record.category)
        key = (scene, versions, recon_key(recon), names)
        kept = StoredEvidence(workspace.experts.evidence, "space masks", _packed, _unpacked)

        def made() -> FusedMask:
            masks = [_view_mask(source, place, workspace) for source in sources]
            return vote(self.surface(recon), place.views, masks, place.rule)

        found = self.votes.get(key, lambda: kept.get(key, made))
        return _with_mask(record, found, place) if len(found.points) else record


def _view_mask(source: str, place: FusionInput, workspace: Workspace) -> ViewMask:
    """The whole outline that a cloud was lifted from, on its view's depth grid."""
    cloud = workspace.get(source, CloudRecord)
    (outline,) = (
        workspace.get(handle, MaskRecord)
        for handle in workspace.sources(source)
        if workspace.stands_for(handle, (MaskRecord,))
    )
    number = place.number[cloud.frame]
    frame = workspace.get(outline.frame, FrameRecord)
    mask, _ = on_grid(outline, frame, place.views[number].depth)
    return ViewMask(number, mask, cloud.score)


def _with_mask(record: ObjectRecord, found: FusedMask, place: FusionInput) -> ObjectRecord:
    names = {number: frame for frame, number in place.number.items()}
    support = len(found.agreed)
    visible = max(found.visible, support)
    return replace(
        record,
        box=fit_upright_box(found.points, place.yaw),
        cloud=found.points,
        around=found.around,
        support=support,
        visible=visible,
        confidence=found.confidence,
        accepted=record.accepted and support >= min(2, visible),
        frames=tuple(names[number] for number in found.agreed),
    )


def _distinct(found: Found) -> Found:
    """Without things that two phrases named: the surer one stays."""
    kept: Found = []
    order = sorted(found, key=lambda pair: (not pair[0].accepted, -pair[0].confidence))
    for record, sources in order:
        mine = {row.tobytes() for row in np.ascontiguousarray(record.cloud)}
        if all(_overlap(mine, other) < _SAME for other, _ in kept):
            kept.append((record, sources))
    return kept


def _overlap(mine: set[bytes], other: ObjectRecord) -> float:
    theirs = {row.tobytes() for row in np.ascontiguousarray(other.cloud)}
    return len(mine & theirs) / max(min(len(mine), len(theirs)), 1)


def mask_rows(
    workspace: Workspace, found: Sequence[tuple[ObjectRecord, tuple[str, ...]]]
) -> tuple[list[ObjectRow], list[SpaceMaskRow]]:
    """Give every object a handle; its mask is kept with the run."""
    rows = add_objects(workspace, found)
    return rows, [
        space_mask(row.handle, record, workspace)
        for row, (record, _) in zip(rows, found, strict=True)
    ]


def space_mask(handle: str, record: ObjectRecord, workspace: Workspace) -> SpaceMaskRow:
    """What is told of an object's mask."""
    around = record.around if record.around is not None else np.zeros((0, 3))
    store = workspace.kept
    return SpaceMaskRow(
        handle=handle,
        points=len(record.cloud),
        agreed=record.frames,
        share=round(record.support / max(record.visible, 1), 4),
        confidence=record.confidence,
        mask=keep_mask(record.cloud, around, store) if store and len(record.cloud) else None,
    )


def told(row: ObjectRow, mask: SpaceMaskRow) -> str:
    """One line: the object, its mask's size, and the frames that agree."""
    frames = ", ".join(mask.agreed[:6]) + (", ..." if len(mask.agreed) > 6 else "")
    return f"{say(row)}; mask of {mask.points} points, agreed in {frames or 'no frame'}"


def used_up(parts: Sequence[ToolResult], result: ToolResult) -> ToolResult:
    """The result with what its parts cost added up."""
    producers = dict.fromkeys(p for part in parts for p in part.producers)
    return replace(
        result,
        producers=tuple(producers),
        expert_calls=sum(part.expert_calls for part in parts),
        cached=sum(part.cached for part in parts),
        cost=round(sum(part.cost for part in parts), 6),
    )


def _evenly(handles: Sequence[str], most: int = _MOST_FRAMES) -> tuple[str, ...]:
    if len(handles) <= most:
        return tuple(handles)
    return tuple(handles[int((k + 0.5) * len(handles) / most)] for k in range(most))


def _packed(mask: FusedMask) -> Arrays:
    return {
        "points": mask.points,
        "around": mask.around,
        "agreed": np.array(mask.agreed, np.int64),
        "told": np.array([mask.visible, mask.share, mask.confidence], np.float64),
    }


def _unpacked(arrays: Arrays) -> FusedMask:
    visible, share, confidence = arrays["told"].tolist()
    agreed = tuple(int(number) for number in arrays["agreed"])
    points, around = arrays["points"], arrays["around"]
    return FusedMask(points, around, agreed, int(visible), share, confidence)

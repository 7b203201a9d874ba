"""Reference `segment`: visible masks by phrase and exemplar (concept) or by prompt (instance)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surveyor.core.geometry import Vec2
from surveyor.core.masks import encode_rle, mask_box
from surveyor.services.contract import (
    Box,
    Mask,
    Segment,
    SegmentAnswer,
    SegmentMode,
    SegmentRequest,
)
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.reference.base import ReferenceExpert, require_inside
from surveyor.services.reference.mask_errors import drawn_mask
from surveyor.services.reference.presets import SegmentErrors
from surveyor.services.reference.restoration_discount import MeasuredImage
from surveyor.services.reference.visible import Visible, matches, overlap, visible_objects
from surveyor.services.reference.world import ImageView

_LEAST_OVERLAP = 0.1  # a box that meets no object by at least this much prompts nothing
_MIN_PIXELS = 16


@dataclass(frozen=True, slots=True)
class _SegmentItem:
    view: ImageView
    request: SegmentRequest
    sight: MeasuredImage | None


@dataclass(frozen=True, slots=True)
class _MaskTarget:
    """One object to be masked, and the prompt that asked for it (instance mode)."""

    seen: Visible
    score: float
    prompt: int | None = None


class ReferenceSegment(ReferenceExpert):
    """Masks of what is visible of an object, cut by everything in front of it."""

    name = "segment"

    def probe(self) -> SegmentRequest:
        return SegmentRequest(image=self.probe_image(), mode=SegmentMode.CONCEPT, text="chair")

    def preprocess(self, request: SegmentRequest, images: Images) -> _SegmentItem:
        image = images(request.image)
        view = self.world.view(image, images)
        for index, box in enumerate(request.boxes):
            require_inside(box, view, f"boxes.{index}")
        exact = self.preset.segment == SegmentErrors()
        return _SegmentItem(view, request, None if exact else self.sight(view, image, images))

    def forward_batch(self, batch: Sequence[_SegmentItem]) -> Sequence[list[_MaskTarget]]:
        return [_choose(asked.view, asked.request) for asked in batch]

    def postprocess(
        self,
        request: SegmentRequest,
        item: _SegmentItem,
        raw: list[_MaskTarget],
        artifacts: ArtifactWriter,
    ) -> SegmentAnswer:
        segments = [self._segment(item, chosen) for chosen in raw]
        kept = tuple(segment for segment in segments if segment.score >= request.threshold)
        return SegmentAnswer(producer=self.producer, segments=kept)

    def _segment(self, asked: _SegmentItem, chosen: _MaskTarget) -> Segment:
        seen, view, box = chosen.seen, asked.view, chosen.seen.box
        if asked.sight is None:
            mask = view.maps.ids == seen.object.instance_id
        else:
            errors = self.preset.segment
            mask = drawn_mask(view, seen, asked.sight, errors, self.settings.seed)
            box = mask_box(mask) or box
        size, counts = encode_rle(mask)
        told = Mask(size=size, counts=counts)
        return Segment(mask=told, box=box, score=chosen.score, prompt=chosen.prompt)


def _choose(view: ImageView, request: SegmentRequest) -> list[_MaskTarget]:
    seen = visible_objects(view, _MIN_PIXELS)
    if request.mode is SegmentMode.CONCEPT:
        return _alike(view, seen, request)
    by_box = [_by_box(seen, box, index) for index, box in enumerate(request.boxes)]
    first = len(request.boxes)
    by_point = [_by_point(view, seen, p, first + i) for i, p in enumerate(request.points)]
    return [chosen for chosen in (*by_box, *by_point) if chosen is not None]


def _alike(view: ImageView, seen: list[Visible], request: SegmentRequest) -> list[_MaskTarget]:
    """Everything that the text names or that is of the kind of an exemplar."""
    exemplars = [_by_box(seen, box, i) for i, box in enumerate(request.boxes)]
    exemplars += [_by_point(view, seen, point, i) for i, point in enumerate(request.points)]
    kinds = {chosen.seen.object.category for chosen in exemplars if chosen is not None}
    return [
        _MaskTarget(one, 1.0)
        for one in seen
        if one.object.category in kinds or (request.text and matches(one.object, request.text))
    ]


def _by_box(seen: list[Visible], box: Box, prompt: int) -> _MaskTarget | None:
    """The object whose visible extent fits the box best."""
    fits = [overlap(one.box, box) for one in seen]
    if not fits or max(fits) < _LEAST_OVERLAP:
        return None
    return _MaskTarget(seen[int(np.argmax(fits))], 1.0, prompt)


def _by_point(view: ImageView, seen: list[Visible], point: Vec2, prompt: int) -> _MaskTarget | None:
    """The object at a pixel."""
    column, row = round(point[0]), round(point[1])
    if not (0 <= column < view.width and 0 <= row < view.height):
        return None
    at = int(view.maps.ids[row, column])
    return next(
        (_MaskTarget(one, 1.0, prompt) for one in seen if one.object.instance_id == at), None
    )

"""Reference `depth`: z-depth of the image sent, in metres, as a monocular network sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surveyor.core.geometry import Depth, Scale
from surveyor.services.contract import DepthAnswer, DepthRequest, ScaleSource
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.reference.base import ReferenceExpert
from surveyor.services.reference.depth_errors import estimated_depth
from surveyor.services.reference.presets import DepthErrors
from surveyor.services.reference.restoration_discount import MeasuredImage
from surveyor.services.reference.world import ImageView


@dataclass(frozen=True, slots=True)
class _DepthItem:
    view: ImageView
    sight: MeasuredImage | None


class ReferenceDepth(ReferenceExpert):
    """A wrong focal length scales the depth, as it does for a real metric model (canonical depth
    times focal length); without one the true focal length is used and called estimated."""

    name = "depth"

    def probe(self) -> DepthRequest:
        return DepthRequest(image=self.probe_image())

    def preprocess(self, request: DepthRequest, images: Images) -> _DepthItem:
        image = images(request.image)
        view = self.world.view(image, images)
        exact = self.preset.depth == DepthErrors()
        return _DepthItem(view, None if exact else self.sight(view, image, images))

    def forward_batch(self, batch: Sequence[_DepthItem]) -> Sequence[Depth]:
        return [self._depth(asked) for asked in batch]

    def _depth(self, asked: _DepthItem) -> Depth:
        if asked.sight is None:
            return asked.view.maps.depth
        quality, errors = asked.sight.quality, self.preset.depth
        return estimated_depth(asked.view, quality, errors, self.settings.seed)

    def postprocess(
        self, request: DepthRequest, item: _DepthItem, raw: Depth, artifacts: ArtifactWriter
    ) -> DepthAnswer:
        intrinsics = item.view.intrinsics
        if request.focal is not None and abs(request.focal / intrinsics.fx - 1) > 1e-6:
            ratio = request.focal / intrinsics.fx
            raw = (raw * np.float32(ratio)).astype(np.float32)
            intrinsics = intrinsics.model_copy(
                update={"fx": request.focal, "fy": intrinsics.fy * ratio}
            )
        measured = raw[raw > 0]
        return DepthAnswer(
            producer=self.producer,
            depth=artifacts.array(raw),
            scale=Scale.METRIC,
            scale_source=ScaleSource.ESTIMATED if request.focal is None else ScaleSource.GIVEN,
            intrinsics=intrinsics,
            minimum=float(measured.min(initial=np.inf)) if measured.size else 0.0,
            maximum=float(measured.max(initial=0.0)),
        )

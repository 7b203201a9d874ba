"""Reference `depth`: exact z-depth of the image sent, in metres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scenes.geometry import Depth, Scale
from services.contract import DepthAnswer, DepthRequest, ScaleSource
from services.expert import Images, Outbox
from services.reference.base import ReferenceExpert
from services.reference.world import View


class ReferenceDepth(ReferenceExpert):
    """A wrong focal length scales the depth, as it does for a real metric model (canonical depth
    times focal length); without one the true focal length is used and called estimated."""

    name = "depth"

    def probe(self) -> DepthRequest:
        return DepthRequest(image=self.probe_image())

    def preprocess(self, request: DepthRequest, images: Images) -> View:
        return self.world.view(images(request.image), images)

    def forward_batch(self, batch: Sequence[View]) -> Sequence[Depth]:
        return [view.maps.depth for view in batch]

    def postprocess(
        self, request: DepthRequest, item: View, raw: Depth, outbox: Outbox
    ) -> DepthAnswer:
        intrinsics = item.intrinsics
        if request.focal is not None and abs(request.focal / intrinsics.fx - 1) > 1e-6:
            ratio = request.focal / intrinsics.fx
            raw = (raw * np.float32(ratio)).astype(np.float32)
            intrinsics = intrinsics.model_copy(
                update={"fx": request.focal, "fy": intrinsics.fy * ratio}
            )
        measured = raw[raw > 0]
        return DepthAnswer(
            producer=self.producer,
            depth=outbox.array(raw),
            scale=Scale.METRIC,
            scale_source=ScaleSource.ESTIMATED if request.focal is None else ScaleSource.GIVEN,
            intrinsics=intrinsics,
            minimum=float(measured.min(initial=np.inf)) if measured.size else 0.0,
            maximum=float(measured.max(initial=0.0)),
        )

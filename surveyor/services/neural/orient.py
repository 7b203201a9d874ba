"""Neural `orient`: Orient Anything, both versions of the head behind one type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from surveyor.services.contract import OrientAnswer, OrientRequest
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.neural.angles import composed, wrapped
from surveyor.services.neural.base import NeuralExpert, cut, probe_image
from surveyor.services.neural.orient_nets import NETS, OrientNet
from surveyor.services.neural.preprocessing import Planes


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """(V, 3, S, S): the object in one view or two."""

    views: Planes

    @property
    def key(self) -> tuple[int, ...]:
        return self.views.shape


class NeuralOrient(NeuralExpert):
    """Routes ``v1`` (default) and ``v2``.

    Version 1 reads each view by itself, so the difference of a pair is that of two absolute
    angles. Version 2 reads the second view relative to the first: its second orientation is the
    first one turned by what it read.
    """

    name = "orient"
    max_batch = 16
    net: OrientNet

    def open(self) -> None:
        self.net = NETS[self.route](self.weights, self.runtime)

    def probe(self) -> OrientRequest:
        return OrientRequest(image=probe_image(), box=(10, 10, 60, 50))

    def preprocess(self, request: OrientRequest, images: Images) -> _Asked:
        crops = [cut(images(request.image), request.box, "box")[0]]
        if request.other is not None and request.other_box is not None:
            crops.append(cut(images(request.other), request.other_box, "other_box")[0])
        return _Asked(np.stack([self.net.prepare(crop) for crop in crops]))

    def bare(self, batch: Sequence[_Asked]) -> Callable[[], object]:
        return self.net.bare(np.stack([asked.views for asked in batch]))

    def forward_batch(self, batch: Sequence[_Asked]) -> Sequence[Planes]:
        return list(self.net.logits(np.stack([asked.views for asked in batch])))

    def postprocess(
        self, request: OrientRequest, item: _Asked, raw: Planes, artifacts: ArtifactWriter
    ) -> OrientAnswer:
        first, *rest = (self.net.bins.read(logits) for logits in raw)
        other = rest[0] if rest else None
        if other is not None and self.net.pairs:
            other = composed(first, other)
        relative = None if other is None else wrapped(other.azimuth - first.azimuth)
        return OrientAnswer(
            producer=self.producer, orientation=first, other=other, relative_azimuth=relative
        )

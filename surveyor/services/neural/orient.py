"""Neural `orient`: Orient Anything, both versions of the head behind one type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.core.masks import decode_rle
from surveyor.services.contract import Box, ErrorCode, Mask, OrientAnswer, OrientRequest
from surveyor.services.errors import ExpertError
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.images import LoadedImage, Pixels
from surveyor.services.neural.angles import composed, wrapped
from surveyor.services.neural.base import NeuralExpert, cut, probe_image
from surveyor.services.neural.orient_nets import NETS, OrientNet
from surveyor.services.neural.preprocessing import Planes


@dataclass(frozen=True, slots=True, eq=False)
class _OrientInput:
    """(V, 3, S, S): the object in one view or two."""

    views: Planes

    @property
    def key(self) -> tuple[int, ...]:
        return self.views.shape


@dataclass(frozen=True, slots=True)
class _Seen:
    """One view of the object; ``prefix`` begins the names of its fields in the request."""

    image: LoadedImage
    box: Box
    mask: Mask | None
    prefix: str

    def decoded(self, mask: Mask) -> NDArray[np.bool_]:
        """(H, W) of the image; `ExpertError` when the mask is of another one, or damaged."""
        size = self.image.height, self.image.width
        try:
            if mask.size != size:
                raise ValueError(f"the mask is of {mask.size}, the image of {size} (height, width)")
            return decode_rle(size, mask.counts)
        except ValueError as error:
            field = f"{self.prefix}mask"
            raise ExpertError(ErrorCode.BAD_INPUT, str(error), field=field) from None


class NeuralOrient(NeuralExpert):
    """Routes ``v1`` (default) and ``v2``.

    Version 1 reads each view by itself, so the difference of a pair is that of two absolute
    angles. Version 2 reads the second view relative to the first: its second orientation is the
    first one turned by what it read.

    Both were trained on objects that had been cut out. A request's mask does that here; without
    one the box keeps its own background.
    """

    name = "orient"
    max_batch = 16
    net: OrientNet

    def open(self) -> None:
        self.net = NETS[self.route](self.weights, self.runtime)

    def probe(self) -> OrientRequest:
        return OrientRequest(image=probe_image(), box=(10, 10, 60, 50))

    def preprocess(self, request: OrientRequest, images: Images) -> _OrientInput:
        first = _Seen(images(request.image), request.box, request.mask, "")
        views = [self._object(first)]
        if request.other is not None and request.other_box is not None:
            other = images(request.other)
            views.append(
                self._object(_Seen(other, request.other_box, request.other_mask, "other_"))
            )
        return _OrientInput(np.stack([self.net.prepare(view) for view in views]))

    def _object(self, seen: _Seen) -> Pixels:
        """The pixels of the box, or those of the mask in it on the network's own background."""
        pixels, (left, top) = cut(seen.image, seen.box, f"{seen.prefix}box")
        if seen.mask is None:
            return pixels
        height, width = pixels.shape[:2]
        inside = seen.decoded(seen.mask)[top : top + height, left : left + width]
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if not rows.size:
            message = "the mask has no pixel inside the box"
            raise ExpertError(ErrorCode.BAD_INPUT, message, field=f"{seen.prefix}mask")
        tight = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        return np.where(inside[..., None], pixels, np.uint8(self.net.background))[tight]

    def bare(self, batch: Sequence[_OrientInput]) -> Callable[[], object]:
        return self.net.bare(np.stack([asked.views for asked in batch]))

    def forward_batch(self, batch: Sequence[_OrientInput]) -> Sequence[Planes]:
        return list(self.net.logits(np.stack([asked.views for asked in batch])))

    def postprocess(
        self, request: OrientRequest, item: _OrientInput, raw: Planes, artifacts: ArtifactWriter
    ) -> OrientAnswer:
        first, *rest = (self.net.bins.read(logits) for logits in raw)
        other = rest[0] if rest else None
        if other is not None and self.net.pairs:
            other = composed(first, other)
        relative = None if other is None else wrapped(other.azimuth - first.azimuth)
        return OrientAnswer(
            producer=self.producer, orientation=first, other=other, relative_azimuth=relative
        )

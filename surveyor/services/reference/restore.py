"""Reference `restore`: really restored pixels; the undegraded twin only under `perfect`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surveyor.core.blobs import Derivation
from surveyor.core.images import rgb
from surveyor.scenes.datasets.truth import clean_blobs
from surveyor.services.contract import Box, ErrorCode, RestoreAnswer, RestoreRequest
from surveyor.services.errors import ExpertError
from surveyor.services.expert import ArtifactWriter, Images, LoadedImage
from surveyor.services.images import Pixels
from surveyor.services.reference.base import ReferenceExpert
from surveyor.services.reference.restoration import enlarged, restored
from surveyor.services.reference.world import ImageView

_MAX_PIXELS = 16_000_000  # of the answer


@dataclass(frozen=True, slots=True)
class _Part:
    """What to restore: columns and rows [x1, x2) x [y1, y2) of the image sent."""

    image: LoadedImage
    pixels: Pixels
    x1: int
    y1: int
    scale: int
    twin: Pixels | None


class ReferenceRestore(ReferenceExpert):
    """Works on any image, also of an unknown place, because it looks at pixels alone."""

    name = "restore"
    errs = False

    def probe(self) -> RestoreRequest:
        return RestoreRequest(image=self.probe_image())

    def preprocess(self, request: RestoreRequest, images: Images) -> _Part:
        image = images(request.image)
        x1, y1, x2, y2 = _crop(request.box, image)
        if (x2 - x1) * (y2 - y1) * request.scale**2 > _MAX_PIXELS:
            message = (
                f"the restored image would have more than {_MAX_PIXELS / 1e6:.0f} megapixels; "
                "send a smaller box or scale"
            )
            raise ExpertError(ErrorCode.TOO_LARGE, message, field="scale")
        twin = self._twin(image, images) if self.preset.restore.twin else None
        source = image.pixels if twin is None else twin
        part = source[y1:y2, x1:x2]
        return _Part(image, part, x1, y1, request.scale, None if twin is None else part)

    def forward_batch(self, batch: Sequence[_Part]) -> Sequence[tuple[Pixels, tuple[str, ...]]]:
        return [_restored(part) for part in batch]

    def postprocess(
        self,
        request: RestoreRequest,
        item: _Part,
        raw: tuple[Pixels, tuple[str, ...]],
        artifacts: ArtifactWriter,
    ) -> RestoreAnswer:
        pixels, steps = raw
        k = item.scale
        back = (1 / k, 0.0, item.x1 + 0.5 / k - 0.5, 0.0, 1 / k, item.y1 + 0.5 / k - 0.5)
        derivation = Derivation(parent=item.image.sha256, op="restore", to_parent=back)
        reference = artifacts.image(np.ascontiguousarray(pixels), derivation)
        return RestoreAnswer(
            producer=self.producer, image=reference, derivation=derivation, steps=steps
        )

    def _twin(self, image: LoadedImage, images: Images) -> Pixels | None:
        """The frame as it was before it was degraded, when it is known and was."""
        try:
            view = self.world.view(image, images)
        except ExpertError:
            return None
        return _clean_pixels(view) if view.is_whole else None


def _restored(part: _Part) -> tuple[Pixels, tuple[str, ...]]:
    if part.twin is None:
        return restored(part.pixels, part.scale)
    pixels = enlarged(part.twin, part.scale) if part.scale > 1 else part.twin
    return pixels, ("undegraded twin",)


def _clean_pixels(view: ImageView) -> Pixels | None:
    twins = view.truth.clean_frames
    if len(twins) <= view.key.index:
        return None
    data = clean_blobs(view.key.dataset).get(twins[view.key.index].sha256)
    return np.asarray(rgb(data))


def _crop(box: Box | None, image: LoadedImage) -> tuple[int, int, int, int]:
    """Whole pixels that the box covers, at least one each way; `ExpertError` for a box outside."""
    if box is None:
        return 0, 0, image.width, image.height
    x1, y1 = max(0, math.floor(box[0] + 0.5)), max(0, math.floor(box[1] + 0.5))
    x2, y2 = min(image.width, math.ceil(box[2] + 0.5)), min(image.height, math.ceil(box[3] + 0.5))
    if x2 <= x1 or y2 <= y1 or box[2] <= box[0] or box[3] <= box[1]:
        message = f"the box {box} has no area inside the {image.width} x {image.height} image"
        raise ExpertError(ErrorCode.BAD_INPUT, message, field="box")
    return x1, y1, x2, y2

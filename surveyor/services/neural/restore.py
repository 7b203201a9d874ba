"""Neural `restore`: SwinIR (Liang et al., arXiv 2108.10257) through spandrel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from surveyor.core.blobs import Derivation
from surveyor.core.errors import UserError
from surveyor.services.contract import ErrorCode, RestoreAnswer, RestoreRequest
from surveyor.services.errors import ExpertError
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.images import Pixels
from surveyor.services.neural.base import NeuralExpert, cut, probe_image
from surveyor.services.neural.multi_view import planes
from surveyor.services.neural.preprocessing import Planes
from surveyor.services.neural.runtime import array
from surveyor.services.neural.tiling import run_tiled, tiles


@dataclass(frozen=True, slots=True, eq=False)
class _RestoreInput:
    pixels: Pixels
    corner: tuple[int, int]
    parent: str
    scale: int


class NeuralRestore(NeuralExpert):
    """Crops first, then enlarges tile by tile and brings the result to the size asked for.

    Any single-image model that spandrel knows may be given; a model of scale 4 serves scales 1, 2
    and 4 by averaging its output down. Options: ``tile`` and ``overlap`` in pixels of the input,
    ``pixels``: the largest input taken.
    """

    name = "restore"
    max_batch = 1  # tiles of one image already fill the device

    def open(self) -> None:
        from spandrel import ImageModelDescriptor, ModelLoader

        self._tile = self.number("tile", 256, 32, 4096)
        self._overlap = self.number("overlap", 32, 0, 1024)
        self._most = self.number("pixels", 1 << 20, 1 << 10, 1 << 26)
        if self._overlap * 2 > self._tile:
            raise UserError("option overlap is at most half of tile")
        model = ModelLoader(device=self.runtime.device).load_from_file(self.weights.file)
        if not isinstance(model, ImageModelDescriptor) or model.input_channels != 3:
            raise UserError(f"{self.weights.file} is no model from one RGB image to another")
        if self.runtime.format == "float16" and not model.supports_half:
            raise UserError("this model has no float16 form; use dtype bfloat16 or float32")
        self._model = model.eval()
        self._scale = int(model.scale)

    def limits(self) -> dict[str, float]:
        return {"input_pixels": self._most, "scale": self._scale}

    def probe(self) -> RestoreRequest:
        return RestoreRequest(image=probe_image(48, 32), scale=2)

    def preprocess(self, request: RestoreRequest, images: Images) -> _RestoreInput:
        image = images(request.image)
        box = request.box or (-0.5, -0.5, image.width - 0.5, image.height - 0.5)
        pixels, corner = cut(image, box, "box")
        area = pixels.shape[0] * pixels.shape[1]
        if area > self._most:
            message = (
                f"{area / 1e6:.1f} megapixels to restore; this service takes "
                f"{self._most / 1e6:.1f}: send a box around what matters"
            )
            raise ExpertError(ErrorCode.TOO_LARGE, message, field="box" if request.box else "image")
        return _RestoreInput(pixels, corner, image.sha256, request.scale)

    def bare(self, batch: Sequence[_RestoreInput]) -> Callable[[], object]:
        image = planes(batch[0].pixels)
        height, width = image.shape[1:]
        parts = [
            self.runtime.tensor(image[None, :, one.top : one.bottom, one.left : one.right])
            for one in tiles(height, width, self._tile, self._overlap)
        ]
        return lambda: [self._model(part) for part in parts]

    def forward_batch(self, batch: Sequence[_RestoreInput]) -> Sequence[Planes]:
        enlarge = partial(
            run_tiled, self._forward, scale=self._scale, size=self._tile, overlap=self._overlap
        )
        return [enlarge(planes(asked.pixels)) for asked in batch]

    def postprocess(
        self, request: RestoreRequest, item: _RestoreInput, raw: Planes, artifacts: ArtifactWriter
    ) -> RestoreAnswer:
        height, width = (side * item.scale for side in item.pixels.shape[:2])
        restored = _to_size(raw, width, height)
        step = 1 / item.scale
        left, top = (edge + step / 2 - 0.5 for edge in item.corner)
        derivation = Derivation(
            parent=item.parent, op="restore", to_parent=(step, 0.0, left, 0.0, step, top)
        )
        steps = [f"{self.card.model} x{self._scale}"]
        if self._scale != item.scale:
            steps.append(f"resized to x{item.scale}")
        return RestoreAnswer(
            producer=self.producer,
            image=artifacts.image(restored, derivation),
            derivation=derivation,
            steps=tuple(steps),
        )

    def _forward(self, batch: Planes) -> Planes:
        with self.runtime.inference():
            return array(self._model(self.runtime.tensor(batch)))


def _to_size(values: Planes, width: int, height: int) -> Pixels:
    """(3, H, W) in 0..1 to RGB of another size; averaging where it shrinks."""
    from PIL import Image

    whole = (np.nan_to_num(values).clip(0, 1).transpose(1, 2, 0) * 255).round().astype(np.uint8)
    if whole.shape[:2] == (height, width):
        return np.ascontiguousarray(whole)
    shrinks = width < whole.shape[1]
    how = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(whole).resize((width, height), how))

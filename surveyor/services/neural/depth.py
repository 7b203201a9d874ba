"""Neural `depth`: metres along the camera axis for every pixel of the image sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surveyor.core.errors import UserError
from surveyor.core.geometry import Intrinsics, Scale
from surveyor.services.contract import DepthAnswer, DepthRequest, ErrorCode, ScaleSource
from surveyor.services.errors import ExpertError
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.neural.base import NeuralExpert, probe_image
from surveyor.services.neural.da3 import CANONICAL_FOCAL, LONGEST
from surveyor.services.neural.depth_nets import CanonicalDepth, DepthNet, MetricDepth
from surveyor.services.neural.model_cards import FOCAL_MODEL
from surveyor.services.neural.preprocessing import (
    Planes,
    clean_depth,
    exif_focal,
    resampled_measured,
)
from surveyor.services.neural.weights import Weights, find_weights

_ASSUMED_HFOV = math.radians(60)
_FOCAL_NEEDED = (
    "this model measures in metres only with the focal length: send `focal` in pixels of the "
    "image, or let the operator give it a model that estimates it (option focal_weights)"
)


@dataclass(frozen=True, slots=True, eq=False)
class _DepthInput:
    """``focal`` in pixels of the image sent, if anything told it."""

    image: Planes
    width: int
    height: int
    focal: float | None
    source: ScaleSource

    @property
    def key(self) -> tuple[int, ...]:
        return self.image.shape


@dataclass(frozen=True, slots=True, eq=False)
class _MeasuredDepth:
    depth: Planes
    focal: float
    source: ScaleSource


class NeuralDepth(NeuralExpert):
    """Routes ``da3`` (default) and ``da2``.

    A Depth Anything 3 metric network predicts depth for a canonical camera: metres are its output
    times the focal length at the *processed* size over 300. Using the focal length of the image
    sent instead is wrong by the factor of the resizing. When the request and the picture's EXIF
    say nothing, the focal length is estimated with an any-view network (option ``focal_weights``,
    or `FOCAL_MODEL` in the cache), and the answer says so; without one such requests are refused.
    Depth Anything V2 needs no focal length; unknown intrinsics are then those of a 60 degree lens.
    Option ``size``: the longest side, in pixels, at which ``da3`` looks at an image.
    """

    name = "depth"
    longest = LONGEST
    net: DepthNet
    _focal: Weights | None = None

    def open(self) -> None:
        path = self.weights.path
        if self.route == "da2":
            self.net = MetricDepth(path, self.runtime)
        else:
            longest = self.number("size", self.longest, 14, 2016)
            self._focal = self.focal_weights()
            folder = self._focal.path if self._focal else None
            self.net = CanonicalDepth(path, folder, self.runtime, longest)

    def focal_weights(self) -> Weights | None:
        """The network that estimates focal lengths, if it is anywhere."""
        given = self.settings.options.get("focal_weights")
        if given is not None:
            return find_weights(self.name, FOCAL_MODEL, Path(given))
        try:
            return find_weights(self.name, FOCAL_MODEL)
        except UserError:
            return None

    def identity(self) -> str:
        """Both networks': an estimated focal length scales the answer."""
        mine = super().identity()
        return mine if self._focal is None else f"{mine} focal {self._focal.digest}"

    def probe(self) -> DepthRequest:
        return DepthRequest(image=probe_image(), focal=80)

    def preprocess(self, request: DepthRequest, images: Images) -> _DepthInput:
        image = images(request.image)
        focal, source = request.focal, ScaleSource.GIVEN
        if focal is None:
            focal, source = exif_focal(image), ScaleSource.EXIF
        if focal is None:
            source = ScaleSource.ESTIMATED if self.net.scaled else ScaleSource.NONE
            if self.net.scaled and not self.net.estimates:
                raise ExpertError(ErrorCode.BAD_INPUT, _FOCAL_NEEDED, field="focal")
        ready = self.net.prepare(image.pixels)
        return _DepthInput(ready, image.width, image.height, focal, source)

    def bare(self, batch: Sequence[_DepthInput]) -> Callable[[], object]:
        return self.net.bare([asked.image for asked in batch])

    def forward_batch(self, batch: Sequence[_DepthInput]) -> Sequence[_MeasuredDepth]:
        depth = self.net.depth([asked.image for asked in batch])
        return [self._scaled(asked, values) for asked, values in zip(batch, depth, strict=True)]

    def postprocess(
        self,
        request: DepthRequest,
        item: _DepthInput,
        raw: _MeasuredDepth,
        artifacts: ArtifactWriter,
    ) -> DepthAnswer:
        depth = resampled_measured(clean_depth(raw.depth), item.width, item.height)
        measured = depth[depth > 0]
        return DepthAnswer(
            producer=self.producer,
            depth=artifacts.array(depth),
            scale=Scale.METRIC,
            scale_source=raw.source,
            intrinsics=_pinhole(raw.focal, item.width, item.height),
            minimum=float(measured.min()) if measured.size else 0.0,
            maximum=float(measured.max(initial=0.0)),
        )

    def _scaled(self, asked: _DepthInput, depth: Planes) -> _MeasuredDepth:
        height, width = asked.image.shape[1:]
        shrink = (width / asked.width + height / asked.height) / 2
        if not self.net.scaled:
            assumed = asked.width / 2 / math.tan(_ASSUMED_HFOV / 2)
            return _MeasuredDepth(depth, asked.focal or assumed, asked.source)
        processed = asked.focal * shrink if asked.focal else self.net.focal(asked.image)
        metres = depth * np.float32(processed / CANONICAL_FOCAL)
        return _MeasuredDepth(metres, processed / shrink, asked.source)


def _pinhole(focal: float, width: int, height: int) -> Intrinsics:
    """Square pixels, centred."""
    return Intrinsics(
        fx=focal,
        fy=focal,
        cx=(width - 1) / 2,
        cy=(height - 1) / 2,
        width=width,
        height=height,
    )

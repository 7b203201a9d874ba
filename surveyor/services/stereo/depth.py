"""`depth` from a rectified pair by semi-global matching (OpenCV); the extra `stereo` brings it.

z = focal * baseline / (disparity + offset). Matches that do not hold when asked from the right,
and what only the left image shows, stay unmeasured (0): about a fifth of an ordinary indoor view.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surveyor.core.errors import UserError
from surveyor.core.geometry import Depth, Intrinsics, Scale
from surveyor.core.producer import Producer
from surveyor.services.contract import (
    DepthAnswer,
    DepthRequest,
    ErrorCode,
    Info,
    RightView,
    ScaleSource,
)
from surveyor.services.errors import ExpertError
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.images import inline
from surveyor.services.settings import Settings

BLOCK = 5
RANGE = 0.32  # widest disparity looked for, as a share of the image's width
STEPS = 16  # SGBM counts disparities in sixteenths of a pixel, in multiples of 16
_SETTINGS = f"block {BLOCK} range {RANGE} left-right 1 uniqueness 10 speckle 100/2 3-way"


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    left: Any
    right: Any
    focal: float
    eyes: RightView


class StereoDepth:
    """Needs ``right`` and ``focal`` in every request; refuses others with what is missing."""

    name = "depth"
    max_batch = 1

    def load(self, settings: Settings) -> None:
        del settings
        try:
            import cv2
        except ImportError:
            raise UserError(
                "the stereo expert needs OpenCV; run `pip install '.[stereo]'`"
            ) from None
        self._version = str(cv2.__version__)

    def info(self) -> Info:
        digest = hashlib.sha256(f"{self._version} {_SETTINGS}".encode()).hexdigest()
        return Info(
            expert=self.name,
            producer=Producer(name="stereo-sgbm", version=self._version, weights=digest),
            model="OpenCV StereoSGBM",
            revision=self._version,
            licence="Apache-2.0",
            note="needs a rectified pair: `right` with its baseline, and `focal`",
        )

    def probe(self) -> DepthRequest:
        rng = np.random.default_rng(0)
        wide = rng.integers(0, 255, (48, 136, 3)).astype(np.uint8)
        eyes = RightView(image=inline(wide[:, 8:]), baseline=0.1)
        return DepthRequest(image=inline(wide[:, :-8]), focal=100, right=eyes)

    def preprocess(self, request: DepthRequest, images: Images) -> _Pair:
        if request.right is None:
            raise ExpertError(
                ErrorCode.BAD_INPUT, "two eyes are needed: send `right`", field="right"
            )
        if request.focal is None:
            raise ExpertError(
                ErrorCode.BAD_INPUT, "send `focal` in pixels of the image", field="focal"
            )
        left, right = images(request.image), images(request.right.image)
        if (left.width, left.height) != (right.width, right.height):
            raise ExpertError(
                ErrorCode.BAD_INPUT,
                f"the right image is {right.width}x{right.height} and the left one "
                f"{left.width}x{left.height}; a rectified pair has one size",
                field="right",
            )
        return _Pair(left.pixels, right.pixels, request.focal, request.right)

    def group(self, item: _Pair) -> object:
        return item.left.shape

    def forward_batch(self, batch: Sequence[_Pair]) -> Sequence[Depth]:
        return [stereo_depth(p.left, p.right, p.focal, p.eyes) for p in batch]

    def postprocess(
        self, request: DepthRequest, item: _Pair, raw: Depth, artifacts: ArtifactWriter
    ) -> DepthAnswer:
        height, width = raw.shape
        measured = raw[raw > 0]
        return DepthAnswer(
            producer=self.info().producer,
            depth=artifacts.array(raw),
            scale=Scale.METRIC,
            scale_source=ScaleSource.GIVEN,
            intrinsics=Intrinsics(
                fx=item.focal,
                fy=item.focal,
                cx=(width - 1) / 2,
                cy=(height - 1) / 2,
                width=width,
                height=height,
            ),
            minimum=float(measured.min()) if measured.size else 0.0,
            maximum=float(measured.max()) if measured.size else 0.0,
        )


def stereo_depth(left: Any, right: Any, focal: float, eyes: RightView) -> Depth:
    """z-depth (H, W) float32 metres of the left image, 0 where no match holds.

    ``left`` and ``right`` are (H, W, 3) uint8 RGB, rectified.
    """
    import cv2

    width = left.shape[1]
    span = max(STEPS, int(np.ceil(RANGE * width / STEPS)) * STEPS)
    matcher = cv2.StereoSGBM.create(
        minDisparity=0,
        numDisparities=span,
        blockSize=BLOCK,
        P1=8 * 3 * BLOCK**2,
        P2=32 * 3 * BLOCK**2,
        disp12MaxDiff=1,
        uniquenessRatio=10,
        speckleWindowSize=100,
        speckleRange=2,
        mode=cv2.STEREO_SGBM_MODE_SGBM_3WAY,
    )
    # The matcher leaves out the left border as wide as its search; black there gives it room.
    padded = [cv2.copyMakeBorder(v, 0, 0, span, 0, cv2.BORDER_REPLICATE) for v in (left, right)]
    disparity = matcher.compute(*padded)[:, span:].astype(np.float32) / 16
    matched = disparity > 0
    # What would lie left of the right image was matched with the border, not with a picture.
    matched &= np.arange(width) - disparity >= 0
    apart = disparity + np.float32(eyes.offset)
    matched &= apart > 0
    depth = np.zeros(disparity.shape, np.float32)
    depth[matched] = np.float32(focal * eyes.baseline) / apart[matched]
    return depth

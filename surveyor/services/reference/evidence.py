"""How recognisable an object is in the image that was sent: what detection errors depend on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surveyor.services.images import LoadedImage
from surveyor.services.reference.outline import projected_area
from surveyor.services.reference.presets import RecallModel
from surveyor.services.reference.quality import ImageQuality, Luma, luma, measure
from surveyor.services.reference.visible import Visible
from surveyor.services.reference.world import ImageView

_AROUND = 0.15  # of the box's side: an object is seen against its surroundings
_SMALL_WIDTH = 320  # pixel counts are stated for images of this width


@dataclass(frozen=True, slots=True)
class ObjectEvidence:
    """Pixels (of a 320-wide image), visible share 0..1 and quality around one object."""

    pixels: float
    share: float
    quality: ImageQuality

    def logit(self, model: RecallModel) -> float:
        """Log odds of finding the object, before its own difficulty and chance."""
        seen = self.quality
        return (
            model.base
            + model.size * float(np.log2(self.pixels / 900))
            + model.visible * (self.share - 0.8)
            + model.contrast * float(np.log2(seen.contrast / 0.15))
            + model.noise * float(np.log2(seen.cnr / 8))
            + model.sharpness * (seen.sharpness - 0.5)
        )


@dataclass(frozen=True, slots=True)
class Seeing:
    """One image as evidence: its overall quality, and each visible object by instance id."""

    overall: ImageQuality
    things: dict[int, ObjectEvidence]


def look(view: ImageView, image: LoadedImage) -> Seeing:
    """Measure an image and everything visible in it."""
    bright = luma(image.pixels)
    known = {thing.instance_id: thing for thing in view.truth.objects}
    seen = [Visible(known[i], count, box) for i, count, box in view.instances if i in known]
    things = {one.object.instance_id: _evidence(view, bright, one) for one in seen}
    return Seeing(measure(bright), things)


def _evidence(view: ImageView, bright: Luma, seen: Visible) -> ObjectEvidence:
    x1, y1, x2, y2 = seen.box
    dx, dy = _AROUND * (x2 - x1) + 2, _AROUND * (y2 - y1) + 2
    rows = slice(max(0, int(y1 - dy)), int(y2 + dy) + 1)
    columns = slice(max(0, int(x1 - dx)), int(x2 + dx) + 1)
    return ObjectEvidence(
        pixels=seen.pixels * (_SMALL_WIDTH / view.camera.intrinsics.width) ** 2,
        share=visible_share(view, seen),
        quality=measure(bright[rows, columns]),
    )


def visible_share(view: ImageView, seen: Visible) -> float:
    """Visible pixels as a share of those that the object would fill unhidden (0..1).

    Unhidden it fills a share of its projected box that is nearly constant for an object; the
    scene's best view tells that share.
    """
    best = view.world.fills(view.key)
    full = projected_area(view.camera, seen.object)
    index = view.truth.objects.index(seen.object)
    scale = view.affine[0, 0] * view.affine[1, 1]
    unhidden = best[index] * full
    return float(np.clip(seen.pixels * scale / unhidden, 0, 1)) if unhidden > 0 else 1.0

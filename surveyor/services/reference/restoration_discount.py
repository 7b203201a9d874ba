"""What other experts may believe of a derived image.

A restored frame pleases contrast and sharpness meters more than it helps a recogniser (of what
the dark costs, the meters claim 74 % back where a recogniser gets 51 %: `calibration`), so only a
share of the metered improvement over the original frame counts; what restoration spoils counts in
full.
"""

from __future__ import annotations

from dataclasses import dataclass

from surveyor.services.contract import ImageByHash
from surveyor.services.images import Images, LoadedImage
from surveyor.services.reference.evidence import ObjectEvidence, Seeing, look
from surveyor.services.reference.presets import RecallModel
from surveyor.services.reference.quality import ImageQuality
from surveyor.services.reference.world import ImageView


@dataclass(frozen=True, slots=True)
class MeasuredImage:
    """The received image and, for a derived one, the frame that it came from."""

    now: Seeing
    before: Seeing | None
    credit: float

    @property
    def derived(self) -> bool:
        """Whether this is not a frame of the dataset itself."""
        return self.before is not None

    @property
    def quality(self) -> ImageQuality:
        """Quality of the whole image as other experts may believe it."""
        if self.before is None:
            return self.now.overall
        return _believed(self.before.overall, self.now.overall, self.credit)

    def of(self, instance: int) -> ImageQuality:
        """Quality around one visible object, as far as it may be believed."""
        now, was = self._pair(instance)
        return now.quality if was is None else _believed(was.quality, now.quality, self.credit)

    def logit(self, instance: int, model: RecallModel) -> float:
        """Log odds of recognising one visible object."""
        seen, was = self._pair(instance)
        now = seen.logit(model)
        if was is None:
            return now
        return _grown(was.logit(model), now, self.credit)

    def _pair(self, instance: int) -> tuple[ObjectEvidence, ObjectEvidence | None]:
        was = None if self.before is None else self.before.things.get(instance)
        return self.now.things[instance], was


def measured_image(
    view: ImageView, image: LoadedImage, images: Images, credit: float
) -> MeasuredImage:
    """Measure an image, and the original of a derived one."""
    before = None
    if image.sha256 != view.sha256:
        original = images(ImageByHash(sha256=view.sha256))
        before = look(view.world.whole(view.key), original)
    return MeasuredImage(look(view, image), before, credit)


def _believed(was: ImageQuality, now: ImageQuality, credit: float) -> ImageQuality:
    return ImageQuality(
        contrast=_grown(was.contrast, now.contrast, credit),
        cnr=_grown(was.cnr, now.cnr, credit),
        sharpness=_grown(was.sharpness, now.sharpness, credit),
    )


def _grown(was: float, now: float, credit: float) -> float:
    return was + (now - was) * (credit if now > was else 1.0)

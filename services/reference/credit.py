"""What other experts may believe of a derived image.

A restored frame pleases contrast and sharpness meters more than it helps a recogniser (97 % of
the loss recovered against 31 %, measured), so only a share of the metered improvement over the
original frame counts; what restoration spoils counts in full.
"""

from __future__ import annotations

from services.contract import ImageByHash
from services.images import Images, LoadedImage
from services.reference.evidence import Seeing
from services.reference.presets import RecallModel
from services.reference.quality import Quality
from services.reference.visible import Visible
from services.reference.world import View


class Sight:
    """The received image and, for a derived one, the frame that it came from."""

    def __init__(self, view: View, image: LoadedImage, images: Images, credit: float) -> None:
        self.view = view
        self.derived = image.derivation is not None and image.sha256 != view.sha256
        self._seeing = Seeing(view, image)
        self._credit = credit
        self._root: Seeing | None = None
        self._root_things: dict[int, Visible] = {}
        if self.derived:
            original = images(ImageByHash(sha256=view.sha256))
            root = view.world.whole(view.key)
            self._root = Seeing(root, original)
            self._root_things = {thing.object.instance_id: thing for thing in root_objects(root)}

    @property
    def quality(self) -> Quality:
        """Quality of the whole image as other experts may believe it."""
        now = self._seeing.overall
        if self._root is None:
            return now
        return _blend(self._root.overall, now, self._credit)

    def logit(self, seen: Visible, model: RecallModel) -> float:
        """Log odds of recognising one object."""
        now = self._seeing.of(seen).logit(model)
        before = self._root_things.get(seen.object.instance_id)
        if self._root is None or before is None:
            return now
        was = self._root.of(before).logit(model)
        return was + (now - was) * (self._credit if now > was else 1.0)


def root_objects(view: View) -> list[Visible]:
    """Everything visible in the original frame, however little of it."""
    known = {thing.instance_id: thing for thing in view.truth.objects}
    return [Visible(known[i], count, box) for i, count, box in view.instances if i in known]


def _blend(was: Quality, now: Quality, credit: float) -> Quality:
    def part(a: float, b: float) -> float:
        return a + (b - a) * (credit if b > a else 1.0)

    return Quality(
        contrast=part(was.contrast, now.contrast),
        cnr=part(was.cnr, now.cnr),
        sharpness=part(was.sharpness, now.sharpness),
    )

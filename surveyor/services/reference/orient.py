"""Reference `orient`: which way the object in a box faces, seen from the camera."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surveyor.core.errors import UserError
from surveyor.core.geometry import Pose
from surveyor.scenes.records import SceneObject
from surveyor.services.contract import (
    Box,
    ErrorCode,
    ImageByHash,
    ImageRef,
    OrientAnswer,
    Orientation,
    OrientRequest,
)
from surveyor.services.errors import ExpertError
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.reference.base import ReferenceExpert, require_inside
from surveyor.services.reference.presets import OrientErrors
from surveyor.services.reference.seeding import generator
from surveyor.services.reference.visible import overlap
from surveyor.services.reference.world import ImageView

_LEAST_OVERLAP = 0.1


@dataclass(frozen=True, slots=True)
class _Sighting:
    view: ImageView
    thing: SceneObject


class ReferenceOrient(ReferenceExpert):
    """Errors are the object's own: every view of it is wrong by the same angle and flip, plus a
    smaller part of its own."""

    name = "orient"

    def probe(self) -> OrientRequest:
        for key in self.world.frames():
            view = self.world.whole(key)
            known = {thing.instance_id for thing in view.truth.objects}
            boxes = [box for instance, _, box in view.instances if instance in known]
            if boxes:
                return OrientRequest(image=ImageByHash(sha256=view.sha256), box=boxes[0])
        raise UserError("no dataset given has a frame with an object for `orient` to look at")

    def preprocess(self, request: OrientRequest, images: Images) -> list[_Sighting]:
        found = [self._find(request.image, request.box, "box", images)]
        if request.other is not None and request.other_box is not None:
            found.append(self._find(request.other, request.other_box, "other_box", images))
        return found

    def forward_batch(self, batch: Sequence[list[_Sighting]]) -> Sequence[list[Orientation]]:
        return [[self._orientation(one) for one in pair] for pair in batch]

    def postprocess(
        self,
        request: OrientRequest,
        item: list[_Sighting],
        raw: list[Orientation],
        artifacts: ArtifactWriter,
    ) -> OrientAnswer:
        other = raw[1] if len(raw) > 1 else None
        relative = None if other is None else wrapped(other.azimuth - raw[0].azimuth)
        return OrientAnswer(
            producer=self.producer, orientation=raw[0], other=other, relative_azimuth=relative
        )

    def _find(self, reference: ImageRef, box: Box, field: str, images: Images) -> _Sighting:
        view = self.world.view(images(reference), images)
        require_inside(box, view, field)
        known = {thing.instance_id: thing for thing in view.truth.objects}
        fits = [(overlap(b, box), known[i]) for i, _, b in view.instances if i in known]
        best = max(fits, key=lambda fit: fit[0], default=None)
        if best is None or best[0] < _LEAST_OVERLAP:
            message = f"there is no object in the box {box}; send the box of a detection"
            raise ExpertError(ErrorCode.BAD_INPUT, message, field=field)
        return _Sighting(view, best[1])

    def _orientation(self, sighting: _Sighting) -> Orientation:
        thing, view = sighting.thing, sighting.view
        azimuth, polar, roll = facing(thing, view.pose)
        if thing.front is None:
            return Orientation(azimuth=0.0, polar=polar, rotation=roll, symmetry=0, confidence=0.0)
        errors = self.preset.orient
        confidence = 1.0
        if errors != OrientErrors():
            whose = (view.key.scene_id, self.name, thing.instance_id, self.settings.seed)
            common, own = generator(*whose), generator(*whose, view.key.index)
            wrong = 0.8 * common.normal() + 0.6 * own.normal()
            azimuth += math.degrees(errors.azimuth) * wrong
            confidence = float(np.clip(0.85 - 0.1 * abs(wrong) + own.normal() * 0.05, 0.05, 0.99))
            if thing.symmetry > 1 and common.random() < errors.flip:
                azimuth += 180.0
                confidence *= 0.6
        return Orientation(
            azimuth=wrapped(azimuth),
            polar=polar,
            rotation=roll,
            symmetry=thing.symmetry,
            confidence=confidence,
        )


def facing(thing: SceneObject, pose: Pose) -> tuple[float, float, float]:
    """Azimuth, polar and in-plane angle (degrees) of an object seen from a camera.

    Azimuth: from the direction towards the camera to the object's front, counter-clockwise seen
    from above. Polar: the camera's elevation above the object. In-plane: how far the world's up
    leans to the right in the image.
    """
    towards = pose.position - np.array(thing.box.center)
    ahead = math.atan2(towards[1], towards[0])
    front = thing.front or (math.cos(ahead), math.sin(ahead), 0.0)
    azimuth = math.degrees(math.atan2(front[1], front[0]) - ahead)
    polar = math.degrees(math.atan2(towards[2], math.hypot(towards[0], towards[1])))
    up = pose.T_world_camera[:3, :3].T @ np.array([0.0, 0.0, 1.0])
    roll = math.degrees(math.atan2(up[0], -up[1]))
    return wrapped(azimuth), polar, roll


def wrapped(degrees: float) -> float:
    """The same direction in (-180, 180]."""
    return 180.0 - (180.0 - degrees) % 360.0

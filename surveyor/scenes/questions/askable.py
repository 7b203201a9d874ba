"""What of a scene may be asked about: categories allowed, fully filmed, and with known boxes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pydantic import JsonValue

from surveyor.core.blobs import BlobStore
from surveyor.core.cameras import Frame
from surveyor.core.geometry import Float, OrientedBox
from surveyor.scenes.capture.visibility import SeenBoxes
from surveyor.scenes.official.measures import BoxDistances
from surveyor.scenes.questions.recover import Perceived
from surveyor.scenes.questions.vocabulary import may_ask
from surveyor.scenes.records import SceneTruth
from surveyor.scenes.rooms.free_space import FreeSpace

MIN_SHARE = 400 / (640 * 480)
MIN_FRAMES = 2


@dataclass(frozen=True, slots=True)
class CapturedScene:
    """A scene to be asked about: its truth, its frames, and what exact perception gets of it.

    ``blobs`` holds the frames' pixels, and takes the marked copies that some questions show.
    Scenes with one ``key`` are asked from one stream of random numbers.
    """

    truth: SceneTruth
    frames: tuple[Frame, ...] = ()
    seen: SeenBoxes | None = None
    blobs: BlobStore | None = None
    key: str | None = None


class AskableScene:
    """A scene's objects by category, its distances and its evidence.

    Where the scene was filmed, a category is kept only when each of its instances covers at least
    400 pixels of a 640 x 480 image (the same share of other sizes) in two frames.
    """

    def __init__(self, filmed: CapturedScene) -> None:
        self.truth = truth = filmed.truth
        self.key = filmed.key or truth.scene_id
        self.views = filmed.seen.views if filmed.seen is not None else ()
        self.times = tuple(frame.time for frame in filmed.frames)
        self.perceived = None if filmed.seen is None else Perceived(filmed.seen)
        found: dict[str, list[int]] = defaultdict(list)
        for index, item in enumerate(truth.objects):
            if may_ask(item.category, truth.source):
                found[item.category].append(index)
        self.categories = {
            name: tuple(found[name])
            for name in sorted(found)
            if all(self.shown(index) for index in found[name])
        }
        self.unique = {name: ids[0] for name, ids in self.categories.items() if len(ids) == 1}

    @cached_property
    def distances(self) -> BoxDistances:
        """Official distances between the scene's boxes."""
        return BoxDistances([item.box for item in self.truth.objects])

    @cached_property
    def free_space(self) -> FreeSpace:
        """Where one can walk; only for scenes with floor polygons."""
        return FreeSpace(self.truth)

    @cached_property
    def shares(self) -> Float:
        """(frames, objects) share of each image that each object covers."""
        pixels = [c.intrinsics.width * c.intrinsics.height for c in self.truth.cameras]
        shown = np.array(self.truth.visible_pixels, np.float64).reshape(len(pixels), -1)
        shares: Float = shown / np.array(pixels)[:, None]
        return shares

    def box(self, index: int) -> OrientedBox:
        """The box of object ``index``."""
        return self.truth.objects[index].box

    def shown(self, index: int) -> bool:
        """Whether object ``index`` is shown well enough to be asked about."""
        if not self.truth.cameras:
            return True
        return int((self.shares[:, index] >= MIN_SHARE).sum()) >= MIN_FRAMES

    def evidence(self, indices: Iterable[int]) -> tuple[int, ...]:
        """Frames that show each of the objects best, in order of time."""
        rows = self.truth.visible_pixels
        if not rows:
            return ()
        best = {max(range(len(rows)), key=lambda k: rows[k][index]) for index in indices}
        return tuple(sorted(best))

    def operands(
        self, named: Mapping[str, Sequence[int]], **values: JsonValue
    ) -> dict[str, JsonValue]:
        """What a program was applied to: instance ids under each name, and numbers found."""
        objects: dict[str, JsonValue] = {
            name: [self.truth.objects[index].instance_id for index in indices]
            for name, indices in named.items()
        }
        return {"objects": objects, **values}

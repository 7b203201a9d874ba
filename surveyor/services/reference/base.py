"""What all reference experts share: the world, the preset, and how they present themselves."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

from surveyor.core.blobs import BlobStore, Derivation, sha256_of
from surveyor.core.errors import UserError
from surveyor.core.producer import Producer
from surveyor.services.contract import Box, ErrorCode, ImageByHash, Info
from surveyor.services.errors import ExpertError
from surveyor.services.images import Images, LoadedImage
from surveyor.services.reference.presets import Preset, preset
from surveyor.services.reference.restoration_discount import MeasuredImage, measured_image
from surveyor.services.reference.world import KEEP_FRAMES, ImageView, LruCache, ReferenceWorld
from surveyor.services.settings import Settings

VERSION = "1"
_KEEP_SIGHTS = 2048
_NOTE = (
    "Answers come from the exact truth of embedded scenes through a seeded error model: "
    "a test world and an upper bound, not a neural result."
)


class WorldCache:
    """The world of some datasets and what their pictures measured.

    Adapters that live in one process may hold one together: what a picture is worth as
    evidence does not depend on who asks, and costs more than most answers. ``keep_frames``: how
    many frames' exact maps stay in memory, ``keep_sights``: how many pictures' measures.
    """

    def __init__(
        self,
        datasets: tuple[Path, ...],
        keep_frames: int = KEEP_FRAMES,
        keep_sights: int = _KEEP_SIGHTS,
    ) -> None:
        self.world = ReferenceWorld(datasets, keep_frames)
        self.sights: LruCache[tuple[str, Derivation | None, float], MeasuredImage] = LruCache(
            keep_sights
        )


class ReferenceExpert:
    """Base of the reference adapters; a subclass adds the stations that are its own.

    ``cache`` may be given before `load`, to share it; else every adapter has its own.
    """

    name = ""
    version = VERSION
    errs = True  # answers depend on the seed of the error model
    max_batch = 1  # nothing is stacked, so waiting for company would only cost time

    world: ReferenceWorld
    preset: Preset
    settings: Settings
    cache: WorldCache | None = None

    def load(self, settings: Settings) -> None:
        """Open the datasets; nothing large is read before it is asked for."""
        if not settings.datasets:
            raise UserError(
                f"the reference expert {self.name!r} needs a dataset to answer for; "
                "give its folder (`surveyor serve up --dataset PATH`)"
            )
        self.settings = settings
        self.preset = preset(settings.preset)
        self.cache = self.cache or WorldCache(settings.datasets)
        self.world = self.cache.world

    def info(self) -> Info:
        """Says what it is, and that it is no neural model."""
        return Info(
            expert=self.name,
            producer=self.producer,
            model=f"surveyor-reference-{self.name}",
            revision=self.version,
            licence="Apache-2.0",
            preset=self.preset.name,
            note=_NOTE,
        )

    def group(self, item: object) -> Hashable:
        """Any items may share a batch: nothing is stacked."""
        return None

    @property
    def producer(self) -> Producer:
        """What a neural expert's weights are to it, truth and error model are to this one."""
        seed = self.settings.seed if self.errs else ""
        knows = f"{self.version} {self.preset!r} {seed} {self.world.fingerprint}"
        weights = sha256_of(knows.encode())[:16]
        return Producer(
            name=self.name,
            version=self.version,
            weights=weights,
            backend="reference",
            device="cpu",
        )

    def sight(self, view: ImageView, image: LoadedImage, images: Images) -> MeasuredImage:
        """What the pixels of an image are worth as evidence; kept, because it costs more than
        the rest of an answer."""
        credit = self.preset.restore.credit
        key = (image.sha256, image.derivation, credit)
        assert self.cache is not None  # from `load` on
        return self.cache.sights.get(key, lambda: measured_image(view, image, images, credit))

    def probe_image(self) -> ImageByHash:
        """A known frame for the first inference; `UserError` when no dataset has any."""
        sha256 = self.world.first_frame()
        if sha256 is None:
            raise UserError(
                f"no dataset given has frames, so the reference expert {self.name!r} can answer "
                "nothing; serve only `scene` for it"
            )
        if not any(
            BlobStore(folder).path(sha256).exists() for folder in self.settings.blob_folders
        ):
            named = ", ".join(map(str, self.settings.datasets))
            raise UserError(f"frames are missing from {named}; make the dataset again")
        return ImageByHash(sha256=sha256)


def require_inside(box: Box, view: ImageView, field: str) -> None:
    """`ExpertError` unless the box has an area within the image."""
    left, top = max(box[0], -0.5), max(box[1], -0.5)
    right, bottom = min(box[2], view.width - 0.5), min(box[3], view.height - 0.5)
    if right <= left or bottom <= top:
        message = (
            f"the box {box} has no area inside the {view.width} x {view.height} image; "
            "boxes are (x1, y1, x2, y2) in its pixels"
        )
        raise ExpertError(ErrorCode.BAD_INPUT, message, field=field)

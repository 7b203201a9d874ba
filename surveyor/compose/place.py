"""A place of one's own: photos kept by content, the questions asked about them, and their memory.

::

    places/<name>/
        photos.json      names, sizes, focal lengths and hashes, in order
        blobs/           the pictures, upright and without what the camera wrote beside them
        memory.sqlite    what earlier questions measured
        ask-1/ ask-2/    one run each: a schedule of one question, its log, answer.json, answer.jpg
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from surveyor.core.blobs import BlobRef, BlobStore, sha256_of
from surveyor.core.cameras import Frame
from surveyor.core.dataset import Dataset, DatasetManifest
from surveyor.core.errors import UserError
from surveyor.core.names import check_name, safe_name
from surveyor.core.photos import Photos
from surveyor.core.wording import many

PLACES = Path("out/places")
PHOTOS = "photos.json"
ANSWER, PICTURE = "answer.json", "answer.jpg"
_ASKED = re.compile(r"ask-(\d+)")


class KeptPhoto(BaseModel):
    """One photo of a place; ``focal`` in pixels where its camera told it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    image: BlobRef
    focal: float | None = None


class PlaceRecord(BaseModel):
    """``photos.json``; ``left_out`` as in `surveyor.core.photos.Photos`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: int = 1
    name: str
    photos: tuple[KeptPhoto, ...]
    video: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def holds(self) -> str:
        """How many photos, or frames of a video."""
        return many(len(self.photos), "frame" if self.video else "photo")


@dataclass(frozen=True, slots=True)
class Place:
    """One place on disk."""

    path: Path
    record: PlaceRecord

    @property
    def blobs(self) -> BlobStore:
        """Its pictures."""
        return BlobStore(self.path / "blobs")

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The photos as a planner gets them; a photo has no time, so they are numbered."""
        return tuple(
            Frame(index=k, time=float(k), image=photo.image)
            for k, photo in enumerate(self.record.photos)
        )

    @property
    def names(self) -> dict[str, str]:
        """Photo names by frame handle."""
        return {f"frame_{k}": photo.name for k, photo in enumerate(self.record.photos)}

    @property
    def content(self) -> str:
        """Changes when the photos do."""
        return sha256_of("".join(photo.image.sha256 for photo in self.record.photos).encode())

    @property
    def asked(self) -> tuple[Path, ...]:
        """The runs of its questions, in the order in which they were asked."""
        found = [(int(m[1]), p) for p in self.path.iterdir() if (m := _ASKED.fullmatch(p.name))]
        return tuple(path for _, path in sorted(found))

    def next_run(self) -> Path:
        """Where the next question's run goes."""
        last = self.asked[-1].name if self.asked else "ask-0"
        return self.path / f"ask-{int(last.partition('-')[2]) + 1}"

    def dataset(self) -> Dataset:
        """The place as a dataset without questions of its own, for what reads datasets."""
        manifest = DatasetManifest(
            name=self.record.name,
            generator="photos",
            seed=0,
            split="test",
            scenes=(self.record.name,),
            questions={},
            tasks_hash="",
            targets_hash="",
            content_hash=self.content,
        )
        return Dataset(self.path, manifest)


def make_place(root: Path, name: str, given: Photos) -> Place:
    """Keep photos under a name; the same photos again are the same place.

    Raises `UserError` when other photos are kept under that name.
    """
    path = root / _file_name(name)
    store = BlobStore(path / "blobs")
    kept = tuple(
        KeptPhoto(
            name=photo.name,
            image=store.put(photo.data, photo.media_type, width=photo.width, height=photo.height),
            focal=photo.focal,
        )
        for photo in given.photos
    )
    record = PlaceRecord(name=name, photos=kept, video=given.video, left_out=given.left_out)
    if (path / PHOTOS).exists():
        old = open_place(root, name)
        if [p.image.sha256 for p in old.record.photos] != [p.image.sha256 for p in kept]:
            raise UserError(
                f"the place {name!r} has other photos; choose another --place for these, "
                "because what was measured in one set of photos does not fit another"
            )
        if old.record.left_out == given.left_out:
            return old
        record = old.record.model_copy(update={"left_out": given.left_out})
    path.mkdir(parents=True, exist_ok=True)
    (path / PHOTOS).write_text(record.model_dump_json(indent=1) + "\n")
    return Place(path, record)


def open_place(root: Path, name: str) -> Place:
    """A place by its name; `UserError` lists those there are."""
    path = root / _file_name(name)
    try:
        record = PlaceRecord.model_validate_json((path / PHOTOS).read_bytes())
    except OSError:
        there = ", ".join(place_names(root)) or "none yet"
        raise UserError(f"there is no place {name!r} in {root} (there: {there})") from None
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]["msg"]
        raise UserError(f"{path / PHOTOS} is damaged ({detail}); give the photos again") from None
    return Place(path, record)


def _file_name(name: str) -> str:
    """The folder of a place; `UserError` for a name that can be none."""
    return safe_name(check_name(name, "the place's name", "choose another, as in --place kitchen"))


def place_names(root: Path) -> list[str]:
    """The places under ``root``, the one that was asked about last first."""
    found = list(root.glob(f"*/{PHOTOS}"))
    newest = sorted(found, key=lambda path: -path.parent.stat().st_mtime)
    return [PlaceRecord.model_validate_json(path.read_bytes()).name for path in newest]


def name_of(places: list[Path]) -> str:
    """A place's name from where its photos lie."""
    first = places[0].resolve()
    return first.name if first.is_dir() else first.stem if len(places) == 1 else first.parent.name

"""What measuring by hand keeps with a place: the joined cameras, the marks, every answer.

::

    places/<name>/
        joined.json      where the photos were taken from, so that joining is done once
        marks.json       ends and known sizes as last written, for the next question
        hand-1/ hand-2/  one answer each: answer.json, answer.jpg
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from surveyor.compose.place import Place
from surveyor.core.blobs import sha256_of
from surveyor.core.geometry import Intrinsics
from surveyor.core.photos import Photo
from surveyor.tools.geometry import (
    bundle,
    photo_focal,
    photo_joining,
    photo_matching,
    resection,
)
from surveyor.tools.geometry.many_views import ViewPose
from surveyor.tools.geometry.photo_joining import Joined, join_photos

JOINED, MARKS = "joined.json", "marks.json"
_JOINING = (bundle, photo_focal, photo_joining, photo_matching, resection)
"""The code that decides how photos are joined."""
_HAND = re.compile(r"hand-(\d+)")


class KeptMarks(BaseModel):
    """``marks.json``: ends and known sizes as texts, the way `surveyor ask` reads them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: int = 1
    points: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


class _KeptJoined(BaseModel):
    """``joined.json``; ``key`` says of which photos and by which code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: int = 1
    key: str
    turns: dict[int, list[list[float]]]
    shifts: dict[int, list[float]]
    intrinsics: tuple[Intrinsics, ...]
    apart: tuple[int, ...]
    points: list[list[float]]
    error: float
    focal_known: bool
    loose: list[list[float]]


def photos_of(place: Place) -> list[Photo]:
    """The place's photos with their bytes."""
    return [
        Photo(
            photo.name, place.blobs.get(photo.image.sha256), photo.image.media_type,
            photo.image.width or 0, photo.image.height or 0, photo.focal,
        )
        for photo in place.record.photos
    ]  # fmt: skip


def joined_photos(place: Place, photos: Sequence[Photo]) -> Joined:
    """The place's cameras, joined once. Raises what `join_photos` raises."""
    try:
        kept = _KeptJoined.model_validate_json((place.path / JOINED).read_bytes())
    except (OSError, ValidationError):
        kept = None
    if kept is None or kept.key != _key(place):
        view = join_photos(photos)
        keep_joined(place, view)
        return view
    cameras = {
        k: ViewPose(np.array(R), np.array(kept.shifts[k])) for k, R in sorted(kept.turns.items())
    }
    points = np.array(kept.points).reshape(-1, 3)
    return Joined(
        cameras, kept.intrinsics, kept.apart, points, kept.error, kept.focal_known,
        np.array(kept.loose),
    )  # fmt: skip


def keep_joined(place: Place, view: Joined) -> None:
    """Keep a place's cameras until its photos or the code that joins them change."""
    record = _KeptJoined(
        key=_key(place),
        turns={k: camera.R.tolist() for k, camera in view.cameras.items()},
        shifts={k: camera.t.tolist() for k, camera in view.cameras.items()},
        intrinsics=view.intrinsics,
        apart=view.apart,
        points=view.points.tolist(),
        error=view.error,
        focal_known=view.focal_known,
        loose=view.loose.tolist(),
    )
    (place.path / JOINED).write_text(record.model_dump_json() + "\n")


def _key(place: Place) -> str:
    code = [sha256_of(Path(str(part.__file__)).read_bytes()) for part in _JOINING]
    focals = [photo.focal for photo in place.record.photos]
    return sha256_of(f"{place.content} {focals} {code}".encode())


def kept_marks(place: Place) -> KeptMarks:
    """What was marked last; nothing where nothing was, or where the file is damaged."""
    try:
        return KeptMarks.model_validate_json((place.path / MARKS).read_bytes())
    except (OSError, ValidationError):
        return KeptMarks()


def keep_marks(place: Place, marks: KeptMarks) -> None:
    """Remember marks for the next question."""
    (place.path / MARKS).write_text(marks.model_dump_json(indent=1) + "\n")


def hand_answers(place: Place) -> list[Path]:
    """The folders of answers measured by hand, in order."""
    found = [(int(m[1]), p) for p in place.path.iterdir() if (m := _HAND.fullmatch(p.name))]
    return [path for _, path in sorted(found)]


def next_hand(place: Place) -> Path:
    """Where the next answer measured by hand goes."""
    last = hand_answers(place)
    return place.path / f"hand-{int(last[-1].name.partition('-')[2]) + 1 if last else 1}"

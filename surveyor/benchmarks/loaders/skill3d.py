"""Skill-3D's split files: four benchmarks as rows of conversations (``vsi_test.jsonl`` ...)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from surveyor.benchmarks.loaders.base import Loader
from surveyor.benchmarks.loaders.build import Contents, Item
from surveyor.benchmarks.loaders.media import Footage, Stills, footage_below, image_of
from surveyor.benchmarks.loaders.row_files import SUFFIXES, PublishedRow, find_table, read_table
from surveyor.benchmarks.scorers.per_type import NAME as MIXED
from surveyor.benchmarks.scorers.vsi import UNITS
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind

_FAMILIES: Final = {"vsi": "vsi", "mmsi_pr": "mmsi", "cv3d": "cvbench", "blink_multiview": "blink"}
_METRICS: Final = {**_FAMILIES, "all": MIXED}
_SOURCES: Final = {"vsi": "vsi", "mmsi": "mmsi", "cvbench": "cvbench", "blink": "blink"}
SPLITS_FOLDER: Final = "skill3d_splits"
_HOMES: Final = (".", SPLITS_FOLDER, f"dataset/{SPLITS_FOLDER}")
_SPLITS: Final = tuple(f"{name}_{part}" for name in _METRICS for part in ("test", "train"))
_KINDS: Final = {"mcq": AnswerKind.CHOICE, "number": AnswerKind.NUMBER, "text": AnswerKind.TEXT}
_PLACEHOLDER: Final = re.compile(r"<(?:image|video)>\s*")
_TAGGED: Final = re.compile(r"<answer>\s*(.*?)\s*</answer>", re.DOTALL)
_OPTION: Final = re.compile(r"^\s*([A-H][.):]\s*\S.*|\([A-H]\)\s*\S.*)$", re.MULTILINE)


class Said(PublishedRow):
    """One turn of a conversation."""

    value: str


class Skill3DRow(PublishedRow):
    """A row; exactly two turns are read, the question and its answer."""

    id: str
    image: tuple[object, ...] | None = ()
    video: tuple[str, ...] | None = ()
    conversations: tuple[Said, ...]
    task: str
    output_type: str
    data_source: str | None = None


@dataclass(frozen=True, slots=True)
class _Media:
    """Opens the frames of a scene that rows named."""

    roots: tuple[Path, ...]
    videos: Mapping[str, str]
    images: Mapping[str, tuple[object, ...]]

    def __call__(self, scene_id: str) -> Footage:
        if scene_id in self.videos:
            place = PurePosixPath(self.videos[scene_id]).with_suffix("")
            return footage_below(self.roots, [str(place)], scene_id)
        found = tuple(
            image_of(image, self.roots, f"image {k} of row {scene_id!r}")
            for k, image in enumerate(self.images[scene_id], start=1)
        )
        if not found:
            raise UserError(f"row {scene_id!r} has neither images nor a video")
        return Stills(found, scene_id)


def read_skill3d(source: Path, split: str, media: Path | None = None) -> Contents:
    """``<split>.jsonl``, scored by the metric of the benchmark that it came from; ``all_*`` row by
    row. Files lie in the folder itself, in its ``skill3d_splits`` or ``dataset/skill3d_splits``;
    media beside them or, as published, beside that folder.
    """
    homes = [source / place for place in _HOMES]
    path = find_table(next((h for h in homes if _has_table(h, split)), source), split)
    family, part = split.rsplit("_", 1)
    items: list[Item] = []
    videos: dict[str, str] = {}
    images: dict[str, tuple[object, ...]] = {}
    for row in read_table(path, Skill3DRow):
        scene_id = _scene(row)
        if row.video:
            videos[scene_id] = row.video[0]
        else:
            images.setdefault(scene_id, row.image or ())
        items.append(_item(row, scene_id, path, mixed=family == "all"))
    roots = (media,) if media else (path.parent, path.parent.parent)[: 1 + _is_own(path.parent)]
    footage = _Media(roots, videos, images)
    return Contents(f"skill3d-{family}", _METRICS[family], part, items, (path,), footage)


def _has_table(folder: Path, split: str) -> bool:
    return any((folder / f"{split}{suffix}").is_file() for suffix in SUFFIXES)


def _is_own(folder: Path) -> bool:
    return folder.resolve().name == SPLITS_FOLDER


def _metric_of(row: Skill3DRow, path: Path) -> str:
    """The metric of the benchmark that a row of a mixed file says it is from."""
    source = re.sub(r"[^a-z0-9]", "", f"{row.data_source or row.id}".lower())
    for name, metric in _SOURCES.items():
        if name in source:
            return metric
    raise UserError(f"{path} row {row.id!r} is of no benchmark that is known: {row.data_source!r}")


def _scene(row: Skill3DRow) -> str:
    """The scan's own name where the row has a video ``<dataset>_<scene>``, else the row's id."""
    if not row.video:
        return row.id
    stem = Path(row.video[0]).stem
    return stem.partition("_")[2] or stem


def _item(row: Skill3DRow, scene_id: str, path: Path, *, mixed: bool) -> Item:
    if len(row.conversations) != 2:
        raise UserError(f"{path} row {row.id!r} is not one question and one answer")
    kind = _KINDS.get(row.output_type.lower())
    if kind is None:
        raise UserError(f"{path} row {row.id!r} has an unknown output_type {row.output_type!r}")
    asked, said = (turn.value for turn in row.conversations)
    tagged = _TAGGED.search(said)
    question = _PLACEHOLDER.sub("", asked).strip()
    own = _metric_of(row, path) if mixed else ""
    listed = _OPTION.findall(question) if kind is AnswerKind.CHOICE else []
    return Item(
        id=row.id,
        scene_id=scene_id,
        question_type=row.task if own in ("", "vsi") else f"{own}:{row.task}",
        question=question,
        kind=kind,
        answer=tagged.group(1) if tagged else said.strip(),
        options_in_text=tuple(option.strip() for option in listed),
        unit=UNITS.get(row.task),
    )


LOADERS: Final = (Loader("skill3d", _SPLITS, read_skill3d),)

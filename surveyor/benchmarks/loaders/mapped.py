"""One reader for all benchmarks of `field_maps`: rows of pictures or of a video, as a dataset."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, cast

from pydantic import BaseModel, ConfigDict, JsonValue

from surveyor.benchmarks.loaders.base import Loader
from surveyor.benchmarks.loaders.build import Contents, Item
from surveyor.benchmarks.loaders.field_maps import MAPS, FieldMap, Row
from surveyor.benchmarks.loaders.media import Footage, Stills, footage_below, image_of
from surveyor.benchmarks.loaders.row_files import SUFFIXES, find_table, read_table
from surveyor.core.errors import UserError


class AnyRow(BaseModel):
    """A row under whatever names its benchmark uses."""

    model_config = ConfigDict(frozen=True, extra="allow")


@dataclass
class _Scene:
    """What the rows of one scene show: pictures, or a video's name."""

    pictures: list[Path | bytes] = field(default_factory=list)
    video: str = ""


def read_mapped(fields: FieldMap, source: Path, split: str, media: Path | None = None) -> Contents:
    """The rows of a split; `UserError` names the file and the row of the first that is not of this
    benchmark."""
    files: list[Path] = []
    scenes: dict[str, _Scene] = {}
    items: list[Item] = []
    for part in fields.parts.get(split, (split,)):
        before = len(files)
        files += _tables(source, fields.stems[part])
        number = 0
        for path in files[before:]:
            roots = _roots(media, source, path, fields)
            for at, found in enumerate(read_table(path, AnyRow), start=1):
                row = fields.per_split(found.model_extra or {}, part)
                try:
                    item = _item(fields, row, f"{part}_{number}", roots, scenes)
                except UserError as error:
                    raise UserError(f"{path} row {at}: {error}") from None
                items += [item] if item is not None else []
                number += 1
    roots = _roots(media, source, files[0], fields)

    def footage(scene_id: str) -> Footage:
        scene = scenes[scene_id]
        if scene.video:
            return footage_below(roots, [scene.video], scene_id)
        return Stills(tuple(scene.pictures), scene_id)

    budget = split if split in fields.budget else ""
    return Contents(fields.name, fields.metric, "test", items, tuple(files), footage, budget=budget)


def _item(
    fields: FieldMap, row: Row, position: str, roots: list[Path], scenes: dict[str, _Scene]
) -> Item | None:
    """One row, its pictures put into its scene; None for one that has no answer."""
    if (answer := _answer(fields, row)) is None:
        return None
    if answer.strip("()").lower() == "hidden":
        raise UserError("the answers of this split are hidden; choose another")
    name = str(row[fields.id]) if row.get(fields.id) is not None else position
    scene_id, shown = _place(fields, row, name, roots, scenes)
    options = tuple(fields.options(row))
    hidden = {key: row[key] for key in fields.hidden if row.get(key) is not None}
    return Item(
        id=name,
        scene_id=scene_id,
        question_type=fields.question_type(row),
        question=fields.question(row),
        kind=fields.kind(row),
        answer=answer,
        group=fields.group(row) or None,
        options=() if fields.in_text else options,
        options_in_text=options if fields.in_text else (),
        unit=fields.unit(row) or None,
        payload=cast("Mapping[str, JsonValue]", {**hidden, **fields.made(row)}),
        shown=shown,
    )


def _answer(fields: FieldMap, row: Row) -> str | None:
    """The answer; None where the field is there and empty, as in rows that nobody judged."""
    try:
        return fields.answer(row) or None
    except UserError:
        names = ("answer", "gt_answer", "ground_truth")
        if any(name in row and row[name] is None for name in names):
            return None
        raise


def _place(
    fields: FieldMap, row: Row, name: str, roots: list[Path], scenes: dict[str, _Scene]
) -> tuple[str, tuple[int, ...]]:
    """The row's scene, and which of its pictures the row shows; all of them when empty."""
    known = fields.scene(row)
    if video := fields.video(row):
        scene_id = known or re.sub(r"[/\\\\]+", "_", video).strip("._")
        scene = scenes.setdefault(scene_id, _Scene(video=video))
        if scene.video != video:
            raise UserError(f"scene {scene_id} has two videos, {scene.video} and {video}")
        return scene_id, ()
    pictures = [
        image_of(image, roots, f"image {k}") for k, image in enumerate(fields.pictures(row), 1)
    ]
    if not pictures:
        raise UserError("the row has no images; download the file again")
    if fields.shared:
        known = f"{fields.name}_{_digest(pictures)}"
    scene = scenes.setdefault(known or f"{fields.name}_{name}", _Scene())
    if not known:
        scene.pictures += pictures if not scene.pictures else []
        return f"{fields.name}_{name}", ()
    for picture in pictures:
        if picture not in scene.pictures:
            scene.pictures.append(picture)
    return known, tuple(scene.pictures.index(picture) for picture in pictures)


def _digest(pictures: list[Path | bytes]) -> str:
    """A name of the pictures that says nothing of them."""
    whole = hashlib.sha256()
    for picture in pictures:
        whole.update(picture.read_bytes() if isinstance(picture, Path) else picture)
    return whole.hexdigest()[:12]


def _tables(source: Path, stems: Sequence[str]) -> Iterator[Path]:
    """The files of a part: those of one name, or of each name that lists others with ``|``."""
    named = stems if any("|" in stem for stem in stems) else ["|".join(stems)]
    for names in named:
        yield from _of_names(source, names.split("|"))


def _of_names(source: Path, stems: Sequence[str]) -> Sequence[Path]:
    """The first name's file, or its shards as the hub writes them."""
    places = [] if source.is_file() else [(f, s) for s in stems for f in (source, source / "data")]
    for folder, stem in places:
        for suffix in SUFFIXES:
            if (path := folder / f"{stem}{suffix}").is_file():
                return (path,)
        if shards := sorted(folder.glob(f"{stem}-*-of-*.parquet")):
            return shards
    return (find_table(source, *stems),)


def _roots(media: Path | None, source: Path, path: Path, fields: FieldMap) -> list[Path]:
    """The folders that the paths of pictures may be below, in the order of search."""
    base = media or (source if source.is_dir() else path.parent)
    found = [base / place for place in fields.places]
    return found if media else list(dict.fromkeys([*found, path.parent]))


LOADERS: Final = tuple(
    Loader(fields.name, (*fields.parts, *fields.stems), partial(read_mapped, fields))
    for fields in MAPS
)

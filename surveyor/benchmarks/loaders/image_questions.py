"""Benchmarks whose images come with each question: MMSI-Bench, CV-Bench 3D and BLINK."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator

from surveyor.benchmarks.loaders.base import Loader
from surveyor.benchmarks.loaders.build import Contents, Item
from surveyor.benchmarks.loaders.media import Footage, Stills, image_of
from surveyor.benchmarks.loaders.row_files import PublishedRow, Texts, find_table, read_table
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind

BLINK_TASKS: Final = ("Multi-view_Reasoning", "Relative_Depth", "Spatial_Relation")


def _several(value: object) -> object:
    """One image as a list of one."""
    return (value,) if isinstance(value, bytes | str | dict) else value


class MmsiRow(PublishedRow):
    """A row of MMSI-Bench; the options are part of the question."""

    id: str
    images: Annotated[tuple[object, ...], BeforeValidator(_several)]
    question_type: str
    question: str
    answer: str


class CvBenchRow(PublishedRow):
    """A row of CV-Bench; boxes are drawn into the image, which jsonl files name in filename."""

    idx: str
    type: str
    task: str
    source: str
    image: object = None
    filename: str = ""
    question: str
    choices: Texts
    answer: str
    prompt: str = ""


class BlinkRow(PublishedRow):
    """A row of BLINK; images that a question does not have are null."""

    idx: str
    sub_task: str
    question: str
    choices: Texts
    answer: str
    prompt: str = ""
    image_1: object
    image_2: object = None
    image_3: object = None
    image_4: object = None


def read_mmsi(source: Path, split: str, media: Path | None = None) -> Contents:
    """All rows; each is a scene of its own."""
    path = find_table(source, "MMSI_Bench", "MMSI_bench", "mmsi_bench", split)
    images: dict[str, tuple[object, ...]] = {}
    items = []
    for row in read_table(path, MmsiRow):
        images.setdefault(row.id, row.images)
        items.append(
            Item(
                id=row.id,
                scene_id=f"mmsi_{row.id}",
                question_type=row.question_type,
                question=row.question,
                kind=AnswerKind.CHOICE,
                answer=row.answer,
            )
        )
    return Contents(
        "mmsi-bench", "mmsi", "test", items, (path,), _own("mmsi_", images, path, media)
    )


def read_cvbench_3d(source: Path, split: str, media: Path | None = None) -> Contents:
    """The rows of type 3D, in groups by image source as the published overall wants them."""
    path = find_table(source, "test_3d", "test", "cv_bench_3d")
    images: dict[str, tuple[object, ...]] = {}
    items = []
    for row in read_table(path, CvBenchRow):
        if row.type != "3D":
            continue
        images.setdefault(row.idx, (row.image or row.filename,))
        question, options = printed(row.prompt, row.question, row.choices)
        items.append(
            Item(
                id=row.idx,
                scene_id=f"cvbench_{row.idx}",
                question_type=row.task,
                question=question,
                kind=AnswerKind.CHOICE,
                answer=row.answer,
                group=row.source,
                options=options,
                payload={"choices": list(row.choices)},
            )
        )
    return Contents(
        "cv-bench-3d", "cvbench", split, items, (path,), _own("cvbench_", images, path, media)
    )


def read_blink(source: Path, split: str, media: Path | None = None) -> Contents:
    """The three spatial subtasks, from one file or a folder of one file (or folder) a subtask."""
    if (source / f"{split}.jsonl").is_file() or source.is_file():
        paths = [find_table(source, split)]
    else:
        paths = [_subtask(source, name, split) for name in BLINK_TASKS]
    images: dict[str, tuple[object, ...]] = {}
    items = []
    for row in (row for path in paths for row in read_table(path, BlinkRow)):
        if row.sub_task not in BLINK_TASKS:
            continue
        if row.answer.strip("()").lower() == "hidden":
            raise UserError(f"the answers of BLINK's split {split} are hidden; choose val")
        shown = (row.image_1, row.image_2, row.image_3, row.image_4)
        images.setdefault(row.idx, tuple(image for image in shown if image is not None))
        question, options = printed(row.prompt, row.question, row.choices)
        items.append(
            Item(
                id=row.idx,
                scene_id=row.idx,
                question_type=row.sub_task,
                question=question,
                kind=AnswerKind.CHOICE,
                answer=row.answer,
                options=options,
                payload={"choices": list(row.choices)},
            )
        )
    return Contents("blink", "blink", split, items, tuple(paths), _own("", images, paths[0], media))


def printed(prompt: str, question: str, choices: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """A published prompt as its text and its printed options, which join to it line by line.

    A prompt that does not end in its options is the text as a whole. Without a prompt it is the
    question with its options.
    """
    options = tuple(f"({letter}) {text}" for letter, text in zip("ABCDEFGH", choices, strict=False))
    if not prompt:
        return question, options
    tail = "\n" + "\n".join(options)
    if options and prompt.endswith(tail):
        return prompt.removesuffix(tail), options
    return prompt, ()


def _subtask(source: Path, name: str, split: str) -> Path:
    if (source / name).is_dir():
        found = sorted((source / name).glob(f"{split}-*.parquet"))
        return found[0] if found else find_table(source / name, split)
    return find_table(source, f"{name}_{split}", name)


def _own(
    prefix: str, images: Mapping[str, tuple[object, ...]], path: Path, media: Path | None
) -> Callable[[str], Footage]:
    """Opens the images of a row by the id of its scene."""

    def footage(scene_id: str) -> Footage:
        key = scene_id.removeprefix(prefix)
        found = tuple(
            image_of(image, [media or path.parent], f"image {k} of row {key!r}")
            for k, image in enumerate(images[key], start=1)
        )
        if not found:
            raise UserError(f"{path} row {key!r} has no images; download it again")
        return Stills(found, key)

    return footage


LOADERS: Final = (
    Loader("mmsi-bench", ("test",), read_mmsi),
    Loader("cv-bench-3d", ("test",), read_cvbench_3d),
    Loader("blink", ("val", "test"), read_blink),
)

"""GPT4Scene's ShareGPT records: questions in words over the frames of a scene.

Records that are answered by object ids (``<OBJ007>``) name marks in the pictures, whose boxes are
not in the file; they are left out and counted, because nothing here could judge them.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from surveyor.benchmarks.loaders.base import Loader
from surveyor.benchmarks.loaders.build import Contents, Item
from surveyor.benchmarks.loaders.scannet import scan_footage
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind
from surveyor.scenes.formats.gpt4scene import SHORT, ShareGpt, parse_object_ids, read_sharegpt

RECORDS: Final = "records.json"


def read_records(source: Path, split: str, media: Path | None = None) -> Contents:
    """``records.json`` and the pictures it names, each below a folder of its scene."""
    path = source / RECORDS if source.is_dir() else source
    number: Counter[str] = Counter()
    items, skipped = [], 0
    for place, record in enumerate(read_sharegpt(path)):
        scene = _scene(record, place, path)
        question, answer = _exchange(record, place, path)
        if parse_object_ids(answer) or answer in ("No.", "No"):
            skipped += 1
            continue
        number[scene] += 1
        items.append(
            Item(
                id=f"{scene}-{number[scene]}",
                scene_id=scene,
                question_type="gpt4scene",
                question=question,
                kind=AnswerKind.TEXT,
                answer=answer,
                payload={"references": [answer]},
            )
        )
    if not items:
        raise UserError(f"{path} holds no record that is answered in words ({skipped} by ids)")
    folder = media or (source if source.is_dir() else source.parent)
    notes: dict[str, JsonValue] = {}
    if skipped:
        notes["left_out"] = {"answered by object ids": skipped}
    return Contents("gpt4scene", "qa-em", split, items, (path,), scan_footage(folder), notes=notes)


def _scene(record: ShareGpt, place: int, path: Path) -> str:
    """The folder that a record's pictures lie in; the bird's-eye view lies there too."""
    folders = {Path(image).parent.name for image in record.images}
    if len(folders) != 1 or "" in folders:
        raise UserError(f"{path} record {place}: its pictures are not of one scene's folder")
    return folders.pop()


def _exchange(record: ShareGpt, place: int, path: Path) -> tuple[str, str]:
    said = [turn for turn in record.conversations if turn.speaker in ("human", "gpt")]
    if [turn.speaker for turn in said] != ["human", "gpt"]:
        raise UserError(f"{path} record {place}: not one question with one answer")
    question = said[0].value.replace("<image>", "").removesuffix(SHORT).strip()
    return question, said[1].value.strip()


LOADERS: Final = (Loader("gpt4scene", ("val", "train"), read_records),)

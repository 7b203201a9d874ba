"""Writing a folder of rows: one dialect, one kind, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.training.checkpoints import write_folder
from surveyor.training.export.dialects import conversation, sharegpt, swift
from surveyor.training.export.pairs import PreferencePair, PromptGroup
from surveyor.training.export.pictures import Pictures
from surveyor.training.export.tables import card, write_parquet
from surveyor.training.rows.records import Row, pictures


class RowDialect(StrEnum):
    """Whose format: TRL and `datasets` (Parquet), ms-swift, LLaMA-Factory."""

    TRL = "trl"
    SWIFT = "swift"
    LLAMA_FACTORY = "llama-factory"


_PLACE = ("task_id", "scene_id", "question_type", "planner")


def write_sft(
    out: Path,
    rows: Iterable[Row],
    dialect: RowDialect,
    stores: Sequence[BlobStore],
    sources: Sequence[str],
    *,
    vision: bool,
) -> int:
    """One row an episode; how many there were. `UserError` when there are none."""

    def fill(folder: Path) -> int:
        found = Pictures(stores, folder)
        if dialect is RowDialect.TRL:
            told = (_sft(row, found, vision) for row in rows)
            columns = ("messages", "tools", *_images(vision), *_PLACE, "epoch", "score", "cost")
            return _parquet(folder, told, columns, "supervised fine-tuning", sources, vision)
        if dialect is RowDialect.SWIFT:
            return _lines(folder / "data.jsonl", (swift(row, found.file) for row in rows))
        count = _array(folder / "data.json", (sharegpt(row, found.file) for row in rows))
        (folder / "dataset_info.json").write_bytes(orjson.dumps(_INFO))
        return count

    return _whole(out, fill)


def write_preferences(
    out: Path,
    pairs: Iterable[PreferencePair],
    stores: Sequence[BlobStore],
    sources: Sequence[str],
    *,
    vision: bool,
) -> int:
    """One row a pair of episodes of one task, for TRL."""

    def fill(folder: Path) -> int:
        found = Pictures(stores, folder)
        told = (_preference(pair, found, vision) for pair in pairs)
        columns = ("prompt", "chosen", "rejected", "tools", *_images(vision), *_PLACE)
        return _parquet(folder, told, columns, "preference training", sources, vision)

    return _whole(out, fill)


def write_prompts(
    out: Path,
    prompts: Iterable[PromptGroup],
    stores: Sequence[BlobStore],
    sources: Sequence[str],
    *,
    vision: bool,
) -> int:
    """One row a task, with how often it was tried and what that scored, for TRL's GRPO."""

    def fill(folder: Path) -> int:
        found = Pictures(stores, folder)
        told = (_prompt(one, found, vision) for one in prompts)
        columns = ("prompt", "tools", *_images(vision), *_PLACE, "group", "score", "scores")
        return _parquet(folder, told, columns, "GRPO", sources, vision)

    return _whole(out, fill)


_INFO = {
    "surveyor": {
        "file_name": "data.json",
        "formatting": "sharegpt",
        "columns": {
            "messages": "conversations",
            "system": "system",
            "tools": "tools",
            "images": "images",
        },
    }
}


def _whole(out: Path, fill: Callable[[Path], int]) -> int:
    counted: list[int] = []

    def checked(folder: Path) -> None:
        counted.append(fill(folder))
        if not counted[0]:
            raise UserError(
                "no episode is left: none passes the filters, or this layout has no words for any; "
                "loosen them, take another, or run more"
            )

    write_folder(out, checked)
    return counted[0]


def _images(vision: bool) -> tuple[str, ...]:
    return ("images",) if vision else ()


def _parquet(
    folder: Path,
    rows: Iterable[dict[str, Any]],
    columns: Sequence[str],
    kind: str,
    sources: Sequence[str],
    vision: bool,
) -> int:
    count = write_parquet(folder / "data.parquet", rows, columns, parts=vision)
    (folder / "README.md").write_text(card(folder.name.strip("."), count, kind, sources))
    return count


def _place(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _PLACE}


def _seen(messages: Sequence[Any], found: Pictures, vision: bool) -> dict[str, Any]:
    if not vision:
        return {}
    return {
        "images": [{"bytes": found.read(sha), "path": None} for sha in pictures(list(messages))]
    }


def _sft(row: Row, found: Pictures, vision: bool) -> dict[str, Any]:
    return {
        **_place(row),
        "messages": conversation(row.messages, parts=vision),
        "tools": orjson.dumps(list(row.tools)).decode(),
        "epoch": row.epoch,
        "score": row.score,
        "cost": row.cost,
        **_seen(row.messages, found, vision),
    }


def _preference(pair: PreferencePair, found: Pictures, vision: bool) -> dict[str, Any]:
    shared = pair.shared
    messages = (*pair.chosen.messages, *pair.rejected.messages[shared:])
    return {
        **_place(pair.chosen),
        "prompt": conversation(pair.chosen.messages[:shared], parts=vision),
        "chosen": conversation(pair.chosen.messages[shared:], parts=vision),
        "rejected": conversation(pair.rejected.messages[shared:], parts=vision),
        "tools": orjson.dumps(list(pair.chosen.tools)).decode(),
        **_seen(messages, found, vision),
    }


def _prompt(one: PromptGroup, found: Pictures, vision: bool) -> dict[str, Any]:
    opening = one.row.messages[:2]
    return {
        **_place(one.row),
        "prompt": conversation(opening, parts=vision),
        "tools": orjson.dumps(list(one.row.tools)).decode(),
        "group": len(one.scores),
        "score": sum(one.scores) / len(one.scores),
        "scores": orjson.dumps(one.scores).decode(),
        **_seen(opening, found, vision),
    }


def _lines(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    count = 0
    with path.open("wb") as file:
        for row in rows:
            file.write(orjson.dumps(row) + b"\n")
            count += 1
    return count


def _array(path: Path, rows: Iterator[dict[str, Any]]) -> int:
    count = 0
    with path.open("wb") as file:
        file.write(b"[\n")
        for row in rows:
            file.write((b",\n" if count else b"") + orjson.dumps(row))
            count += 1
        file.write(b"\n]\n")
    return count

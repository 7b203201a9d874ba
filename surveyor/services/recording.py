"""Answers on disk by request key: an expert once asked can be left at home afterwards.

::

    <recording>/<expert>/info.json       what answered
    <recording>/<expert>/answers.jsonl   one {"key", "request", "answer"} a line
    <recording>/blobs/                   arrays and images that the answers refer to
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import orjson
from pydantic import BaseModel, ValidationError

from surveyor.core.blobs import BlobRef, BlobStore, sha256_of
from surveyor.core.errors import UserError
from surveyor.services.blob_resolver import BlobResolver
from surveyor.services.contract import ANSWERS, EXPERTS, REQUESTS, ExpertAnswer, ImageInline, Info
from surveyor.services.images import decoded_base64

BLOBS = "blobs"


def request_key(expert: str, request: BaseModel) -> str:
    """Hash of what is asked. An image inside the request counts as the hash of its bytes, so that
    both ways of sending it have one key."""
    asked = _by_hash(request)
    return sha256_of(orjson.dumps([expert, asked], option=orjson.OPT_SORT_KEYS))


class WireRecorder:
    """Appends answers of one expert; whole lines, so that a killed process loses at most one."""

    def __init__(self, root: Path, info: Info, resolver: BlobResolver) -> None:
        folder = root / info.expert
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "info.json").write_text(info.model_dump_json(indent=1))
        self._file = os.open(folder / "answers.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._blobs = BlobStore(root / BLOBS)
        self._resolver = resolver
        self._expert = info.expert
        self._known: set[str] = set()

    def record(self, request: BaseModel, answer: ExpertAnswer) -> None:
        """Keep one answer and every blob that it refers to; the same request once."""
        key = request_key(self._expert, request)
        if key in self._known:
            return
        for reference in references(answer):
            if reference.sha256 not in self._blobs and reference.sha256 in self._resolver:
                data = self._resolver.get(reference.sha256)
                derivation = self._resolver.derivation(reference.sha256)
                self._blobs.put(data, reference.media_type, derivation=derivation)
        told = answer.model_dump(mode="json")
        line = orjson.dumps({"key": key, "request": _by_hash(request), "answer": told})
        os.write(self._file, line + b"\n")
        self._known.add(key)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


class Recording:
    """The recorded answers of one expert; only their places are kept in memory."""

    def __init__(self, root: Path, expert: str) -> None:
        self.blobs = BlobStore(root / BLOBS)
        folder = root / expert
        try:
            self.info = Info.model_validate_json((folder / "info.json").read_bytes())
            self._data = (folder / "answers.jsonl").read_bytes()
        except (OSError, ValidationError):
            raise UserError(
                f"{root} holds no recording of {expert!r}; make one with `surveyor serve record`"
            ) from None
        self._type = ANSWERS[expert]
        self._places = dict(_lines(self._data))

    def __len__(self) -> int:
        return len(self._places)

    def first_request(self) -> BaseModel:
        """Some recorded request; `UserError` when there is none."""
        for place in self._places.values():
            request = orjson.loads(self._data[slice(*place)])["request"]
            return REQUESTS[self.info.expert].model_validate(request)
        raise UserError(f"the recording of {self.info.expert!r} is empty; record a run first")

    def answer(self, key: str) -> ExpertAnswer | None:
        """The recorded answer to a request."""
        place = self._places.get(key)
        if place is None:
            return None
        return self._type.model_validate(orjson.loads(self._data[slice(*place)])["answer"])


def recorded_experts(root: Path) -> list[str]:
    """Experts of which a recording holds answers; `UserError` when it holds none."""
    names = [name for name in EXPERTS if _has_answers(root / name / "answers.jsonl")]
    if not names:
        why = "no answers: nothing was asked while it recorded" if root.is_dir() else "no recording"
        raise UserError(f"{root} holds {why}; make one with `surveyor serve record`")
    return names


def references(value: object) -> Iterator[BlobRef]:
    """Every blob that a record refers to, at any depth."""
    if isinstance(value, BlobRef):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from references(getattr(value, name))
    elif isinstance(value, tuple | list):
        for one in value:
            yield from references(one)


def _has_answers(file: Path) -> bool:
    return file.exists() and file.stat().st_size > 0


def _lines(data: bytes) -> Iterator[tuple[str, tuple[int, int]]]:
    """Key and byte range of every whole line; a torn one at the end is dropped."""
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        try:
            key = orjson.loads(data[start:end])["key"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            key = None
        if isinstance(key, str):
            yield key, (start, end)
        start = end + 1


def _by_hash(value: object) -> object:
    if isinstance(value, ImageInline):
        return {"sha256": sha256_of(decoded_base64(value.data)), "derivation": None}
    if isinstance(value, BaseModel):
        return {name: _by_hash(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, tuple | list):
        return [_by_hash(one) for one in value]
    return value

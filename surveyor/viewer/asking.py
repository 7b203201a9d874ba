"""Asking about one's own places in the browser: photos in, questions in, answers out.

The viewer only passes on: what keeps photos and answers questions is given to it, and is what
`surveyor ask` runs. This is the one part that writes, so it exists only where the viewer was
started for it; sizes and counts are bounded, and one question is answered at a time.
"""

from __future__ import annotations

import io
import re
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import orjson
from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from surveyor.core.images import rgb
from surveyor.core.photos import MOST
from surveyor.viewer.finding import FoundEpisode

_BATCH: Final = re.compile(r"[0-9a-f]{16}")
_ANSWER: Final = re.compile(r"[a-z]{1,8}-[0-9]{1,6}")
_UNSAFE: Final = re.compile(r"[^\w .()+,@-]")
_LARGEST: Final = 1 << 30
"""Bytes of one photo or video."""
_MOST_BODY: Final = 1 << 20
_WIDTHS: Final = (160, 320, 640, 2048)


class Ways(BaseModel):
    """What there is to answer with. ``sends_to`` names where pictures go, if they leave;
    ``judges`` are scored runs that may tell how far off lengths are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    experts: bool = False
    model: str = ""
    sends_to: str = ""
    hand: bool = False
    kinds: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()


class PlacePhoto(BaseModel):
    """A photo of a place as its page needs it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    width: int
    height: int
    focal: float | None = None


class PlaceAnswer(BaseModel):
    """An answer that a place keeps. ``run`` is the viewer's name of its run, if it has one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    finding: FoundEpisode
    run: str = ""


class PlacePage(BaseModel):
    """A place: its photos, what was asked, newest first, and what was marked last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    photos: tuple[PlacePhoto, ...]
    answers: tuple[PlaceAnswer, ...] = ()
    points: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


class PlaceQuestion(BaseModel):
    """What the page sends; the texts are those of `surveyor ask`, ``judged_by`` is one of the
    `Ways.judges`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str = Field(default="", max_length=2000)
    points: tuple[str, ...] = Field(default=(), max_length=64)
    known: tuple[str, ...] = Field(default=(), max_length=16)
    judged_by: str = Field(default="", max_length=300)


@dataclass(frozen=True, slots=True)
class _AskedNow:
    """What is being answered; cancelling ``stop`` ends it."""

    place: str
    question: str
    stop: Future[None] = field(default_factory=Future)


class AskingTurn:
    """One question at a time."""

    def __init__(self) -> None:
        self._now: _AskedNow | None = None
        self._busy = threading.Lock()

    @contextmanager
    def busy(self, place: str, question: str) -> Iterator[_AskedNow]:
        """Refuses a second question while one is being answered."""
        if not self._busy.acquire(blocking=False):
            raise HTTPException(409, "another question is being answered; wait for it, or stop it")
        try:
            self._now = _AskedNow(place, question)
            yield self._now
        finally:
            self._now = None
            self._busy.release()

    def asked(self, place: str) -> str | None:
        """What is being asked about a place just now."""
        now = self._now
        return now.question if now and now.place == place else None

    def stop(self) -> None:
        """End what is being asked, if anything is."""
        if now := self._now:
            now.stop.cancel()


class AskedPlaces(Protocol):
    """Keeps places and answers about them; `surveyor.compose` has the one that does.

    Everything raises `UserError` for what the person can mend.
    """

    turn: AskingTurn

    def ways(self) -> Ways:
        """What there is to answer with."""

    def names(self) -> list[str]:
        """The places, the one asked about last first."""

    def page(self, name: str) -> PlacePage:
        """One place."""

    def photo(self, name: str, index: int) -> bytes:
        """The bytes of a photo, counted from 0."""

    def picture(self, name: str, answer: str) -> bytes | None:
        """The picture of an answer."""

    def keep(self, name: str, files: Sequence[Path]) -> tuple[str, ...]:
        """Keep photos as a place; what was odd about them."""

    def ask(self, name: str, asked: PlaceQuestion, stop: Future[None]) -> str:
        """Answer, keep the answer, and give its id; `UserError` once ``stop`` is cancelled."""


class _Desk:
    """Uploads that lie apart until they are kept."""

    def __init__(self) -> None:
        self._shelf = tempfile.TemporaryDirectory(prefix="surveyor-uploads-")

    def batch(self, name: str) -> Path:
        """Where the files of one drop lie; 404 for a name that is none."""
        if not _BATCH.fullmatch(name):
            raise HTTPException(404, "a batch is named by 16 hex digits")
        return Path(self._shelf.name) / name


def add_asking(app: FastAPI, places: AskedPlaces | None) -> None:
    """The endpoints of places; where ``places`` is ``None`` they only say how to get them."""

    @app.get("/api/places")
    def _places() -> Response:
        if places is None:
            return _json({"asked": False, "places": []})
        told = [{"name": name, "photos": _count(places, name)} for name in places.names()]
        return _json({"asked": True, "places": told, "ways": places.ways().model_dump()})

    if places is not None:
        _add_reading(app, places)
        _add_writing(app, places, _Desk())


def _count(places: AskedPlaces, name: str) -> int:
    return len(places.page(name).photos)


def _add_reading(app: FastAPI, places: AskedPlaces) -> None:
    @app.get("/api/place/{name}")
    def _place(name: str) -> Response:
        page = places.page(name)
        answers = [{"id": a.id, "run": a.run, **_shown(a.finding)} for a in page.answers]
        told = page.model_dump(mode="json", exclude={"answers"})
        now, ways = places.turn.asked(name), places.ways().model_dump()
        return _json({**told, "answers": answers, "ways": ways, "asking": now})

    @app.get("/api/place/{name}/photo/{index}")
    def _photo(name: str, index: int, w: int = 640) -> Response:
        if w not in _WIDTHS:
            raise HTTPException(404, f"widths are {', '.join(map(str, _WIDTHS))}")
        if not 0 <= index < _count(places, name):
            raise HTTPException(404, "there is no such photo")
        image = rgb(places.photo(name, index))
        image.thumbnail((w, w))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=88)
        return Response(out.getvalue(), media_type="image/jpeg")

    @app.get("/api/place/{name}/picture/{answer}")
    def _picture(name: str, answer: str) -> Response:
        data = places.picture(name, answer) if _ANSWER.fullmatch(answer) else None
        if data is None:
            raise HTTPException(404, "this answer has no picture")
        return Response(data, media_type="image/jpeg")


def _shown(found: FoundEpisode) -> dict[str, Any]:
    """A finding without paths of this machine, and in the lines that a terminal prints."""
    told = found.model_dump(mode="json", exclude={"run", "page", "picture"})
    return {**told, "picture": bool(found.picture), "lines": found.lines}


def _add_writing(app: FastAPI, places: AskedPlaces, desk: _Desk) -> None:
    @app.post("/api/upload/{batch}/{position}")
    async def _upload(request: Request, batch: str, position: int, name: str) -> Response:
        if not 0 <= position < MOST:
            raise HTTPException(413, f"at most {MOST} photos are taken")
        path = desk.batch(batch) / f"{position:03}" / file_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            async for part in _bounded(request, _LARGEST):
                await run_in_threadpool(file.write, part)
        return _json({"name": path.name})

    @app.post("/api/places/{batch}")
    def _keep(batch: str, name: str) -> Response:
        folder = desk.batch(batch)
        files = sorted(path for path in folder.glob("*/*") if path.is_file())
        try:
            if not files:
                raise HTTPException(409, "no photo arrived; drop photos or a video")
            return _json({"name": name, "warnings": places.keep(name, files)})
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @app.post("/api/place/{name}/ask")
    async def _ask(request: Request, name: str) -> Response:
        body = b"".join([part async for part in _bounded(request, _MOST_BODY)])
        try:
            asked = PlaceQuestion.model_validate_json(body)
        except ValueError:
            raise HTTPException(422, "a question is a text, with marks and known sizes") from None
        with places.turn.busy(name, asked.question) as now:
            told = await run_in_threadpool(places.ask, name, asked, now.stop)
        return _json({"id": told})

    @app.post("/api/place/{name}/stop")
    def _stop(name: str) -> Response:
        if (question := places.turn.asked(name)) is None:
            raise HTTPException(409, "nothing is being asked about this place")
        places.turn.stop()
        return _json({"stopped": question})


async def _bounded(request: Request, most: int) -> AsyncIterator[bytes]:
    taken = 0
    async for part in request.stream():
        taken += len(part)
        if taken > most:
            raise HTTPException(413, f"more than {most >> 20} MB are not taken at once")
        yield part


def file_name(text: str) -> str:
    """A file name of a browser as one of this machine: its last part, without odd characters."""
    plain = _UNSAFE.sub("_", re.split(r"[/\\]", text)[-1]).strip(" .")
    stem, dot, suffix = plain.rpartition(".")
    return f"{stem[:60]}{dot}{suffix[:10]}" if stem else plain[:60] or "photo"


def _json(value: object) -> Response:
    return Response(orjson.dumps(value, default=str), media_type="application/json")

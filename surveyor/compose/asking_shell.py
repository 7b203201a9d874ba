"""Questions one after the other about one place, and telling photos from the question."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from surveyor.compose.ask import Asking, answer, the_place
from surveyor.compose.place import Place
from surveyor.core.errors import SurveyorError, UserError

_HELP = "ask a question, or: /photos, /known door height = 2.00 m, c to d, /quit"


def split(given: Sequence[str], *, place: bool) -> tuple[list[str], str]:
    """Photos, and the question, which stands last and is no file.

    Raises `UserError` where a photo is not there.
    """
    photos = list(given)
    if photos and not photos[-1].strip():
        raise UserError(
            'the question is empty; write one, as in "How far is the sofa from the door?", or '
            "leave it out to be asked for it"
        )
    question = ""
    if (
        photos and not _is_place(photos[-1]) and (place or len(photos) == 1 or " " in photos[-1])
    ) or (photos and not _is_place(photos[-1]) and "?" in photos[-1]):
        question = photos.pop()
    for photo in photos:
        if not photo.strip():
            raise UserError("the name of a photo is empty; name photos, folders or a video")
        if not _is_place(photo):
            raise UserError(f"there is no file or folder {photo!r}; put the question in quotes")
    if len(given) == 1 and question and not place and " " not in question:
        raise UserError(f"there is no file or folder {question!r}")
    return photos, question


def _is_place(text: str) -> bool:
    try:
        return Path(text).exists() or any(Path().glob(text)) if text and len(text) < 1024 else False
    except (OSError, ValueError, NotImplementedError):
        return False


def shell(photos: Sequence[str], asking: Asking) -> None:
    """Read questions from the terminal or a pipe until it ends; a failed one ends nothing."""
    place, warnings = the_place(photos, asking)
    print(f"{place.record.name}: {place.record.holds}; {_HELP}")
    for warning in warnings:
        print(f"warning: {warning}")
    while True:
        line = _line()
        if line is None or line in ("/quit", "/exit"):
            return
        if line == "/photos":
            for handle, name in place.names.items():
                print(f"{handle.removeprefix('frame_'):>4}  {name}")
        elif line.startswith("/known "):
            asking = replace(asking, known=(*asking.known, line.removeprefix("/known ").strip()))
        elif line.startswith("/"):
            print(_HELP)
        elif line:
            _tell(place, line, asking)


def _tell(place: Place, line: str, asking: Asking) -> None:
    try:
        found = answer(place, line, asking)
    except SurveyorError as error:
        print(f"surveyor: {error}", file=sys.stderr)
        return
    for told in found.lines:
        print(told)
    if found.picture:
        print(f"picture: {found.picture}")


def _line() -> str | None:
    try:
        return input("ask> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return None
    except KeyboardInterrupt:
        print()
        return ""

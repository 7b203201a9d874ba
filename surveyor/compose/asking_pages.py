"""What the viewer's pages about places do: the same as `surveyor ask`, answer by answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from surveyor.agent.program.plain_questions import EXAMPLES
from surveyor.compose.ask import Asking, answer, the_experts
from surveyor.compose.hand_memory import hand_answers, kept_marks
from surveyor.compose.place import ANSWER, PICTURE, Place, make_place, open_place, place_names
from surveyor.core.errors import UserError
from surveyor.core.photos import read_photos
from surveyor.memory.runs import RunFolder
from surveyor.viewer.asking import (
    AskingTurn,
    PlaceAnswer,
    PlacePage,
    PlacePhoto,
    PlaceQuestion,
    Ways,
)
from surveyor.viewer.finding import FoundEpisode


class OwnPlaces:
    """The places under ``asking.root``, asked with what ``asking`` names. ``shown`` is told every
    new run and gives the name by which the viewer shows it; ``runs`` are all that it shows."""

    def __init__(
        self,
        asking: Asking,
        shown: Callable[[Path], str],
        runs: Mapping[str, RunFolder],
        turn: AskingTurn,
    ) -> None:
        self.turn = turn
        self._asking = asking
        self._shown = shown
        self._runs = runs

    def ways(self) -> Ways:
        """What there is to answer with now."""
        asking = self._asking
        return Ways(
            experts=the_experts(asking) is not None,
            model=asking.model,
            sends_to=asking.base_url if asking.model else "",
            hand=find_spec("cv2") is not None,
            kinds=EXAMPLES,
            judges=tuple(name for name, run in [*self._runs.items()] if run.is_scored),
        )

    def names(self) -> list[str]:
        """The places, the one asked about last first."""
        return place_names(self._asking.root)

    def page(self, name: str) -> PlacePage:
        """One place with everything that was asked about it, newest first."""
        place = self._open(name)
        marks = kept_marks(place)
        return PlacePage(
            name=place.record.name,
            photos=tuple(
                PlacePhoto(
                    name=photo.name,
                    width=photo.image.width or 0,
                    height=photo.image.height or 0,
                    focal=photo.focal,
                )
                for photo in place.record.photos
            ),
            answers=tuple(self._answers(place)),
            points=marks.points,
            known=marks.known,
        )

    def _answers(self, place: Place) -> list[PlaceAnswer]:
        return [
            PlaceAnswer(
                id=path.name,
                finding=FoundEpisode.model_validate_json((path / ANSWER).read_bytes()),
                run=self._shown(path) if path in place.asked else "",
            )
            for path in _newest_first(place)
        ]

    def photo(self, name: str, index: int) -> bytes:
        """The bytes of a photo, counted from 0."""
        place = self._open(name)
        return place.blobs.get(place.record.photos[index].image.sha256)

    def picture(self, name: str, answer: str) -> bytes | None:
        """The picture of an answer, or of what it rests on."""
        place = self._open(name)
        folder = place.path / answer
        if not (folder / ANSWER).is_file():
            return None
        told = FoundEpisode.model_validate_json((folder / ANSWER).read_bytes()).picture
        path = place.path / Path(told).parent.name / PICTURE
        return path.read_bytes() if told and path.is_file() else None

    def keep(self, name: str, files: Sequence[Path]) -> tuple[str, ...]:
        """Keep photos as a place; what was odd about them."""
        given = read_photos(files)
        make_place(self._asking.root, name, given)
        return given.warnings

    def ask(self, name: str, asked: PlaceQuestion, stop: Future[None]) -> str:
        """Answer as `surveyor ask --place` does, and give the answer's id."""
        judge = self._runs.get(asked.judged_by)
        if asked.judged_by and (judge is None or not judge.is_scored):
            raise UserError(f"there is no scored run {asked.judged_by!r} here; choose one listed")
        asking = replace(
            self._asking,
            points=asked.points,
            known=asked.known,
            judged_by=judge.path if judge else self._asking.judged_by,
        )
        if not asked.question.strip() and not asked.points:
            raise UserError("write a question, or mark two ends to measure between")
        place = self._open(name)
        answer(place, asked.question.strip(), asking, stop)
        return _newest_first(place)[0].name

    def _open(self, name: str) -> Place:
        return open_place(self._asking.root, name)


def _newest_first(place: Place) -> list[Path]:
    """The folders of a place's answers."""
    found = [p for p in (*place.asked, *hand_answers(place)) if (p / ANSWER).is_file()]
    return sorted(found, key=lambda path: -(path / ANSWER).stat().st_mtime_ns)

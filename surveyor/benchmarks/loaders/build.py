"""From a benchmark's rows to a dataset on disk, checked whole before anything is written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pydantic import JsonValue

from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.media import Footage, Stills
from surveyor.benchmarks.loaders.video import Video
from surveyor.core.blobs import sha256_of
from surveyor.core.cameras import Frame
from surveyor.core.dataset import LOADED, DatasetManifest
from surveyor.core.errors import UserError
from surveyor.core.geometry import Float
from surveyor.core.names import check_name
from surveyor.core.tasks import AnswerKind, Task
from surveyor.scenes.datasets.writer import DatasetPlan, SceneBundle, write_dataset
from surveyor.scenes.questions.askable import CapturedScene
from surveyor.scenes.questions.draft import GeneratedQuestion
from surveyor.scenes.records import SceneTruth
from surveyor.scenes.targets import Target

GENERATOR = LOADED
_REVISION = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Item:
    """One published row. ``question_type`` is public; ``group`` is what its score is reported
    under where that would give the answer away (Multi3DRefer's zero-target rows).

    ``options`` are printed under the question. Where the question's own text holds them,
    ``options_in_text`` keeps them for the scorer alone. ``payload`` are the scorer's fields.
    ``shown`` are the positions of the pictures that a row shows of those of its scene; all of them
    when empty.
    """

    id: str
    scene_id: str
    question_type: str
    question: str
    kind: AnswerKind
    answer: str
    group: str | None = None
    options: tuple[str, ...] = ()
    options_in_text: tuple[str, ...] = ()
    unit: str | None = None
    payload: Mapping[str, JsonValue] = field(default_factory=dict)
    shown: tuple[int, ...] = ()


def _no_points(scene_id: str) -> Float | None:
    del scene_id
    return None


@dataclass(frozen=True, slots=True)
class Contents:
    """What was found in a benchmark's files.

    ``split`` is train, val or test, for leak checks. ``metric`` scores it. ``files`` are hashed
    into the manifest. ``footage`` opens a scene's frames; ``notes`` are recorded as they are.
    ``points`` gives a scan's vertices (n, 3), metres, where masks of them are asked for.
    ``budget`` names the setting whose frames the answers are true of: all of them are shown.
    """

    name: str
    metric: str
    split: str
    items: Sequence[Item]
    files: tuple[Path, ...]
    footage: Callable[[str], Footage]
    notes: Mapping[str, JsonValue] = field(default_factory=dict)
    points: Callable[[str], Float | None] = _no_points
    budget: str = ""


@dataclass(frozen=True, slots=True)
class _Chosen:
    footage: Footage
    positions: tuple[int, ...]
    points: Float | None = None

    def bundle(self, scene_id: str, source: str) -> SceneBundle:
        # What these scans measure is not ours to know: a scene without objects, area unknown (0).
        truth = SceneTruth(scene_id=scene_id, source=source, room_area=0.0, objects=())
        pictures = tuple(self.footage.read(self.positions))
        fps = self.footage.fps or 0.0
        return SceneBundle(truth, fps=fps, pictures=pictures, points=self.points)


def build_dataset(
    contents: Contents, source: Path, out: Path, *, subset: str, rule: FrameRule
) -> DatasetManifest:
    """Write the dataset of ``contents`` at ``out``; the same call again returns what is there.

    Raises `UserError` for ids that repeat, frames that are missing and files that are no images;
    then nothing is left at ``out`` or beside it.
    """
    _check(contents.items)
    if contents.budget and rule.kind != "all":
        raise UserError(
            f"the answers of {contents.name} {contents.budget} hold for just the frames that its "
            f"files give; load it with --frames all, not {rule}"
        )
    scene_ids = tuple(dict.fromkeys(item.scene_id for item in contents.items))
    footage = {name: contents.footage(name) for name in scene_ids}
    whole = {n for n, item in footage.items() if isinstance(item, Stills) and item.complete}
    if len(whole) == len(footage):
        rule = FrameRule()
    picked = {
        name: (FrameRule() if name in whole else rule).pick(name, item.total, item.fps, item.times)
        for name, item in footage.items()
    }
    chosen = {
        name: _Chosen(item, picked[name], contents.points(name)) for name, item in footage.items()
    }
    plan = DatasetPlan(
        name=contents.name,
        generator=GENERATOR,
        seed=0,
        split=contents.split,
        settings={
            **_settings(contents, source, subset, rule),
            **_decoding(footage.values()),
        },
        scenes=scene_ids,
    )
    return write_dataset(
        out,
        plan,
        lambda scene_id: chosen[scene_id].bundle(scene_id, contents.name),
        partial(_questions, contents, str(rule)),
        whole=True,
    )


def _check(items: Sequence[Item]) -> None:
    if not items:
        raise UserError("the data set holds no rows of this benchmark; check the split")
    repeated = [name for name, times in Counter(item.id for item in items).items() if times > 1]
    if repeated:
        raise UserError(
            f"{len(repeated)} ids occur more than once, the first {repeated[0]!r}; "
            "keep one row for each id"
        )
    for item in items:
        if not item.id.strip():
            raise UserError("a row has an empty id; give every row one of its own")
        check_name(item.scene_id, f"row {item.id!r}: the scene name")


def _settings(
    contents: Contents, source: Path, subset: str, rule: FrameRule
) -> dict[str, JsonValue]:
    """Everything that tells two datasets of one benchmark apart."""
    hashes: dict[str, JsonValue] = {path.name: sha256_of(_bytes(path)) for path in contents.files}
    revision = next((p for p in reversed(source.resolve().parts) if _REVISION.fullmatch(p)), None)
    return {
        "metric": contents.metric,
        "subset": subset,
        "revision": revision,
        "files": hashes,
        "frame_rule": rule.model_dump(mode="json", exclude_defaults=True),
        "resize": "none: bytes as captured",
        "rewritten": "images that are not upright 8-bit JPEG or PNG",
        **contents.notes,
    }


def _decoding(footage: Iterable[Footage]) -> dict[str, JsonValue]:
    """Which library turned videos into pictures, if there were any: decoders differ in pixels."""
    made: list[JsonValue] = [*sorted({i.made_by for i in footage if isinstance(i, Video)})]
    return {"videos": {"decoded_by": made, "kept_as": "png"}} if made else {}


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from None


def _questions(
    contents: Contents, rule: str, filmed: Iterable[CapturedScene]
) -> Iterator[GeneratedQuestion]:
    frames = {scene.truth.scene_id: scene.frames for scene in filmed}
    for item in contents.items:
        mine = frames[item.scene_id]
        shown = tuple(mine[k] for k in item.shown) or mine
        yield GeneratedQuestion(_task(item, contents, rule, shown), _target(item))


def _task(item: Item, contents: Contents, rule: str, frames: tuple[Frame, ...]) -> Task:
    return Task(
        id=item.id,
        dataset=contents.name,
        scene_id=item.scene_id,
        split=contents.split,
        question_type=item.question_type,
        question=item.question,
        options=item.options,
        answer_kind=item.kind,
        unit=item.unit,
        frames=frames,
        frame_rule=rule,
    )


def _target(item: Item) -> Target:
    return Target(
        task_id=item.id,
        question_type=item.group or item.question_type,
        answer=item.answer,
        options=item.options or item.options_in_text,
        payload=dict(item.payload),
    )

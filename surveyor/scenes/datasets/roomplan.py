"""RoomPlan suites: anchors to place, from annotated captures in ARKitScenes' layout or from rooms.

Nothing is filled in: an annotation that lacks a box, a size or a label gives no instruction, and
``rejected.jsonl`` beside the dataset says of each what was wrong with it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from surveyor.core.dataset import MANIFEST, Dataset, DatasetManifest
from surveyor.core.errors import UserError
from surveyor.scenes.datasets.truth import frame_maps, load_seen, scene_truth
from surveyor.scenes.datasets.writer import DatasetPlan, EncodedFrame, SceneBundle, write_dataset
from surveyor.scenes.formats.arkitscenes import Rejected, read_arkit_rows, read_arkit_views
from surveyor.scenes.formats.posed_images import PosedView
from surveyor.scenes.questions.askable import AskableScene, CapturedScene
from surveyor.scenes.questions.draft import GeneratedQuestion, LetterBalance, Placement, finish
from surveyor.scenes.questions.recover import recoverable
from surveyor.scenes.questions.roomplan import planes, things, towards
from surveyor.scenes.records import SceneTruth

NAME = "roomplan"
REJECTED = "rejected.jsonl"
T = TypeVar("T")
_MEDIA = {"PNG": "image/png", "JPEG": "image/jpeg"}


def make_roomplan_dataset(
    source: Path,
    out: Path,
    *,
    views: int = 10,
    scenes: int | None = None,
    split: str = "test",
) -> tuple[DatasetManifest, list[Rejected]]:
    """Make the suite of ``source``: folders in ARKitScenes' layout, or a dataset of rooms.

    At most ``views`` evenly spaced pictures of each of the first ``scenes``. Returns the manifest
    and what was rejected. Raises `UserError` where there is nothing to ask about.
    """
    rejected: list[Rejected] = []
    rooms = (source / MANIFEST).exists()
    names = list(Dataset.open(source).manifest.scenes) if rooms else _arkit_scenes(source)
    names = names[:scenes]
    if not names:
        raise UserError(
            f"{source} holds no scene: expected folders with ID_3dod_annotation.json, or a dataset"
        )

    def build(name: str) -> SceneBundle:
        return _of_room(source, name, views) if rooms else _of_arkit(source, name, views, rejected)

    plan = DatasetPlan(
        name=NAME,
        generator=NAME if rooms else "loader",
        seed=0,
        split=split,
        settings={"views": views, "source": "rooms" if rooms else "arkitscenes"},
        scenes=tuple(names),
    )
    asker = _Asker(split, rejected)
    manifest = write_dataset(out, plan, build, asker)
    if rejected or not (out / REJECTED).exists():
        lines = [json.dumps(row.told()) + "\n" for row in rejected]
        (out / REJECTED).write_text("".join(lines), encoding="utf-8")
    return manifest, rejected


class _Asker:
    """Asks every scene for all anchors; says what could not be asked."""

    def __init__(self, split: str, rejected: list[Rejected]) -> None:
        self._split = split
        self._rejected = rejected

    def __call__(self, scenes: Iterable[CapturedScene]) -> Iterator[GeneratedQuestion]:
        letters = LetterBalance(np.random.default_rng(0))
        for filmed in scenes:
            scene = AskableScene(filmed)
            truth = filmed.truth
            place = Placement(NAME, truth.scene_id, self._split, filmed.frames, filmed.blobs)
            asked = {index for indices in scene.categories.values() for index in indices}
            for index, item in enumerate(truth.objects):
                if index not in asked:
                    why = "its category may not be asked about, or it is not shown well enough"
                    told = Rejected(truth.scene_id, item.instance_id, item.category, why)
                    self._rejected.append(told)
            drafts = [d for d in things(scene) if recoverable(d, scene.perceived)]
            for number, draft in enumerate([*drafts, *planes(scene)], start=1):
                seen = scene.evidence(draft.objects) if draft.evidence is None else ()
                yield finish(draft, number, place, seen, letters)


def _arkit_scenes(source: Path) -> list[str]:
    """Scene folders, sorted: those that hold an annotation of their own name."""
    return sorted(
        path.parent.name
        for path in source.glob("*/*_3dod_annotation.json")
        if path.name == f"{path.parent.name}_3dod_annotation.json"
    )


def _of_arkit(source: Path, name: str, views: int, rejected: list[Rejected]) -> SceneBundle:
    folder = source / name
    objects, wrong = read_arkit_rows(folder / f"{name}_3dod_annotation.json", name)
    rejected += wrong
    pictures = _evenly(read_arkit_views(folder, name), views)
    if not pictures:
        raise UserError(f"{folder} has no picture with a pose; expected {name}_frames/lowres_wide")
    middle = np.mean([item.box.center for item in objects], axis=0) if objects else np.zeros(3)
    fronted = tuple(
        item.model_copy(update={"front": towards(item.box, middle.tolist())}) for item in objects
    )
    truth = SceneTruth(scene_id=name, source="arkitscenes", room_area=0.0, objects=fronted)
    return SceneBundle(truth, pictures=tuple(_encoded(view) for view in pictures))


def _encoded(view: PosedView) -> EncodedFrame:
    with Image.open(io.BytesIO(view.image)) as image:
        kind, (width, height) = str(image.format), image.size
    return EncodedFrame(view.time, view.image, _MEDIA.get(kind, "image/png"), width, height)


def _of_room(source: Path, name: str, views: int) -> SceneBundle:
    """A room as it was filmed, with fewer of its frames."""
    dataset, truth = Dataset.open(source), scene_truth(source, name)
    capture = dataset.captures[name]
    kept = _evenly(list(range(len(capture.frames))), views)
    frames = tuple(
        EncodedFrame(
            capture.frames[k].time,
            dataset.blobs.get(capture.frames[k].image.sha256),
            capture.frames[k].image.media_type,
            capture.frames[k].image.width or 0,
            capture.frames[k].image.height or 0,
            frame_maps(source, name, capture.frames[k].index),
        )
        for k in kept
    )
    update = {
        "cameras": tuple(truth.cameras[k] for k in kept) if truth.cameras else (),
        "visible_pixels": tuple(truth.visible_pixels[k] for k in kept),
        "clean_frames": (),
    }
    seen = load_seen(source, name) if len(kept) == len(capture.frames) else None
    return SceneBundle(truth.model_copy(update=update), capture.fps, frames, seen)


def _evenly(listed: Sequence[T], number: int) -> list[T]:
    if number >= len(listed):
        return list(listed)
    return [listed[int((k + 0.5) * len(listed) / number)] for k in range(number)]

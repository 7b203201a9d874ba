"""GPT4Scene's pictures, made from what was measured: D1 to D5 and D7.

Everything is measured with reference experts, which know the rooms' truth: what is claimed is that
the drawing and the reading lose nothing, not that a neural detector finds these objects.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from surveyor.agent.survey.marked import MarkedScene
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.scorers.boxes import SCANREFER, Boxes, iou_matrix
from surveyor.compose.demo import make_rooms
from surveyor.compose.run import Job
from surveyor.compose.session import finish, reference_experts
from surveyor.core.blobs import BlobStore
from surveyor.core.cameras import Ids
from surveyor.core.geometry import OrientedBox
from surveyor.core.images import rgb
from surveyor.core.marker_font import draw_label, label_bitmap
from surveyor.core.markers import Rgb
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.embedded import RoomsSettings
from surveyor.scenes.datasets.truth import frame_maps, scene_truth
from surveyor.scenes.formats.gpt4scene import (
    object_ids,
    parse_object_ids,
    parts_of,
    read_sharegpt,
    record_of,
)
from surveyor.scenes.formats.registry import export_dataset
from surveyor.scenes.records import SceneTruth
from surveyor.scenes.rooms.room import RoomSpec, build_room
from surveyor.tools.schemas import ObjectRow
from tests.claims.claim import Claim
from tests.claims.companions.mark_reader import MarkReader
from tests.support.marker_reader import Label, labels, read_labels
from tests.support.mock_endpoint import RehearsalServer
from tests.support.room_top_view import top_view_of_room

ROOMS = range(5200, 5204)
SETTINGS = RoomsSettings(
    n_frames=16, size=(512, 384), light_rays=1, types=("scanrefer",), per_type=6, balance=False
)
_LEAST_IOU = 0.1
_UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def measure() -> Iterator[Claim]:
    """Rows of the proofs, each as soon as it is measured."""
    yield from digits()
    yield from top_views(ROOMS)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_rooms(folder / "rooms", ROOMS, SETTINGS)
        yield from closed_loop(folder)
        yield from drawn_on_objects(folder)
        yield from records(folder)


def digits() -> Iterator[Claim]:
    """D3: numbers of the sizes that pictures of 512 pixels have, read back from lossless pictures,
    which is what is sent, and from JPEG at the quality that smaller copies are sent in."""
    dice = np.random.default_rng(0)
    total = 1000
    for scale in (1, 2, 3):
        lossless = lossy = 0
        for number in range(total):
            noise = dice.integers(0, 256, (60, 100, 3)).astype(np.uint8)
            place = _labelled(noise, number, scale, dice)
            lossless += number in read_labels(place)
            low, high = dice.integers(0, 256, (2, 3))
            slope = np.linspace(low, high, 100)[None].repeat(60, axis=0).astype(np.uint8)
            out = io.BytesIO()
            Image.fromarray(_labelled(slope, number, scale, dice)).save(out, "JPEG", quality=92)
            lossy += number in read_labels(np.asarray(Image.open(out)))
        name = f"D3 digits of {7 * scale} pixels read back"
        yield Claim.at_least(f"{name}, PNG on noise", lossless / total, 0.99, "0 to 999")
        if scale == 3:
            yield Claim.at_least(f"{name}, JPEG on slopes", lossy / total, 0.99, "quality 92")
        else:
            yield Claim(f"{name}, JPEG on slopes", lossy / total, "", True, "told, not claimed")


def _labelled(picture: Rgb, number: int, scale: int, dice: np.random.Generator) -> Rgb:
    height, width = label_bitmap(number, scale).shape
    left, top = dice.integers(0, 100 - width), dice.integers(0, 60 - height)
    draw_label(picture, number, scale, int(left), int(top))
    return picture


def top_views(seeds: range) -> Iterator[Claim]:
    """D2: box centres, by the transform that is returned, hit their objects from above."""
    hit = seen = 0
    worst = 0.0
    for seed in seeds:
        room = build_room(RoomSpec(seed))
        top = top_view_of_room(room)
        for item in room.objects:
            u, v = top.camera.to_pixels(np.array([item.box.center]))[0].round().astype(int)
            inside = 0 <= u < top.camera.width and 0 <= v < top.camera.height
            other = inside and top.ids[v, u] != item.instance_id
            if not inside or (other and top.z[v, u] > item.box.center[2]):
                continue  # something else lies over its centre
            seen += 1
            hit += int(top.ids[v, u] == item.instance_id)
        corners = np.array(room.polygon, np.float64)
        back = top.camera.to_world(top.camera.to_pixels(corners))
        worst = max(worst, float(np.abs(back - corners).max() * top.camera.scale))
    note = f"{seen} centres that nothing covers, {len(seeds)} rooms"
    yield Claim.at_least("D2 box centres on their objects from above", hit / seen, 0.9, note)
    yield Claim.at_most("D2 error of scale over a room, pixels", worst, 1.0)


@dataclass(frozen=True, slots=True)
class _Tally:
    pixels: int = 0
    stray: int = 0
    markers: int = 0
    hidden: int = 0
    unexplained: int = 0
    misnumbered: int = 0

    def __add__(self, other: _Tally) -> _Tally:
        return _Tally(
            *(getattr(self, name) + getattr(other, name) for name in _Tally.__dataclass_fields__)
        )


def drawn_on_objects(folder: Path) -> Iterator[Claim]:
    """D1: pictures that a run showed, pixel by pixel, against the rooms' exact ids."""
    run = RunFolder.open(folder / "markers")
    total, scenes = _Tally(), set()
    for task, epoch in run.scheduled():
        if task.scene_id in scenes:
            continue
        scenes.add(task.scene_id)
        episode = run.episode(task.id, epoch)
        assert episode is not None
        outcome = next(one for one in episode.outcomes if one.name == "mark_scene")
        found = MarkedScene.model_validate(outcome.data)
        truth = scene_truth(folder / "rooms", task.scene_id)
        blobs = BlobStore(folder / "cache" / "blobs")
        pictures = [np.asarray(rgb(blobs.get(image.sha256))) for image in outcome.images]
        total += _checked(folder / "rooms", truth, found, pictures)
    note = f"{total.markers} markers in frames of {len(scenes)} rooms, perfect reference experts"
    share = 1 - total.stray / max(total.pixels, 1)
    yield Claim.at_least("D1 marker pixels on their own object", share, 1.0, note)
    yield Claim.at_most("D1 markers on objects that the frame does not show", total.hidden, 0)
    yield Claim.at_most("D1 objects neither drawn nor left out with a reason", total.unexplained, 0)
    yield Claim.at_most("D1 numbers that differ between pictures and table", total.misnumbered, 0)


def _checked(dataset: Path, truth: SceneTruth, found: MarkedScene, pictures: list[Rgb]) -> _Tally:
    """One scene's pictures; what stands under a number is told by its frames alone."""
    thing = {int(row.handle.rpartition("_")[2]): _thing(row, truth) for row in found.objects}
    tally = _Tally()
    for view, picture in zip(found.views, pictures, strict=True):
        read = labels(picture)
        named = {int(one.rpartition("_")[2]) for one in view.numbered}
        wrong = named ^ {label.number for label in read}
        tally += _Tally(misnumbered=len(wrong | named - thing.keys()))
        if not view.frame:
            continue
        index = int(view.frame.rpartition("_")[2])
        ids = _resized(frame_maps(dataset, truth.scene_id, index).ids, picture.shape[:2])
        for label in read:
            tally += _marker(ids, label, thing.get(label.number, -1))
        excused = {int(one.rpartition("_")[2]) for one in view.left_out}
        visible = {k for k in thing if (ids == thing[k]).sum() >= 400}
        tally += _Tally(unexplained=len(visible - named - excused))
    return tally


def _marker(ids: Ids, label: Label, instance: int) -> _Tally:
    covered = ids[label.covers()]
    stray = int((covered != instance).sum())
    return _Tally(covered.size, stray, 1, int(not (ids == instance).any()))


def _thing(row: ObjectRow, truth: SceneTruth) -> int:
    """The instance that the row's box overlaps most, whatever either is called (a wardrobe is a
    closet); -1 where it overlaps none as much as `_LEAST_IOU`."""
    box = OrientedBox(center=row.center, size=row.size, axes=row.axes or _UPRIGHT)
    hulls = _hulls([item.box for item in truth.objects])
    overlaps = iou_matrix(_hulls([box]), hulls, SCANREFER)[0]
    best = int(overlaps.argmax())
    return truth.objects[best].instance_id if overlaps[best] >= _LEAST_IOU else -1


def _hulls(boxes: list[OrientedBox]) -> Boxes:
    corners = np.stack([box.corners() for box in boxes])
    return np.stack([corners.min(axis=1), corners.max(axis=1)], axis=1)


def _resized(ids: Ids, shape: tuple[int, ...]) -> Ids:
    v = ((np.arange(shape[0]) + 0.5) * ids.shape[0] / shape[0]).astype(int)
    u = ((np.arange(shape[1]) + 0.5) * ids.shape[1] / shape[1]).astype(int)
    return ids[np.ix_(v, u)]


def closed_loop(folder: Path) -> Iterator[Claim]:
    """D7: a reader of drawn numbers answers; without numbers in the same pictures it guesses."""
    marked, guesses = shown(folder, "markers")
    bare, more = shown(folder, "unmarked")
    note = f"{guesses} guesses; perfect reference experts, an eye without error"
    yield Claim.at_least("D7 Acc@0.5 of a reader of drawn numbers", marked, 0.95, note)
    yield Claim.at_most("D7 Acc@0.5 without the numbers", bare, 0.5, f"{more} guesses")
    yield Claim.at_least("D7 what the numbers bring", marked - bare, 0.4)


def shown(folder: Path, profile: str) -> tuple[float, int]:
    """Acc@0.5 of the reader under a profile, and how often it had to guess."""
    dataset = folder / "rooms"
    reader = MarkReader(dataset)
    with RehearsalServer(reader) as server:
        options = {"model": "reader", "base_url": server.url, "profile": profile}
        config = RunConfig(
            dataset=str(dataset), planner="chat", tools=("distance",), planner_options=options
        )
        run = folder / profile
        with reference_experts(dataset, "perfect", folder / f"x-{profile}") as endpoints:
            report = finish(Job(dataset, run, config, endpoints, folder / "cache"))
    return report.measures["hit_at_0.5"] / 100, reader.guessed


def records(folder: Path) -> Iterator[Claim]:
    """D4: records out and in again, and the grammar of their answers."""
    out = folder / "sharegpt"
    export_dataset(folder / "rooms", out, "gpt4scene")
    rows = read_sharegpt(out / "records.json")
    same = sum(record_of(parts_of(row)) == row for row in rows)
    yield Claim.at_least("D4 records that come back from our messages", same / len(rows), 1.0)
    grammar = all(
        parse_object_ids(object_ids(list(range(7, 7 + n)))) == list(range(7, 7 + n))
        for n in range(6)
    )
    yield Claim.holds("D4 answers of 0 to 5 ids are read as they were said", grammar)
    asked = undrawn = 0
    for row in rows:
        numbers = {
            k for name in row.images for k in read_labels(np.asarray(Image.open(out / name)))
        }
        wanted = parse_object_ids(row.conversations[1].value)
        asked += len(wanted)
        undrawn += len(set(wanted) - numbers)
    note = f"{undrawn} of {asked} are too small or too hidden, as the JSON beside pictures says"
    yield Claim.at_least("D4 ids asked for that are drawn", 1 - undrawn / asked, 0.8, note)

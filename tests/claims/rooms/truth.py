"""Measurements of the embedded world's questions: truth, blind audit, perception bound, markers.

Each function yields claims (`tests.claims.claim`): numbers beside the bounds they are held to.
"""

from __future__ import annotations

import multiprocessing
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from surveyor.core.blobs import BlobRef
from surveyor.core.cameras import Frame, Ids
from surveyor.core.markers import Markers, Rgb, draw_markers, place_markers, visible_share
from surveyor.core.workers import end_with_parent
from surveyor.scenes.audit.blind_readers import relative_accuracy
from surveyor.scenes.audit.leaks import AuditRow, audit
from surveyor.scenes.capture.conditions import plan_capture
from surveyor.scenes.capture.depth_maps import FrameMaps
from surveyor.scenes.capture.rendering import renderer
from surveyor.scenes.capture.trajectory import plan_trajectory
from surveyor.scenes.capture.visibility import fuse
from surveyor.scenes.datasets.embedded import FPS, RoomsSettings, capture_room, scene_name
from surveyor.scenes.datasets.vsi_meta import VSI_META_LIMITS
from surveyor.scenes.formats.vsi_meta import read_vsi_meta
from surveyor.scenes.official.measures import BoxGrid, exact_box_distance, grid_distance
from surveyor.scenes.questions.askable import MIN_SHARE, AskableScene, CapturedScene
from surveyor.scenes.questions.asking import GENERATORS, PER_SCENE, ask, drafts
from surveyor.scenes.questions.draft import Draft
from surveyor.scenes.questions.recover import Perceived, agrees, recompute
from surveyor.scenes.questions.vsi import GENERATORS as VSI_TYPES
from surveyor.scenes.questions.vsi import OFFICIAL_COUNTS
from surveyor.scenes.rooms.room import Room, RoomSpec, build_room
from tests.claims.claim import Claim
from tests.support.marker_reader import read_labels
from tests.support.room_top_view import top_view_of_room

BLIND_FILM = RoomsSettings(n_frames=32, size=(160, 120))
BOUND_FILM = RoomsSettings(n_frames=32, size=(320, 240))
WORTH_MRA = {
    "object_counting": "count",
    "object_size_estimation": "size",
    "object_abs_distance": "distance",
    "room_size_estimation": "room area",
}


def film_blind(seed: int, settings: RoomsSettings = BLIND_FILM) -> CapturedScene:
    """A room filmed without pictures: its truth, its times and what exact perception gets."""
    plan = plan_capture(settings.spec(seed), "clean", settings.n_frames)
    bundle = capture_room(scene_name(seed), plan, settings, rgb=False)
    image = BlobRef(sha256="0" * 64, media_type="image/jpeg", size=0)
    frames = tuple(Frame(index=k, time=k / FPS, image=image) for k in range(len(bundle.pictures)))
    return CapturedScene(bundle.truth, frames, bundle.seen)


def film_and_ask(seed: int) -> CapturedScene:
    """`film_blind`, and the room's questions of VSI-Bench's ten types made once and let go."""
    filmed = film_blind(seed)
    limits: Mapping[str, int | None] = dict.fromkeys(VSI_TYPES, PER_SCENE)
    for _ in drafts(AskableScene(filmed), 0, limits):
        pass
    return filmed


def film_for_bound(seed: int) -> CapturedScene:
    """`film_blind` at the size at which the perception bound is measured."""
    return film_blind(seed, BOUND_FILM)


def truth_from_pixels(scenes: Iterable[CapturedScene]) -> Iterator[Claim]:
    """Must-show 4: answers worked out again from ids and depth alone, and both kinds of distance.

    Says also how many drafted questions were refused because the frames do not show enough.
    """
    asked, refused, wrong, scenes_seen = 0, 0, 0, 0
    worst = 0.0
    for filmed in scenes:
        scenes_seen += 1
        scene = AskableScene(filmed)
        if scene.perceived is None:
            continue
        everything = AskableScene(replace(filmed, seen=None))
        drafted = list(drafts(everything, 0))
        found = [_agrees(draft, scene.perceived) for draft in drafted]
        refused += found.count(False)
        kept = list(drafts(scene, 0))
        wrong += sum(not _agrees(draft, scene.perceived) for draft in kept)
        asked += len(kept)
        worst = max(worst, *(_grid_error(filmed, draft) for draft in kept), 0.0)
    note = f"{scenes_seen} rooms, {asked} questions"
    yield Claim.at_least(
        "answers equal when recomputed from ids and depth", 1 - wrong / max(asked, 1), 1.0, note
    )
    yield Claim.at_most(
        "share of drafted questions refused, frames show too little",
        refused / max(refused + asked, 1),
        0.1,
    )
    yield Claim.at_most("largest gap of exact and 5 cm grid distance, metres", worst, 0.05)


def _agrees(draft: Draft, seen: Perceived) -> bool:
    return agrees(draft.correct, recompute(draft.question_type, draft.operands, seen))


def _grid_error(filmed: CapturedScene, draft: Draft) -> float:
    if draft.question_type != "object_abs_distance":
        return 0.0
    a, b = (filmed.truth.objects[index].box for index in draft.objects)
    return abs(grid_distance(BoxGrid(a), BoxGrid(b)) - exact_box_distance(a, b))


def official_counts(meta: Path) -> Iterator[Claim]:
    """Must-show 4: the official rules on the official metadata, beside the official counts."""
    scenes = [CapturedScene(truth) for truth in read_vsi_meta(meta)]
    found: dict[str, int] = defaultdict(int)
    for question in ask(scenes, dataset="vsi", split="test", seed=0, per_type=VSI_META_LIMITS):
        found[question.task.question_type] += 1
    for name in ("object_counting", "object_size_estimation", "room_size_estimation"):
        official = OFFICIAL_COUNTS[name]
        off = abs(found[name] - official) / official
        yield Claim.at_most(
            f"{name}: off the official {official}", off, 0.02, f"{found[name]} generated"
        )


def categories_shown(scenes: Sequence[CapturedScene]) -> Claim:
    """Must-show 1, as far as counting goes: categories that some frame shows large enough."""
    named: set[str] = set()
    for filmed in scenes:
        most = AskableScene(filmed).shares.max(axis=0)
        named |= {
            item.category
            for item, share in zip(filmed.truth.objects, most, strict=True)
            if share >= MIN_SHARE
        }
    note = ", ".join(sorted(named))
    return Claim.at_least(f"categories in {len(scenes)} rooms' pictures", len(named), 30, note)


def blind_audit(
    scenes: Sequence[CapturedScene], fewer: int = 80, workers: int = 2
) -> Iterator[Claim]:
    """Must-show 5: leaks and letters of balanced questions of every type that can be judged.

    VSI-Bench's types are asked in all scenes, the other families in the first ``fewer``: pruning
    them all over two hundred rooms takes longer than everything else together.
    """
    many = [(name, len(scenes)) for name in VSI_TYPES]
    few = [(name, min(fewer, len(scenes))) for name in GENERATORS if name not in VSI_TYPES]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _share, (tuple(scenes),)) as pool:
        for rows in pool.map(_audited, [*many, *few]):
            for row in rows:
                yield from _leak_and_letters(row)


def _share(scenes: tuple[CapturedScene, ...]) -> None:
    """Hand a worker all scenes once, not with every type."""
    end_with_parent()
    _shared[:] = scenes


_shared: list[CapturedScene] = []


def _audited(asked: tuple[str, int]) -> list[AuditRow]:
    name, count = asked
    limits: Mapping[str, int | None] = {name: PER_SCENE}
    questions = ask(
        _shared[:count], dataset="audit", split="test", seed=0, per_type=limits, balance=True
    )
    return audit(questions, seed=7)


def _leak_and_letters(row: AuditRow) -> Iterator[Claim]:
    scores = f"frequency {row.frequency:.3f}, forest {row.forest:.3f}"
    note = f"n {row.n}, chance {row.chance:.3f}, {scores}"
    yield Claim.at_most(f"{row.question_type}: blind above chance", max(row.leak, 0.0), 0.05, note)
    if row.letters_p < 1:
        yield Claim.at_least(f"{row.question_type}: letters even, p", row.letters_p, 0.05)


def perception_bound(scenes: Sequence[CapturedScene]) -> Iterator[Claim]:
    """Must-show 6: what perfect depth, masks and poses score on everything that is asked.

    The note says what they would score were nothing refused for want of coverage.
    """
    asked: dict[str, list[float]] = defaultdict(list)
    unrefused: dict[str, list[float]] = defaultdict(list)
    for filmed in scenes:
        scene = AskableScene(filmed)
        for kept, scores in ((scene, asked), (AskableScene(replace(filmed, seen=None)), unrefused)):
            for draft in drafts(kept, 0, dict.fromkeys(WORTH_MRA)):
                scores[draft.question_type].append(_mra(draft, scene))
    for name, word in WORTH_MRA.items():
        other = f"without refusing any of {len(unrefused[name])}: {np.mean(unrefused[name]):.3f}"
        note = f"{len(scenes)} rooms, {len(asked[name])} questions; {other}"
        value = float(np.mean(asked[name]))
        yield Claim.at_least(f"perfect perception, {word} MRA", value, 0.97, note)


def _mra(draft: Draft, scene: AskableScene) -> float:
    if scene.perceived is None:
        return 0.0
    answer = recompute(draft.question_type, draft.operands, scene.perceived)
    guess = np.array(np.inf if answer is None else float(answer))
    return float(relative_accuracy(guess, np.array(float(draft.correct))))


def markers_hold(seeds: Sequence[int], n_frames: int = 8) -> Iterator[Claim]:
    """Must-show 7: drawn pixels on their objects, nothing hidden marked, one id everywhere."""
    drawn, stray, hidden, unread, images = 0, 0, 0, 0, 0
    for seed in seeds:
        room = build_room(RoomSpec(seed))
        for ids, rgb, markers in _marked_images(room, n_frames):
            images += 1
            for marker in markers.drawn:
                rows = slice(marker.top, marker.top + marker.height)
                columns = slice(marker.left, marker.left + marker.width)
                drawn += marker.width * marker.height
                stray += int((ids[rows, columns] != marker.instance_id).sum())
                hidden += int((ids == marker.instance_id).sum() == 0)
            wanted = {marker.instance_id for marker in markers.drawn}
            unread += len(wanted ^ set(read_labels(draw_markers(rgb, markers))))
    note = f"{images} images of {len(seeds)} rooms, {drawn} pixels"
    yield Claim.at_least("marker pixels on their own object", 1 - stray / max(drawn, 1), 1.0, note)
    yield Claim.at_most("hidden objects that were marked", hidden, 0)
    yield Claim.at_most("numbers that cannot be read back from the picture", unread, 0)


def _marked_images(room: Room, n_frames: int) -> Iterator[tuple[Ids, Rgb, Markers]]:
    candidates = frozenset(item.instance_id for item in room.objects)
    top = top_view_of_room(room)
    yield top.ids, top.rgb, place_markers(top.ids, candidates)
    trajectory = plan_trajectory(room, n_frames)
    film = renderer(room)
    frames = [film.render(camera, rgb=False) for camera in trajectory.cameras]
    clouds = fuse(trajectory.cameras, [FrameMaps(f.depth, f.ids) for f in frames]).clouds
    for camera, frame in zip(trajectory.cameras, frames, strict=True):
        visible = {
            k: visible_share(clouds[k], camera, frame.ids, k)
            for k in candidates & set(np.unique(frame.ids).tolist())
        }
        grey = np.full((*frame.ids.shape, 3), 128, np.uint8)
        yield frame.ids, grey, place_markers(frame.ids, candidates, visible)

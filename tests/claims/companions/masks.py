"""Masks in 3D (MLLM-For3D): B1 to B5."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from surveyor.benchmarks.evidence_answers import EpisodeEvidence, placed
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.scan_points import Scans
from surveyor.benchmarks.scorers.masks import MaskOverlap, read_indexes, summarize_masks
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.compose.run import Job
from surveyor.compose.session import finish, reference_experts
from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import read_manifest
from surveyor.core.geometry import Pose
from surveyor.memory.runs import RunFolder
from surveyor.scenes.capture.depth_maps import FrameMaps, decode_maps, encode_maps
from surveyor.scenes.datasets.embedded import RoomControls, RoomsSettings, make_rooms_dataset
from surveyor.scenes.datasets.truth import frame_maps, scene_truth, targets
from surveyor.scenes.formats.posed_images import dataset_views
from surveyor.scenes.formats.scannet import read_scannet, write_scannet
from surveyor.tools.geometry.mask_votes import vote
from surveyor.tools.geometry.surface import surface_of
from surveyor.tools.geometry.viewing import FusingRule, RegisteredView
from tests.claims.claim import Claim
from tests.support.mask_room import NAMES, MaskRoom, labels_of, room_about

TASKS = ("reason_seg", "search_seg", "refer_seg", "qa_seg")
SETTINGS = RoomsSettings(
    n_frames=20,
    size=(200, 150),
    light_rays=1,
    types=TASKS,
    per_type=4,
    balance=False,
    controls=RoomControls(shape="two_rooms", area=30.0),
)
ROOMS = (9110, 9111, 9112)


def measure() -> Iterator[Claim]:
    """Every row of masks in 3D."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        dataset = folder / "rooms"
        make_rooms_dataset(dataset, ROOMS, settings=SETTINGS)
        scenes = {name: seen_place(dataset, name) for name in read_manifest(dataset).scenes}
        yield from exact(dataset, scenes)
        yield from spoilt()
        yield from conventions(dataset, folder)
        run = folder / "run"
        yield from tasks(dataset, run, folder)
        yield from goldens()


def seen_place(dataset: Path, name: str) -> MaskRoom:
    """A filmed room as views with exact masks; ``ids`` are instance ids, 0 for the shell."""
    truth = scene_truth(dataset, name)
    maps = [frame_maps(dataset, name, k) for k in range(len(truth.cameras))]
    views = tuple(
        RegisteredView(
            Pose(np.array(camera.T_world_camera)),
            camera.intrinsics.resized(one.depth.shape[1], one.depth.shape[0]),
            one.depth,
        )
        for camera, one in zip(truth.cameras, maps, strict=True)
    )
    surface = surface_of(views)
    ids = tuple(one.ids.astype(np.int64) for one in maps)
    seen = list(zip((one.depth for one in maps), ids, strict=True))
    return MaskRoom(views, ids, surface, labels_of(surface, views, seen))


def exact(dataset: Path, scenes: dict[str, MaskRoom]) -> Iterator[Claim]:
    """B1 and the depth test of B3, on filmed two-room places."""
    ious, without, names = [], [], []
    for name, seen in scenes.items():
        for item in scene_truth(dataset, name).objects:
            if len(seen.masks(item.instance_id)) < 2:
                continue
            masks = seen.masks(item.instance_id, 1)
            found = vote(seen.surface, seen.views, masks)
            through = vote(seen.surface, seen.views, masks, FusingRule(slack=1e6))
            ious.append(seen.iou(found.points, item.instance_id))
            without.append(seen.iou(through.points, item.instance_id))
            names.append(item.category)
    worst = sorted(zip(ious, names, strict=True))[:4]
    note = "worst: " + ", ".join(f"{name} {iou:.2f}" for iou, name in worst)
    share = float(np.mean(np.array(ious) >= 0.95))
    count = f"{len(ious)} objects that two or more frames show; "
    yield Claim.at_least("B1 exact masks: mean IoU", float(np.mean(ious)), 0.95, count + note)
    yield Claim.at_least("B1 exact masks: share of objects with IoU >= 0.95", share, 1.0, note)
    yield Claim.at_least("B1 exact masks: least IoU of an object", min(ious), 0.95, note)
    lost = float(np.mean(ious)) - float(np.mean(without))
    yield Claim.at_least("B3 depth test off: mean IoU falls by", lost, 0.1)


def spoilt() -> Iterator[Claim]:
    """B2: two masks hallucinated and two missing of the twelve views that show a thing most."""
    votes, unions = [], []
    for thing in range(len(NAMES)):
        about = room_about(thing)
        for seed in range(4):
            masks = about.spoilt(thing, np.random.default_rng([thing, seed]))
            found = vote(about.surface, about.views, masks)
            votes.append(about.iou(found.points, thing))
            unions.append(about.iou(about.union(masks), thing))
    wins = float(np.mean(np.array(votes) > np.array(unions)))
    note = f"union {np.mean(unions):.2f} (least {min(unions):.2f}); {len(votes)} draws"
    name = "B2 spoilt masks: share of draws where the vote beats the union"
    yield Claim.at_least(name, wins, 1.0, note)
    yield Claim.at_least("B2 spoilt masks: mean IoU of the vote", float(np.mean(votes)), 0.85, note)
    about = room_about(3)
    (one, *_) = about.masks(3)
    found = vote(about.surface, about.views, [one])
    yield Claim.holds("B2 an object in one view is told", len(found.points) > 0)
    yield Claim.at_most("B2 an object in one view: its confidence", found.confidence, 0.2)


def conventions(dataset: Path, folder: Path) -> Iterator[Claim]:
    """B3: poses read as world-to-camera link no masks, and the layout's own reader links all."""
    name = read_manifest(dataset).scenes[0]
    write_scannet(folder / "scannet", dataset_views(dataset, name))
    views = [
        RegisteredView(one.pose, one.camera.intrinsics, one.depth)
        for one in read_scannet(folder / "scannet")
        if one.depth is not None
    ]
    maps = [frame_maps(dataset, name, k).ids.astype(np.int64) for k in range(len(views))]
    for label, turned in (
        ("read as written", views),
        ("read as world to camera", [_inverted(view) for view in views]),
    ):
        ious = []
        surface = surface_of(views)
        shown = [(view.depth, ids) for view, ids in zip(views, maps, strict=True)]
        labels = labels_of(surface, views, shown)
        seen = MaskRoom(tuple(views), tuple(maps), surface, labels)
        for item in scene_truth(dataset, name).objects:
            masks = seen.masks(item.instance_id, 200)
            if len(masks) >= 3:
                found = vote(surface, turned, masks)
                ious.append(seen.iou(found.points, item.instance_id))
        mean = float(np.mean(ious))
        make = Claim.at_least if turned is views else Claim.at_most
        yield make(f"B3 ScanNet poses {label}: mean IoU", mean, 0.9 if turned is views else 0.3)


def _inverted(view: RegisteredView) -> RegisteredView:
    inverse = np.linalg.inv(view.pose.T_world_camera).astype(np.float64)
    return RegisteredView(Pose(inverse), view.intrinsics, view.depth)


def tasks(dataset: Path, run: Path, folder: Path) -> Iterator[Claim]:
    """B4: four tasks through HTTP reference experts, exact, by the program planner."""
    config = RunConfig(dataset=str(dataset), types=TASKS, expert_options={"preset": "perfect"})
    with reference_experts(dataset, "perfect", folder / "experts", config) as endpoints:
        report = finish(Job(dataset, run, config, endpoints, folder / "cache"))
    names = {
        "reason_seg": "reasoning segmentation: IoU",
        "search_seg": "hierarchical search: IoU",
        "refer_seg": "referring segmentation: IoU",
        "qa_seg": "QA with mask: right answer with IoU > 0.5",
    }
    for kind in TASKS:
        yield Claim.at_least(f"B4 {names[kind]}", report.groups[kind] / 100, 0.8)
    done = RunFolder.open(run)
    searched = [task.id for task in done.schedule if ".search_seg." in task.id]
    right = [_region_right(dataset, done, task_id) for task_id in searched]
    note = f"{len(searched)} questions; a question without an answer counts as wrong"
    name = "B4 hierarchical search: region right"
    yield Claim.at_least(name, float(np.mean(right)), 1.0, note)


def _region_right(dataset: Path, folder: RunFolder, task_id: str) -> bool:
    """Whether most of an answer's mask lies in the region that was to be found first."""
    target = next(one for one in targets(dataset) if one.task_id == task_id)
    episode = folder.episode(task_id, 0)
    if episode is None or episode.answer is None:
        return False
    scene = task_id.split(".")[0]
    scans, metric = Scans(dataset), metric_named("region-mask")
    evidence = EpisodeEvidence.of(episode.outcomes, BlobStore(folder.path / "blobs"))
    said = placed(metric, episode.answer, lambda: evidence, lambda: scans[scene])
    row = {**scans[scene].fields(target.payload), "pred_indexes": said.prediction}
    return bool(metric.score(row).values["region"])


def goldens() -> Iterator[Claim]:
    """B5: the metrics on sets small enough to reckon by hand."""
    both_empty, one_empty = MaskOverlap(0, 0), MaskOverlap(0, 4)
    yield Claim.holds("B5 both empty: gIoU 1", summarize_masks([both_empty]).giou == 1.0)
    yield Claim.holds("B5 one empty: 0", summarize_masks([one_empty]).giou == 0.0)
    hand = summarize_masks([MaskOverlap(1, 2), MaskOverlap(90, 100)])
    told = f"gIoU {hand.giou:.2f}, cIoU {hand.ciou:.4f}"
    right = abs(hand.giou - 0.7) < 1e-9 and abs(hand.ciou - 91 / 102) < 1e-9
    yield Claim.holds("B5 1/2 and 90/100: gIoU 0.70, cIoU 0.8922", right, told)
    failed = summarize_masks([MaskOverlap(4, 4), None])
    yield Claim.holds("B5 a failed row counts 0", abs(failed.giou - 0.5) < 1e-9)
    ids = np.arange(300, dtype=np.int32).reshape(15, 20)
    kept = decode_maps(encode_maps(FrameMaps(np.ones((15, 20), np.float32), ids))).ids
    same = bool((kept == ids).all()) and {*read_indexes([299], 300, "")} == {299}
    yield Claim.holds("B5 more than 127 instances keep their ids", same)

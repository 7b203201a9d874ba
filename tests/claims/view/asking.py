"""`ask` on real JPEG files and on films beside `run` on the same questions."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from surveyor.compose.ask import Asking, ask
from surveyor.core.dataset import Dataset
from surveyor.core.tasks import Task
from surveyor.memory.runs import RunFolder
from tests.claims.claim import Claim
from tests.claims.view.films import can_film, films
from tests.claims.view.rooms import answered, experts

TYPES = ("object_counting", "object_abs_distance", "object_size_estimation")
A_PLACE = 3
"""Questions of a type that are asked of each place as JPEG files; of films, one."""


def asked_as_run() -> Iterator[Claim]:
    """How many answers to the same questions are the same."""
    dataset_path, folder = answered()
    dataset = Dataset.open(dataset_path)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        with experts(dataset_path) as endpoints:
            asking = Asking(root=root / "places", experts=endpoints)
            told = _asked(dataset, folder, _photos(dataset, root), A_PLACE, asking)
        note = f"n {told['asked']} in {len(dataset.captures)} places, perfect reference experts"
        share = told["same"] / told["asked"]
        yield Claim.at_least("ask on JPEG files: answers as in a run", share, 0.95, note)
        share = told["pictured"] / told["asked"]
        yield Claim.at_least("ask: answers with a picture", share, 0.95)
        share = told["recalled"] / max(1, told["again"])
        note = f"distances asked twice, n {told['again']}: the second time no expert was asked"
        yield Claim.at_least("ask: follow-ups recall what was measured", share, 0.95, note)
        if not can_film():
            yield Claim.holds("PyAV is at hand for films", False, note="pip install '.[video]'")
            return
        filmed, paths = films(dataset, root)
        with experts(filmed) as endpoints:
            asking = Asking(root=root / "films", experts=endpoints)
            told = _asked(dataset, folder, paths, 1, asking)
        note = f"n {told['asked']} in {len(paths)} places, H.264, decoded frames"
        share = told["same"] / told["asked"]
        yield Claim.at_least("ask on an mp4: answers as in a run", share, 0.95, note)


def _photos(dataset: Dataset, root: Path) -> dict[str, Path]:
    """A folder of JPEG files of every scene, named as cameras name them."""
    folders = {}
    for scene, capture in dataset.captures.items():
        folders[scene] = photos = root / "photos" / scene
        photos.mkdir(parents=True)
        for frame in capture.frames:
            data = dataset.blobs.get(frame.image.sha256)
            (photos / f"IMG_{frame.index + 1}.jpg").write_bytes(data)
    return folders


def _asked(
    dataset: Dataset, folder: RunFolder, given: Mapping[str, Path], most: int, asking: Asking
) -> Counter[str]:
    """Counts of questions asked, of answers as in the run, with a picture, and from memory."""
    told: Counter[str] = Counter()
    for task in _few(dataset, most):
        episode = folder.episode(task.id, 0)
        found = ask([given[task.scene_id]], task.question, replace(asking, place=task.scene_id))
        told["asked"] += 1
        told["pictured"] += bool(found.picture)
        told["same"] += episode is not None and found.answer.text == episode.answer
        if most > 1 and found.status == "answered" and task.question_type == TYPES[1]:
            follow = ask([], task.question, replace(asking, place=task.scene_id))
            told["again"] += 1
            told["recalled"] += follow.remembered and follow.answer.text == found.answer.text
    return told


def _few(dataset: Dataset, most: int) -> Iterator[Task]:
    """At most so many questions of every type of every scene."""
    seen: Counter[tuple[str, str]] = Counter()
    for task in dataset.tasks():
        kind = task.scene_id, task.question_type
        if task.question_type in TYPES and seen[kind] < most:
            seen[kind] += 1
            yield task

"""`ask` on real JPEG files beside `run` on the same questions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from surveyor.compose.ask import Asking, ask
from surveyor.core.dataset import Dataset
from tests.claims.claim import Claim
from tests.claims.view.rooms import answered, experts

TYPES = ("object_counting", "object_abs_distance", "object_size_estimation")


def asked_as_run() -> Iterator[Claim]:
    """How many answers to the same questions are the same."""
    dataset_path, folder = answered()
    dataset = Dataset.open(dataset_path)
    same = total = pictured = recalled = again = 0
    with tempfile.TemporaryDirectory() as scratch, experts(dataset_path) as endpoints:
        for scene, capture in dataset.captures.items():
            photos = Path(scratch) / "photos" / scene
            photos.mkdir(parents=True)
            for frame in capture.frames:
                data = dataset.blobs.get(frame.image.sha256)
                (photos / f"IMG_{frame.index + 1}.jpg").write_bytes(data)
            asking = Asking(root=Path(scratch) / "places", experts=endpoints)
            for task in dataset.tasks():
                if task.scene_id != scene or task.question_type not in TYPES:
                    continue
                episode = folder.episode(task.id, 0)
                found = ask([photos], task.question, asking)
                total += 1
                pictured += bool(found.picture)
                same += episode is not None and found.answer.text == episode.answer
                if found.status == "answered" and task.question_type == TYPES[1]:
                    follow = ask([], task.question, replace(asking, place=scene))
                    again += 1
                    recalled += follow.remembered and follow.answer.text == found.answer.text
    told = f"n {total} in {len(dataset.captures)} places"
    yield Claim.at_least("ask on JPEG files: answers as in a run", same / total, 0.95, told)
    yield Claim.at_least("ask: answers with a picture", pictured / total, 0.95)
    share = recalled / max(1, again)
    note = f"distances asked twice, n {again}: the second time from memory, no expert asked"
    yield Claim.at_least("ask: follow-ups recall what was measured", share, 0.95, note)

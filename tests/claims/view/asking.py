"""`ask` on real JPEG files and on films beside `run` on the same questions, mode by mode.

Models are scripted and served over HTTP: one plays the run's recorded calls, one answers by the
pictures that it was sent, so that other pictures would change its answer.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from surveyor.compose.ask import Asking, ask
from surveyor.compose.run import perform
from surveyor.core.dataset import Dataset
from surveyor.memory.runs import RunFolder
from tests.claims.agent.fake_model import Manner, impersonator, looker
from tests.claims.claim import Claim
from tests.claims.view.films import can_film, films
from tests.claims.view.rooms import TYPES, experts, run_of, small
from tests.support.mock_endpoint import RehearsalServer

LIMITS: dict[str, float] = {"turns": 60, "tool_calls": 400}
MODEL = "scripted"


def asked_as_run() -> Iterator[Claim]:
    """How many answers to the same questions are the same, with experts and without."""
    path, folder = small()
    dataset = Dataset.open(path)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        photos = _photos(dataset, root)
        with experts(path) as endpoints:
            asking = Asking(root=root / "places", experts=endpoints)
            told = _asked(dataset, folder, photos, asking)
            yield from _same("ask on JPEG files: answers as in a run", told)
            share = told["pictured"] / told["asked"]
            yield Claim.at_least("ask: answers with a picture", share, 0.95)
            share = told["recalled"] / max(1, told["again"])
            note = f"distances asked twice, n {told['again']}: the second time no expert was asked"
            yield Claim.at_least("ask: follow-ups recall what was measured", share, 0.95, note)
            yield from _chatting(dataset, folder, photos, root, endpoints)
        yield from _looking(dataset, photos, root)
        if not can_film():
            yield Claim.holds("PyAV is at hand for films", False, note="pip install '.[video]'")
            return
        filmed, paths = films(dataset, root)
        with experts(filmed) as endpoints:
            asking = Asking(root=root / "films", experts=endpoints)
            told = _asked(dataset, folder, paths, asking)
        yield from _same("ask on an mp4: answers as in a run", told, "; H.264, decoded frames")


def _chatting(
    dataset: Dataset, program: RunFolder, photos: Mapping[str, Path], root: Path, endpoints: Path
) -> Iterator[Claim]:
    """A model with tools: it plays what `program` did, in a run and in `ask`."""
    known = [
        (task, episode)
        for task in dataset.tasks()
        if (episode := program.episode(task.id, 0)) is not None
    ]
    with RehearsalServer(impersonator(known, Manner.PARALLEL), keep=False) as server:
        options = {"model": MODEL, "base_url": server.url}
        folder, _ = perform(
            run_of(
                dataset.path, root / "chat", endpoints,
                planner="chat", planner_options=options, limits=LIMITS,
            )
        )  # fmt: skip
        asking = Asking(
            root=root / "chat-places", experts=endpoints, model=MODEL, base_url=server.url,
            limits=dict(LIMITS),
        )  # fmt: skip
        told = _asked(dataset, folder, photos, asking)
    yield from _same("ask a model with experts: answers as in a run", told, "; scripted model")


def _looking(dataset: Dataset, photos: Mapping[str, Path], root: Path) -> Iterator[Claim]:
    """A model alone: no tools, and every answer is marked as a guess."""
    with RehearsalServer(looker(), keep=False) as server:
        options = {"model": MODEL, "base_url": server.url}
        folder, _ = perform(
            run_of(
                dataset.path, root / "alone", None,
                planner="chat", planner_options=options, baseline="no-tools",
            )
        )  # fmt: skip
        asking = Asking(root=root / "alone-places", model=MODEL, base_url=server.url)
        told = _asked(dataset, folder, photos, asking)
    yield from _same("ask a model alone: answers as in a run", told, "; scripted model")
    share = told["looked"] / told["asked"]
    yield Claim.at_least("ask a model alone: answers marked as guesses", share, 1.0)


def _same(name: str, told: Counter[str], more: str = "") -> Iterator[Claim]:
    note = f"n {told['asked']} in {told['places']} places{more}; {told['none']} without an answer"
    yield Claim.at_least(name, told["same"] / told["asked"], 0.95, note)


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
    dataset: Dataset, folder: RunFolder, given: Mapping[str, Path], asking: Asking
) -> Counter[str]:
    """Counts of questions asked, of answers as in the run, with a picture, and from memory."""
    told: Counter[str] = Counter(places=len(given))
    for task in dataset.tasks():
        episode = folder.episode(task.id, 0)
        found = ask([given[task.scene_id]], task.question, replace(asking, place=task.scene_id))
        told["asked"] += 1
        told["pictured"] += bool(found.picture)
        told["looked"] += found.kind == "looked"
        told["same"] += episode is not None and found.answer.text == episode.answer
        told["none"] += episode is None or not episode.answer
        if not asking.model and found.status == "answered" and task.question_type == TYPES[1]:
            follow = ask([], task.question, replace(asking, place=task.scene_id))
            told["again"] += 1
            told["recalled"] += follow.remembered and follow.answer.text == found.answer.text
    return told

"""Bad input to `surveyor rooms`: damaged datasets and controls that no room can meet."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson

from tests.claims.claim import Claim
from tests.claims.runner.bad_input import Refusal, refused

SEED = 8950


def bad_rooms() -> Iterator[Claim]:
    """Must-show 8, as a user would type it."""
    from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset

    with tempfile.TemporaryDirectory(prefix="surveyor-claims-") as name:
        folder = Path(name)
        dataset = folder / "whole"
        small = RoomsSettings(n_frames=4, size=(96, 72), light_rays=1, per_type=2)
        make_rooms_dataset(dataset, [SEED], settings=small)
        for case in [*_damaged(folder, dataset), *_impossible()]:
            yield refused(case, folder)


def _damaged(folder: Path, whole: Path) -> Iterator[Refusal]:
    """Copies of a dataset, each broken in one way, and the verb that meets the damage."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(whole, folder / name))

    path = copy("scene")
    (scene,) = (path / "truth" / "scenes").iterdir()
    truth = scene / "truth.json"
    truth.write_bytes(truth.read_bytes()[:500])
    yield Refusal("a damaged scene", ("rooms", "show", str(path)), "truth.json is damaged")

    path = copy("maps")
    maps = next((path / "truth" / "scenes").glob("*/*.maps"))
    maps.write_bytes(maps.read_bytes()[:200])
    export = ("rooms", "export", str(path), "out", "--layout", "scannet")
    yield Refusal("a damaged depth map", export, "is damaged")

    path = copy("version")
    manifest = path / "dataset.json"
    fields = orjson.loads(manifest.read_bytes()) | {"version": 99}
    manifest.write_bytes(orjson.dumps(fields))
    yield Refusal("a dataset of another version", ("rooms", "list", str(path)), "version 99")

    path = copy("frames")
    frame = next(p for p in (path / "blobs").rglob("*") if p.is_file())
    frame.unlink()
    yield Refusal("a missing frame", ("rooms", "show", str(path)), "frames are missing")

    path = copy("answers")
    answers = path / "truth" / "targets.jsonl"
    answers.write_bytes(answers.read_bytes().replace(b"object", b"subject", 1))
    yield Refusal("changed answers", ("rooms", "audit", str(path)), "were changed")


def _impossible() -> Iterator[Refusal]:
    make = ("rooms", "make", "out", "--rooms", "1")
    yield Refusal(
        "60 objects in 4 m\u00b2", (*make, "--area", "4", "--objects", "60"), "do not fit"
    )
    two = ("--shape", "two_rooms", "--area", "6")
    yield Refusal("two rooms in 6 m\u00b2", (*make, *two), "at least 12")
    yield Refusal("an unknown category", (*make, "--category", "unicorn"), "unicorn")
    yield Refusal("an unknown condition", (*make, "--condition", "foggy"), "dark")
    yield Refusal("an unknown question type", (*make, "--type", "riddle"), "riddle")
    show = ("rooms", "show", "nowhere")
    yield Refusal("no dataset at all", show, "rooms make")

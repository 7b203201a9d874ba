"""Must-show 7: what a user gets wrong about a run, as they would type it.

Disks that are full or read-only are real ones: small file systems mounted in a namespace of their
own. Where the kernel grants none, those rows say so instead of passing.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from surveyor.core.dataset import Dataset
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from tests.claims.claim import Claim
from tests.support.mock_endpoint import RehearsalServer, fails

SURVEYOR = (sys.executable, "-m", "surveyor.cli.main")
SEED = 8960
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
"""A shell that may mount without touching what others see."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A command that must be refused, a word of its sentence, and the disk that it runs on.

    ``disk`` is a shell command that makes the folder ``disk`` what it should be.
    """

    name: str
    arguments: tuple[str, ...]
    word: str
    disk: str = ""


def wrong_runs(folder: Path) -> Iterator[Claim]:
    """One row for each mistake: one sentence, exit code 2, and nothing new on the disk."""
    dataset = folder / "dataset"
    settings = RoomsSettings(n_frames=4, size=(96, 72), per_type=2)
    make_rooms_dataset(dataset, [SEED], settings=settings)
    yield from _models(dataset, folder)
    yield from _data(dataset, folder)
    yield from _disks(dataset, folder)


def _models(dataset: Path, folder: Path) -> Iterator[Claim]:
    chat = ("run", str(dataset), "--planner", "chat", "--model", "m", "--out", "run", "--base-url")
    for status, name, word in ((401, "wrong key", "key"), (404, "missing model", "does not know")):
        with RehearsalServer(lambda _, status=status: fails(status), keep=False) as server:  # type: ignore[misc]
            yield _refused(Wrong(name, (*chat, server.url), word), folder)
    yield _refused(Wrong("nobody listens", (*chat, "http://127.0.0.1:9/v1"), "127.0.0.1:9"), folder)


def _data(dataset: Path, folder: Path) -> Iterator[Claim]:
    twice = folder / "twice"
    row = {
        "id": 1,
        "dataset": "scannet",
        "scene_name": "scene1",
        "question_type": "object_counting",
        "question": "How many?",
        "options": None,
        "ground_truth": "2",
    }
    (twice / "scannet" / "scene1").mkdir(parents=True)
    (twice / "test.jsonl").write_text(f"{json.dumps(row)}\n" * 2)
    load = ("load", "vsi-bench", str(twice), "loaded")
    yield _refused(Wrong("data set with an id twice", load, "more than once"), folder)
    (twice / "test.jsonl").write_text(f"{json.dumps(row)}\n")
    yield _refused(Wrong("data set without frames", load, "no frames of scene1"), folder)
    bare = folder / "bare"
    shutil.copytree(dataset, bare)
    image = next(Dataset.open(dataset).tasks()).frames[0].image
    Dataset.open(bare).blobs.path(image.sha256).unlink()
    yield _refused(Wrong("dataset without a frame", ("run", str(bare)), "missing"), folder)
    tasks = bare / "tasks.jsonl"
    tasks.write_bytes(tasks.read_bytes() + tasks.read_bytes().splitlines(keepends=True)[0])
    yield _refused(Wrong("dataset with a task twice", ("run", str(bare)), "changed"), folder)


def _disks(dataset: Path, folder: Path) -> Iterator[Claim]:
    run = ("run", str(dataset), "--out", "disk/run")
    full = "mount -t tmpfs -o size=64k tmpfs disk && cat /dev/zero > disk/rest 2> /dev/null; true"
    read_only = "mount -t tmpfs -o size=64m tmpfs disk && mount -o remount,ro disk"
    for case in (
        Wrong("full disk", run, "No space left", full),
        Wrong("read-only run folder", run, "Read-only", read_only),
    ):
        if _grants_mounts():
            yield _refused(case, folder)
        else:
            yield Claim.holds(f"refused: {case.name}", False, note="no mounts are granted here")
    if _grants_mounts():
        yield _filling(dataset, folder)


def _filling(dataset: Path, folder: Path) -> Claim:
    """A disk that fills while the run is under way: told in one sentence, and resumed later."""
    place = folder / "cwd" / "filling"
    (place / "disk").mkdir(parents=True)
    run = shlex.join((*SURVEYOR, "run", str(dataset), "--out", "disk/run", "--concurrency", "1"))
    script = (
        "mount -t tmpfs -o size=48m tmpfs disk || exit 9; "
        f"{run} 2> sentence & child=$!; "
        "until ls disk/run/episodes/* > /dev/null 2>&1; do kill -0 $child || break; done; "
        "cat /dev/zero > disk/rest 2> /dev/null; wait $child; first=$?; rm disk/rest; "
        f"{run} > /dev/null 2>&1; echo $first $?"
    )
    done = subprocess.run(
        [*NAMESPACE, script], cwd=place, capture_output=True, text=True, check=False
    )
    told = (place / "sentence").read_text().strip().splitlines()
    sentences = [line for line in told if line.startswith("surveyor: ")]
    ok = done.stdout.split() == ["2", "0"] and len(sentences) == 1
    note = f"{(sentences or ['nothing was said'])[0][:120]}; exit codes {done.stdout.strip()}"
    return Claim.holds("disk fills mid-run: one sentence, exit 2, then resumed", ok, note=note)


def _grants_mounts() -> bool:
    script = "mount -t tmpfs tmpfs /mnt"
    try:
        done = subprocess.run([*NAMESPACE, script], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def _refused(case: Wrong, folder: Path) -> Claim:
    place = folder / "cwd" / case.name.replace(" ", "-")
    (place / "disk").mkdir(parents=True)
    command: Sequence[str] = (*SURVEYOR, *case.arguments)
    if case.disk:
        # The disk is gone with its namespace: what was left on it is listed from inside.
        listing = "find disk -mindepth 1 ! -name rest 1>&2"
        script = f"{case.disk}; {shlex.join(command)}; code=$?; {listing}; exit $code"
        command = (*NAMESPACE, script)
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    sentence = done.stderr.strip()
    left = [path.name for path in place.rglob("*") if path.is_file()]
    one = sentence.startswith("surveyor: ") and "\n" not in sentence
    ok = done.returncode == 2 and case.word in sentence and one and not left
    return Claim.holds(f"refused: {case.name}", ok, note=sentence[:140])

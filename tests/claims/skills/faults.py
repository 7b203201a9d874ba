"""What happens to skills and memories when processes die and files break."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from surveyor.memory.scenes.store import SceneMemory
from surveyor.skills.builtin import add_builtin
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.snapshot import open_snapshot, take_snapshot
from surveyor.skills.store import SkillStore
from tests.claims.claim import Claim
from tests.claims.skills import damage as proofs_skills_damage
from tests.claims.skills import killed as proofs_skills_killed

KILLS = 20
CARD = SceneProfile(question_type="object_counting", views=24)


def measure() -> Iterator[Claim]:
    """Claims about faults, each as soon as it is measured."""
    yield kills()
    yield from proofs_skills_killed.measure()
    yield from proofs_skills_damage.measure()
    with tempfile.TemporaryDirectory() as folder:
        yield reading(Path(folder))


def kills() -> Claim:
    """Episodes that were acknowledged and are missing after kill -9 of two writers, many times."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.sqlite"
        SceneMemory(path).close()
        said: set[str] = set()
        for round_ in range(KILLS // 2):
            said |= _killed_pair(path, round_)
        with SceneMemory(path) as memory:
            stored = {e.key for e in memory.episodes("s", limit=10**8)}
    lost = len(said - stored)
    name = f"faults: acknowledged episodes lost over {KILLS} kills"
    return Claim(name, lost, "0", lost == 0 and len(said) > KILLS, f"{len(said)} acknowledged")


def reading(folder: Path) -> Claim:
    """Opening and asking a snapshot read-only changes no file."""
    with SkillStore(folder / "skills.sqlite") as store:
        add_builtin(store)
        snapshot = take_snapshot(store, folder / "snapshots")
    snapshot.store.close()
    before = _hashes(snapshot.path)
    opened = open_snapshot(snapshot.path)
    opened.retriever().retrieve(CARD, "How many chairs are there?")
    opened.store.close()
    same = _hashes(snapshot.path) == before
    return Claim.holds("faults: a read-only open writes nothing (file hashes)", same)


def _killed_pair(path: Path, round_: int) -> set[str]:
    command = [sys.executable, "-m", "tests.claims.skills.faults", str(path)]
    children = [
        subprocess.Popen([*command, f"{round_}.{k}"], stdout=subprocess.PIPE, text=True)
        for k in range(2)
    ]
    said: set[str] = set()
    for child in children:
        assert child.stdout is not None
        said.add(child.stdout.readline().strip())
    time.sleep(0.02 * (round_ % 5 + 1))
    for child in children:
        child.send_signal(signal.SIGKILL)
    for child in children:
        rest, _ = child.communicate()
        said.update(rest.split("\n")[:-1])
    return said - {""}


def _hashes(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def _write_until_killed(path: Path, name: str) -> None:
    with SceneMemory(path) as memory:
        number = 0
        while True:
            key = f"{name}-{number}"
            memory.file(proofs_skills_damage.filed(key))
            sys.stdout.write(key + "\n")
            sys.stdout.flush()
            number += 1


if __name__ == "__main__":
    _write_until_killed(Path(sys.argv[1]), sys.argv[2])

"""What happens to skills and memories when processes die and files break."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from memory.claims import Claim
from memory.errors import UserError
from memory.scene_memory import FiledEpisode, SceneMemory
from skills.card import SceneCard
from skills.documents import parse
from skills.retrieve import Retriever
from skills.seeds import plant_seeds
from skills.snapshot import open_snapshot, take_snapshot
from skills.store import SkillStore

KILLS = 20
CARD = SceneCard(question_type="object_counting", views=24)


def measure() -> Iterator[Claim]:
    """Claims about faults, each as soon as it is measured."""
    yield kills()
    with tempfile.TemporaryDirectory() as folder:
        yield from damage(Path(folder))
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


def damage(folder: Path) -> Iterator[Claim]:
    """Damaged files are refused by name or rebuilt, and never emptied."""
    library = folder / "skills.sqlite"
    with SkillStore(library) as store:
        plant_seeds(store)
        expected = [s.name for s in Retriever(store).retrieve(CARD, "How many?").skills]
        snapshot = take_snapshot(store, folder / "snapshots")
        text = store.skills()[0].document.text
    snapshot.store.close()
    yield _refused(
        "faults: a truncated ledger is refused by name and left as it is",
        library,
        lambda: SkillStore(library),
    )
    database = snapshot.path / "skills.sqlite"
    yield _refused(
        "faults: a truncated snapshot is refused by name and left as it is",
        database,
        lambda: open_snapshot(snapshot.path),
    )
    index = snapshot.path / "index.faiss"
    index.chmod(0o644)
    whole = index.read_bytes()
    index.write_bytes(whole[: len(whole) // 2])
    found = [
        s.name for s in open_snapshot(snapshot.path).retriever().retrieve(CARD, "How many?").skills
    ]
    yield Claim.holds("faults: a truncated index is rebuilt in memory", found == expected)
    cut = text[: text.index("```workflow") + 40]
    yield _raises(
        "faults: a truncated SKILL.md is refused by name", lambda: parse(cut, "x/SKILL.md")
    )


def reading(folder: Path) -> Claim:
    """Opening and asking a snapshot read-only changes no file."""
    with SkillStore(folder / "skills.sqlite") as store:
        plant_seeds(store)
        snapshot = take_snapshot(store, folder / "snapshots")
    snapshot.store.close()
    before = _hashes(snapshot.path)
    opened = open_snapshot(snapshot.path)
    opened.retriever().retrieve(CARD, "How many chairs are there?")
    opened.store.close()
    same = _hashes(snapshot.path) == before
    return Claim.holds("faults: a read-only open writes nothing (file hashes)", same)


def _killed_pair(path: Path, round_: int) -> set[str]:
    command = [sys.executable, "-m", "training.proofs_skills_faults", str(path)]
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


def _refused(name: str, file: Path, use: Callable[[], object]) -> Claim:
    file.chmod(0o644)
    whole = file.read_bytes()
    half = whole[: len(whole) // 2]
    file.write_bytes(half)
    claim = _raises(name, use, file.name)
    kept = file.read_bytes() == half
    file.write_bytes(whole)
    return Claim.holds(name, claim.ok and kept, note=claim.note)


def _raises(name: str, use: Callable[[], object], names: str = "SKILL.md") -> Claim:
    try:
        use()
    except UserError as error:
        return Claim.holds(name, names in str(error), note=str(error).replace("\n", " ")[-90:])
    return Claim.holds(name, False, note="nothing was said")


def _hashes(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def _write_until_killed(path: Path, name: str) -> None:
    with SceneMemory(path) as memory:
        number = 0
        while True:
            key = f"{name}-{number}"
            memory.file(
                FiledEpisode(
                    key=key,
                    scene_id="s",
                    task_id="t",
                    split="train",
                    question_type="q",
                    question="how many",
                    status="answered",
                )
            )
            sys.stdout.write(key + "\n")
            sys.stdout.flush()
            number += 1


if __name__ == "__main__":
    _write_until_killed(Path(sys.argv[1]), sys.argv[2])

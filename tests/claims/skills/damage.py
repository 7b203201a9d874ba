"""Every file of a library, cut at many places: refused by name, rebuilt or whole, never emptied."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from surveyor.core.errors import UserError
from surveyor.memory.scenes.records import FiledEpisode
from surveyor.memory.scenes.store import SceneMemory
from surveyor.skills.builtin import add_builtin
from surveyor.skills.folders import export_skills, import_skills
from surveyor.skills.retrieve import Retriever
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.snapshot import open_snapshot, take_snapshot
from surveyor.skills.store import SkillStore
from surveyor.training.evolution.library import Library
from tests.claims.claim import Claim

CARD = SceneProfile(question_type="object_counting", views=24)
MEMORY = "memory.sqlite"
CUTS = 12
"""Places at which a file is cut, from its first byte to its last."""

Use = Callable[[Path], object]
"""Reads all that a library folder holds in one file, so that less of it would show."""


def measure() -> Iterator[Claim]:
    """One row per kind of file."""
    with tempfile.TemporaryDirectory() as folder:
        root, spare = Path(folder) / "library", Path(folder) / "cut"
        snapshot = _fill(root)
        for name, file, use in _files(snapshot):
            yield _cut(name, root, spare, Path(file), use)


def _files(snapshot: str) -> tuple[tuple[str, str, Use], ...]:
    folder = f"snapshots/{snapshot}"

    def frozen(root: Path) -> object:
        opened = open_snapshot(root / folder)
        with opened.store as store:
            return opened.manifest, store.skills(), _found(opened.retriever())

    return (
        ("the ledger and versions (skills.sqlite)", "skills.sqlite", _skills),
        ("scene memory (memory.sqlite)", MEMORY, _memory),
        ("the index (index.faiss)", "index.faiss", _skills),
        ("a snapshot's library", f"{folder}/skills.sqlite", frozen),
        ("a snapshot's index", f"{folder}/index.faiss", frozen),
        ("a snapshot's manifest", f"{folder}/manifest.json", frozen),
        ("an exported SKILL.md", "out/few-views-voted/SKILL.md", _imported),
    )


def _cut(name: str, root: Path, spare: Path, file: Path, use: Use) -> Claim:
    shutil.copytree(root, spare, dirs_exist_ok=True)
    expected = use(spare)
    whole = (root / file).read_bytes()
    refused = rebuilt = 0
    wrong: list[str] = []
    for cut in _places(len(whole)):
        shutil.rmtree(spare)
        shutil.copytree(root, spare)
        (spare / file).chmod(0o644)
        (spare / file).write_bytes(whole[:cut])
        try:
            same = use(spare) == expected
        except UserError as error:
            refused += 1
            if file.name not in str(error) or (spare / file).read_bytes() != whole[:cut]:
                wrong.append(f"{cut}: {error}")
        else:
            rebuilt += same
            if not same:
                wrong.append(f"{cut}: something is missing and nothing was said")
    shutil.rmtree(spare)
    note = f"{refused} refused by name, {rebuilt} rebuilt" + "".join(f"; {w}" for w in wrong[:2])
    return Claim.at_most(f"faults: {name} cut short: lost in silence", len(wrong), 0, note)


def _places(size: int) -> Sequence[int]:
    inner = {size * k // (CUTS - 1) for k in range(CUTS - 1)}
    return sorted(inner | {size // 2 // 4096 * 4096, size - 1} - {size})


def _skills(root: Path) -> object:
    with SkillStore(root / "skills.sqlite") as store:
        found = _found(Retriever(store, cache=root / "index.faiss"))
        return [s.document.text for s in store.skills(None)], store.ledger(), found


def _memory(root: Path) -> object:
    with SceneMemory(root / MEMORY) as memory:
        return memory.episodes("s", limit=10**6), len(memory.search("how many", limit=10**6))


def _imported(root: Path) -> object:
    with SkillStore(root / "fresh.sqlite") as store:
        return [d.text for d in import_skills(store, root / "out" / "few-views-voted")]


def _found(retriever: Retriever) -> list[str]:
    return [s.name for s in retriever.retrieve(CARD, "How many chairs are there?").skills]


def _fill(root: Path) -> str:
    """A library with something in every file; the id of its snapshot."""
    library = Library(root)
    with library.open() as store:
        add_builtin(store)
        Retriever(store, cache=library.index)
        export_skills(store.skills(), root / "out")
        snapshot = take_snapshot(store, library.snapshots)
        snapshot.store.close()
    with SceneMemory(root / MEMORY) as memory:
        for number in range(300):
            memory.file(filed(f"e{number}"))
    return snapshot.id


def filed(key: str) -> FiledEpisode:
    """A small episode, to file as often as wanted."""
    return FiledEpisode(
        key=key,
        scene_id="s",
        task_id="t",
        split="train",
        question_type="q",
        question="how many",
        status="answered",
    )

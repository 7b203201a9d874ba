from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from surveyor.core.errors import UserError
from surveyor.memory.scenes.records import EvidenceObject, FiledEpisode
from surveyor.memory.scenes.store import SceneMemory


def episode(key: str, scene: str = "room1", **changes: object) -> FiledEpisode:
    fields: dict[str, object] = {
        "key": key,
        "scene_id": scene,
        "task_id": key,
        "split": "train",
        "question_type": "object_counting",
        "question": "How many chair(s) are in this room?",
        "status": "answered",
        "vector": (0.1, 0.2),
    }
    return FiledEpisode.model_validate(fields | changes)


def seen(key: str, category: str, world: str = "w1", **changes: object) -> EvidenceObject:
    fields: dict[str, object] = {
        "scene_id": "room1",
        "world": world,
        "key": key,
        "category": category,
        "center": (1.0, 2.0, 0.5),
        "confidence": 0.8,
        "views": 3,
    }
    return EvidenceObject.model_validate(fields | changes)


def test_later_questions_recall_evidence_with_its_origin(tmp_path: Path) -> None:
    with SceneMemory(tmp_path / "m.sqlite") as memory:
        memory.file(episode("a"), [seen("obj_1", "chair"), seen("obj_2", "table")])
    with SceneMemory(tmp_path / "m.sqlite") as memory:
        found = memory.recall("room1", ["chair"])
        assert [o.key for o in found.objects] == ["obj_1"]
        assert found.episodes == ("a",)
        assert "not measured anew" in found.text
        assert not memory.recall("room2")
        assert not memory.recall("room1", exclude="a")


def test_measuring_again_makes_a_new_version_and_keeps_the_old_row(tmp_path: Path) -> None:
    with SceneMemory(tmp_path / "m.sqlite") as memory:
        memory.file(episode("a"), [seen("obj_1", "chair")])
        memory.file(episode("b"), [seen("obj_1", "chair", center=(1.1, 2.0, 0.5), views=5)])
        (found,) = memory.recall("room1").objects
        assert (found.version, found.center[0], found.episode) == (2, 1.1, "b")


def test_a_category_is_recalled_from_one_episode(tmp_path: Path) -> None:
    """Of chairs that were placed a little apart the newest episode's are all there are."""
    with SceneMemory(tmp_path / "m.sqlite") as memory:
        memory.file(episode("a"), [seen("chair 1", "chair"), seen("chair 2", "chair")])
        memory.file(episode("b"), [seen("chair 1", "chair"), seen("sofa 1", "sofa")])
        found = memory.recall("room1", ["chair", "sofa"])
        assert [(o.key, o.episode) for o in found.objects] == [("chair 1", "b"), ("sofa 1", "b")]


def test_worlds_are_never_mixed(tmp_path: Path) -> None:
    with SceneMemory(tmp_path / "m.sqlite") as memory:
        memory.file(episode("a"), [seen("obj_1", "chair", "w1"), seen("obj_2", "sofa", "w1")])
        memory.file(episode("b"), [seen("obj_1", "door", "w2")])
        assert {o.world for o in memory.recall("room1").objects} == {"w1"}
        assert {o.category for o in memory.recall("room1", ["door"]).objects} == {"door"}


def test_filing_twice_keeps_the_first(tmp_path: Path) -> None:
    with SceneMemory(tmp_path / "m.sqlite") as memory:
        assert memory.file(episode("a", answer="3"))
        assert not memory.file(episode("a", answer="4"), [seen("obj_1", "chair")])
        assert [e.answer for e in memory.episodes("room1")] == ["3"]
        assert not memory.recall("room1")


def test_search_by_words_and_by_card(tmp_path: Path) -> None:
    with SceneMemory(tmp_path / "m.sqlite") as memory:
        memory.file(episode("a", card_text="dark noisy", vector=(1.0, 0.0)))
        memory.file(episode("b", card_text="bright", vector=(0.0, 1.0), question="How far?"))
        assert [e.key for e in memory.search('dark "AND (')] == ["a"]
        assert [e.key for e in memory.nearest((0.1, 0.9))] == ["b", "a"]
        memory.file(episode("c", vector=(0.1, 0.9)))
        assert memory.nearest((0.1, 0.9))[0].key == "c"
        assert memory.search("***") == ()


@pytest.mark.parametrize("damage", ["empty", "half", "text"])
def test_a_damaged_file_is_refused_by_name_and_left_alone(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "m.sqlite"
    with SceneMemory(path) as memory:
        for i in range(50):
            memory.file(episode(str(i), question="word " * 200))
    data = path.read_bytes()
    path.write_bytes({"empty": b"", "half": data[: len(data) // 2], "text": b"hello" * 999}[damage])
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"m\.sqlite"):
        SceneMemory(path)
    assert path.read_bytes() == before


def test_reading_only_changes_no_byte(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    with SceneMemory(path) as memory:
        memory.file(episode("a"), [seen("obj_1", "chair")])
    before = {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in tmp_path.iterdir()}
    with SceneMemory(path, read_only=True) as memory:
        assert memory.recall("room1")
        assert memory.search("chair")
    assert {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in tmp_path.iterdir()} == before
    with pytest.raises(UserError, match="no scene memory"):
        SceneMemory(tmp_path / "other.sqlite", read_only=True)


WRITER = """
import sys
from pathlib import Path
from surveyor.memory.scenes.records import FiledEpisode
from surveyor.memory.scenes.store import SceneMemory
memory = SceneMemory(Path(sys.argv[1]))
i = 0
while True:
    memory.file(FiledEpisode(key=f"{sys.argv[2]}-{i}", scene_id="s", task_id="t", split="train",
        question_type="q", question="how many", status="answered"))
    sys.stdout.write(f"{sys.argv[2]}-{i}\\n"); sys.stdout.flush()
    i += 1
"""


def test_no_acknowledged_episode_is_lost_to_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "m.sqlite"
    SceneMemory(path).close()
    acknowledged: set[str] = set()
    for kill in range(2):
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(path), f"{kill}{w}"], stdout=subprocess.PIPE
            )
            for w in range(2)
        ]
        for writer in writers:
            assert writer.stdout is not None
            acknowledged.add(writer.stdout.readline().decode().strip())
        deadline = time.monotonic() + 0.1
        while time.monotonic() < deadline:
            os.sched_yield()
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            rest, _ = writer.communicate()
            acknowledged.update(line for line in rest.decode().split("\n")[:-1] if line)
    with SceneMemory(path) as memory:
        stored = {e.key for e in memory.episodes("s", limit=10**6)}
    assert len(acknowledged) > 4
    assert acknowledged <= stored


def test_a_file_cut_behind_the_back_of_its_log_is_refused_by_name(tmp_path: Path) -> None:
    """A killed writer leaves a log; what it lacks of the file must still be missed."""
    whole, cut = tmp_path / "memory.sqlite", tmp_path / "cut.sqlite"
    with SceneMemory(whole) as memory:
        for number in range(600):
            memory.file(episode(f"e{number}"))
        log = whole.with_name("memory.sqlite-wal").read_bytes()
        data = whole.read_bytes()
    assert log
    kept = []
    for size in range(4096, len(data), 8 * 4096):
        cut.write_bytes(data[:size])
        cut.with_name("cut.sqlite-wal").write_bytes(log)
        kept.append(_all_or_named(cut))
        for beside in ("cut.sqlite-wal", "cut.sqlite-shm"):
            cut.with_name(beside).unlink(missing_ok=True)
    assert set(kept) <= {0, 600}, "all stood in the log, or the file is refused by name"
    assert 0 in kept


def _all_or_named(path: Path) -> int:
    """Episodes in a memory, 0 when it is refused by its name."""
    try:
        with SceneMemory(path) as memory:
            return len(memory.episodes("room1", limit=10**6))
    except UserError as error:
        return 0 if f"{path.name} is not a readable scene memory" in str(error) else -1


def test_a_page_that_is_damaged_later_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite"
    with SceneMemory(path) as memory:
        for number in range(300):
            memory.file(episode(f"e{number}"))
    data = bytearray(path.read_bytes())
    for page in range(2, len(data) // 4096):
        data[4096 * page : 4096 * page + 200] = bytes(200)
    path.write_bytes(data)
    with SceneMemory(path) as memory, pytest.raises(UserError, match=r"memory\.sqlite is not a"):
        memory.episodes("room_1", limit=10**6)

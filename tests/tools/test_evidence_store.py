"""Lifted and fused evidence between runs: found again by content, never wrong, never in the way."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from surveyor.core.geometry import OrientedBox
from surveyor.core.tensors import pack
from surveyor.tools.cache_use import EVIDENCE, cache_use, clear_cache
from surveyor.tools.evidence_store import Arrays, EvidenceStore, StoredEvidence
from surveyor.tools.geometry.fusing import Thing
from surveyor.tools.memoize import fingerprint
from surveyor.tools.perception import fuse, lift

POINTS = np.random.default_rng(0).normal(size=(40, 3))


def kept(store: EvidenceStore | None) -> StoredEvidence[lift.Lifted]:
    return StoredEvidence(store, "lifted", lift._packed, lift._unpacked)


def make(count: list[int]) -> Callable[[], lift.Lifted]:
    def made() -> lift.Lifted:
        count.append(1)
        return lift.Lifted(POINTS.copy(), np.arange(80, dtype=np.int32).reshape(40, 2), True)

    return made


def test_what_was_lifted_comes_back_bit_by_bit_in_another_process_of_the_store(
    tmp_path: Path,
) -> None:
    made: list[int] = []
    first = kept(EvidenceStore(tmp_path)).get(("a", 1), make(made))
    again = kept(EvidenceStore(tmp_path)).get(("a", 1), make(made))
    assert len(made) == 1
    assert np.array_equal(first.points, again.points)
    assert first.points.dtype == again.points.dtype
    assert (again.pixels.dtype, again.cut) == (np.int32, True)
    kept(EvidenceStore(tmp_path)).get(("a", 2), make(made))
    assert len(made) == 2, "another key is another result"


def test_things_come_back_as_they_were_also_none_at_all(tmp_path: Path) -> None:
    box = OrientedBox.upright((1 / 3, -2.0, 0.1), (0.7, 1.1, 0.3), 0.4)
    things = [(Thing((0, 2), POINTS, 2, 3, 0.7), box), (Thing((1,), POINTS[:7], 1, 1, 0.5), box)]
    store = EvidenceStore(tmp_path)
    form = StoredEvidence(store, "things", fuse._packed, fuse._unpacked)
    for wanted in (things, []):
        form.get(len(wanted), lambda wanted=wanted: wanted)  # type: ignore[misc]
        back = form.get(len(wanted), lambda: pytest.fail("made twice"))
        assert [(t.members, t.support, t.visible, t.score, b) for t, b in back] == [
            (t.members, t.support, t.visible, t.score, b) for t, b in wanted
        ]
        for (one, _), (other, _) in zip(back, wanted, strict=True):
            assert np.array_equal(one.points, other.points)


OBJECTS = pack({"points": POINTS, "pixels": POINTS, "cut": POINTS}).replace(b"F64", b"OBJ")
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "another file": lambda _: b"PK",
    "another JSON": lambda _: b"[1]\n",
    "cut short": lambda data: data[:-1],
    "a head alone": lambda data: data.partition(b"}}")[0] + b"}}",
    "another type": lambda data: data.replace(b'"F64"', b'"I64"', 1),
    "objects": lambda data: b"%08x" % zlib.crc32(OBJECTS) + OBJECTS,
    "a bit": lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_computed_again(damage: str, tmp_path: Path) -> None:
    made: list[int] = []
    kept(EvidenceStore(tmp_path)).get("key", make(made))
    (file,) = tmp_path.rglob("*.arrays")
    file.write_bytes(DAMAGE[damage](file.read_bytes()))
    kept(EvidenceStore(tmp_path)).get("key", make(made))
    assert len(made) == 2


def test_arrays_of_another_form_are_computed_again(tmp_path: Path) -> None:
    made: list[int] = []
    store = EvidenceStore(tmp_path)
    wrong: Arrays = {"points": POINTS}
    store.put(("lifted", "key"), wrong)
    kept(store).get("key", make(made))
    assert made == [1]


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    made: list[int] = []
    for _ in range(2):
        kept(EvidenceStore(blocked)).get("key", make(made))
        kept(None).get("key", make(made))
    assert len(made) == 4


def test_a_changed_value_changes_the_fingerprint_wherever_it_is() -> None:
    array = np.zeros((200, 300), np.float32)
    before = fingerprint(array)
    array[137, 211] = 1
    assert fingerprint(array) != before
    array.setflags(write=False)
    assert fingerprint(array) == fingerprint(array.copy())
    assert fingerprint(array) != fingerprint(array.astype(np.float64))
    assert fingerprint(array.T) != fingerprint(array)


def test_emptying_the_cache_empties_evidence(tmp_path: Path) -> None:
    kept(EvidenceStore(tmp_path / EVIDENCE)).get("key", make([]))
    assert cache_use(tmp_path).evidence == 1
    clear_cache(tmp_path)
    assert cache_use(tmp_path).evidence == 0

"""Blobs live once, whole or not at all, as the bytes they came in."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from surveyor.core.blobs import BlobRef, BlobStore, Derivation, sha256_of
from surveyor.core.errors import InfrastructureError, UserError


@settings(deadline=None)
@given(data=st.binary(max_size=300))
@example(data=b'{"negative":')
@example(data=b'{"negative":1}')
def test_bytes_come_back_as_they_went_in(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    store = BlobStore(tmp_path_factory.mktemp("blobs"))
    ref = store.put(data, "image/png", width=3, height=2)
    assert store.get(ref.sha256) == data
    assert (ref.sha256, ref.size, ref.width) == (sha256_of(data), len(data), 3)
    assert BlobRef.model_validate_json(ref.model_dump_json()) == ref


def test_many_writers_of_the_same_bytes_make_one_blob(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    data = os.urandom(200_000)
    with ThreadPoolExecutor(8) as pool:
        refs = list(pool.map(lambda _: store.put(data, "x/y"), range(32)))
    assert len(set(refs)) == 1
    assert list(store) == [refs[0].sha256]
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [refs[0].sha256[2:]]


def test_a_derived_image_knows_its_parent(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    parent = store.put(b"frame", "image/jpeg")
    crop = Derivation(parent=parent.sha256, op="crop", to_parent=(0.5, 0, 10, 0, 0.5, 20))
    child = store.put(b"detail", "image/jpeg", derivation=crop)
    assert store.derivation(child.sha256) == crop
    assert store.derivation(parent.sha256) is None
    assert sorted(store) == sorted([parent.sha256, child.sha256])


def test_missing_and_damaged_blobs_are_named(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    ref = store.put(b"right", "x/y")
    store.path(ref.sha256).write_bytes(b"wrong")
    with pytest.raises(UserError, match="is damaged; make the dataset or run"):
        store.get(ref.sha256)
    with pytest.raises(UserError, match="is missing from"):
        store.get("0" * 64)


@pytest.mark.parametrize("damaged", [b"", b"righ", b"wrong", b"right and more"])
def test_a_damaged_blob_is_not_here_and_heals_when_it_is_put_again(
    tmp_path: Path, damaged: bytes
) -> None:
    store = BlobStore(tmp_path)
    ref = store.put(b"right", "x/y")
    assert ref.sha256 in store
    store.path(ref.sha256).write_bytes(damaged)
    assert ref.sha256 not in store
    assert ref.sha256 not in BlobStore(tmp_path)
    store.put(b"right", "x/y")
    assert ref.sha256 in store
    assert store.get(ref.sha256) == b"right"


def test_a_blob_that_is_whole_is_not_written_again(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    data = os.urandom(3 << 20)
    path = store.path(store.put(data, "x/y").sha256)
    before = path.stat().st_ino
    store.put(data, "x/y")
    assert path.stat().st_ino == before


def test_a_blob_arrives_in_pieces_or_not_at_all(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    digest = sha256_of(b"one two")
    with store.receive(digest) as incoming:
        incoming.write(b"one ")
        assert not incoming.keep()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    store.path(digest).write_bytes(b"damaged")
    with store.receive(digest) as incoming:
        incoming.write(b"one ")
        incoming.write(b"two")
        assert incoming.keep()
    assert (store.get(digest), incoming.size) == (b"one two", 7)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [store.path(digest)]


def test_bytes_reach_the_disk_before_the_name_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    rename = Path.replace

    def renaming(source: Path, target: Path) -> Path:
        done.append("rename")
        return rename(source, target)

    monkeypatch.setattr(os, "fsync", lambda _: done.append("sync"))
    monkeypatch.setattr(Path, "replace", renaming)
    BlobStore(tmp_path).put(b"x", "x/y")
    assert done == ["sync", "rename", "sync"]


def test_a_store_that_cannot_be_written_is_an_infrastructure_failure() -> None:
    with pytest.raises(InfrastructureError, match="cannot store a blob"):
        BlobStore(Path(os.devnull) / "blobs").put(b"x", "x/y")

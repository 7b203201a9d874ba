"""A store of objects: in a folder and on a real S3 server over HTTP."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.core.blobs import sha256_of
from surveyor.core.errors import InfrastructureError, ServiceUnavailable, UserError
from surveyor.core.object_store import ObjectStore, blob_name
from tests.support.object_server import SECRET, ObjectServer

WRITER = """
import sys
from surveyor.core.object_store import ObjectStore
from surveyor.core.blobs import sha256_of
store = ObjectStore.open(sys.argv[1])
for size in range(1, 9):
    data = bytes([size]) * (size << 17)
    store.put_blobs({sha256_of(data): data})
    store.put({"one": data})
"""


def test_what_was_put_is_there_and_the_rest_is_not(store: ObjectStore) -> None:
    store.check()
    values = {f"answers/{k:02d}": bytes([k]) * k for k in range(100)}
    store.put(values)
    assert store.get([*values, "answers/none"]) == values
    assert store.names("answers") == sorted(values)
    assert store.names("runs") == []
    store.put({"answers/07": b"again"})
    assert store.get(["answers/07"]) == {"answers/07": b"again"}
    assert store.get([]) == {}


def test_a_damaged_blob_counts_as_missing_is_named_and_can_be_put_again(
    store: ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    whole, spoilt = b"whole", b"spoilt"
    hashes = [sha256_of(whole), sha256_of(spoilt)]
    store.put_blobs(dict(zip(hashes, (whole, spoilt), strict=True)))
    store.put({blob_name(hashes[1]): b"spoil"})
    with caplog.at_level(logging.WARNING):
        assert store.blobs(hashes) == {hashes[0]: whole}
    assert f"{store.url}/{blob_name(hashes[1])} is damaged" in caplog.text
    store.put_blobs({hashes[1]: spoilt})
    assert set(store.blobs(hashes)) == set(hashes)


def test_readers_beside_many_writers_never_see_half_an_object(store: ObjectStore) -> None:
    wanted = [bytes([size]) * (size << 17) for size in range(1, 9)]
    hashes = {sha256_of(data) for data in wanted}
    command = [sys.executable, "-c", WRITER, store.url]
    writers = [subprocess.Popen(command) for _ in range(2)]
    seen: set[bytes] = set()
    while any(writer.poll() is None for writer in writers):
        found = store.get(["one", *map(blob_name, hashes)])
        seen |= set(found.values())
    assert [writer.wait() for writer in writers] == [0, 0]
    assert seen <= set(wanted)
    assert store.blobs(hashes).keys() == hashes
    assert len(store.names("blobs")) == len(hashes), "nothing lies beside them"


def test_a_server_that_is_gone_is_said_in_a_sentence_and_found_again(
    server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    store = ObjectStore.open("s3://lab/gone")
    store.put({"a": b"1"})
    server.kill()
    try:
        steps = (store.check, lambda: store.get(["a"]), lambda: store.names("runs"))
        for step in steps:
            with pytest.raises(ServiceUnavailable, match=r"failed at s3://lab/gone \(Endpoint"):
                step()
    finally:
        server.start()
    store.put({"a": b"2"})
    assert store.get(["a"]) == {"a": b"2"}


def test_a_missing_bucket_and_denied_keys_are_the_users_and_no_key_is_told(
    server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="there is no s3://nobody/x; make its bucket first"):
        ObjectStore.open("s3://nobody/x").check()
    with pytest.raises(InfrastructureError, match="make its bucket first"):
        ObjectStore.open("s3://nobody/x").put({"a": b"1"})
    server.kill()
    server.start({"INITIAL_NO_AUTH_ACTION_COUNT": "1"})  # of which making the bucket was one
    try:
        store = ObjectStore.open("s3://lab/denied")
        with pytest.raises(UserError, match="is denied at s3://lab/denied") as told:
            store.check()
        with pytest.raises(InfrastructureError, match="reading is denied"):
            store.get(["a"])
        assert SECRET not in str(told.value)
        assert "AKIANOTREAL" not in str(told.value)
    finally:
        server.kill()
        server.start()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("bucket/folder", "is no URL of a store"),
        ("s3:bucket", "is no URL of a store"),
        ("s3://key:secret@bucket/x", "holds no keys"),
        ("s3://bucket/a?secret=1", "holds no keys"),
        ("s3://bucket/a*", "read as patterns"),
        ("s3:///a", "names no bucket"),
        ("memory://a", "ends with this process"),
        ("nosuch://bucket", "is no URL of a store"),
    ],
)
def test_urls_that_are_none_are_refused(url: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as told:
        ObjectStore.open(url)
    assert "secret" not in str(told.value)


@given(st.dictionaries(st.text("abc/._-", min_size=1, max_size=9), st.binary(max_size=9)))
def test_any_bytes_come_back(values: dict[str, bytes]) -> None:
    named = {f"x{name.replace('/', '-')}": data for name, data in values.items()}
    with TemporaryDirectory() as folder:
        store = ObjectStore.open(f"file://{folder}")
        store.put(named)
        assert store.get(list(named)) == named


def test_a_file_in_the_place_of_a_store_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for url in (f"file://{tmp_path}/file", f"file://{tmp_path}/file/below"):
        with pytest.raises(UserError, match=r"a file is where .* needs a folder"):
            ObjectStore.open(url).check()


def test_the_place_of_a_run_is_no_store(tmp_path: Path) -> None:
    store = ObjectStore.open(f"file://{tmp_path}/runs/team")  # a name alone makes none a run
    store.check()
    with pytest.raises(UserError, match=r"is a run's place; name the store that it is on: .*team$"):
        ObjectStore.open(f"{store.url}/runs/one").check()


def test_a_folder_is_a_store_of_plain_files(tmp_path: Path) -> None:
    store = ObjectStore.open(f"file://{tmp_path}/shared")
    store.put({"answers/ab/c": b"x"})
    assert (tmp_path / "shared" / "answers" / "ab" / "c").read_bytes() == b"x"

"""Runs pushed by many machines and brought together again: nothing lost, nothing twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.benchmarks.corruption_effect import answers
from surveyor.benchmarks.run.merge import merge
from surveyor.benchmarks.scoring import score_run
from surveyor.compose.sharing import gathered, taken_up
from surveyor.core.blobs import BlobStore, sha256_of
from surveyor.core.dataset import Dataset
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.object_store import ObjectStore, blob_name
from surveyor.memory.runs import RunFolder
from surveyor.memory.shared_runs import Push, PushedFile, _union, pull_run, push_run, run_at
from tests.benchmarks.bench import World, make_dataset, play
from tests.claims.runner.crash_tests import integrity


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(tmp_path_factory.mktemp("datasets") / "tiny")


def logs(folder: RunFolder) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (folder.path / "episodes").iterdir()}


def test_shards_of_two_machines_are_merged_on_a_third(
    store: ObjectStore, tmp_path: Path, dataset: Dataset
) -> None:
    whole, _ = play(tmp_path / "whole", dataset)
    urls = []
    for index, node in ((1, "a"), (2, "b")):
        part, _ = play(tmp_path / node / f"one.{index}", dataset, shard=f"{index}/2")
        BlobStore(part.path / "blobs").put(b"kept by " + node.encode(), "text/plain")
        urls.append(push_run(store, part))
        shutil.rmtree(tmp_path / node)
    assert urls == [f"{store.url}/runs/one.1", f"{store.url}/runs/one.2"]
    with gathered(urls, tmp_path / "c" / "one") as parts:
        merged = merge(tmp_path / "c" / "one", parts)
    assert [p.name for p in (tmp_path / "c").iterdir()] == ["one"], "what was brought is gone"
    for run in (whole, merged):
        score_run(run, dataset.path)
    assert integrity(merged, whole).faults == 0
    assert answers(merged) == answers(whole)
    kept = BlobStore(merged.path / "blobs")
    assert {kept.get(sha256) for sha256 in kept} == {b"kept by a", b"kept by b"}


def test_a_run_taken_up_elsewhere_goes_on_where_it_was(
    store: ObjectStore, tmp_path: Path, dataset: Dataset
) -> None:
    broken = World(broken=lambda task: task.scene_id != "living")
    here, _ = play(tmp_path / "a" / "one", dataset, broken, give_up_after=4, passes=1)
    push_run(store, here)
    world = World()
    with taken_up(store, tmp_path / "b" / "one"):
        there, summary = play(tmp_path / "b" / "one", dataset, world, give_up_after=4, passes=1)
    assert summary.complete
    done = {task.id for task in there.schedule if task.scene_id == "living"}
    assert not done & set(world.looked), "what had ended was not asked again"
    push_run(store, there)
    with taken_up(store, tmp_path / "b" / "one"):
        pass  # a run that is here stays as it is
    assert logs(pull_run(store, "one", tmp_path / "c")) == logs(there)


def test_two_machines_that_worked_on_the_same_run_lose_and_repeat_nothing(
    store: ObjectStore, tmp_path: Path, dataset: Dataset
) -> None:
    halves = [("living",), ("studio", "attic")]
    folders = []
    for node, scenes in zip("ab", halves, strict=True):
        world = World(broken=lambda task, scenes=scenes: task.scene_id not in scenes)
        play(tmp_path / node / "one", dataset, world, passes=1, give_up_after=500)
        folders.append(RunFolder.open(tmp_path / node / "one"))
    for folder in (*folders, folders[0]):  # in any order and as often as you like
        push_run(store, folder)
    whole = pull_run(store, "one", tmp_path / "c")
    wanted, _ = play(tmp_path / "whole", dataset)
    for run in (whole, wanted):
        score_run(run, dataset.path)
    checked = integrity(whole, wanted)
    assert checked.faults == 0, checked


def test_files_that_are_there_are_not_sent_again(
    store: ObjectStore, tmp_path: Path, dataset: Dataset
) -> None:
    folder, _ = play(tmp_path / "one", dataset, limit=4)
    push_run(store, folder)
    lost = sha256_of(logs(folder).popitem()[1])
    store.put({blob_name(lost): b"not that"})
    grown, _ = play(tmp_path / "one", dataset, limit=8)
    push_run(store, grown)
    assert len(store.names("runs/one")) == 2
    assert store.get([blob_name(lost)]) == {blob_name(lost): b"not that"}
    with pytest.raises(InfrastructureError, match=r"episodes/.* is missing or damaged; push"):
        pull_run(store, "one", tmp_path / "c")
    assert not (tmp_path / "c").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["one"]
    push_run(store, grown, whole=True)
    assert logs(pull_run(store, "one", tmp_path / "c")) == logs(grown)


def test_whoever_has_the_run_mends_a_damaged_record(
    store: ObjectStore, tmp_path: Path, dataset: Dataset
) -> None:
    folder, _ = play(tmp_path / "one", dataset, limit=4)
    push_run(store, folder)
    (record,) = store.names("runs/one")
    of_run = blob_name(sha256_of((folder.path / "run.json").read_bytes()))
    for damaged in (record, of_run):
        store.put({damaged: b"{}"})
        with pytest.raises(InfrastructureError, match=r"damaged.*push the run again"):
            pull_run(store, "one", tmp_path / "c")
        push_run(store, folder, whole=True)
        assert logs(pull_run(store, "one", tmp_path / "c")) == logs(folder)
        shutil.rmtree(tmp_path / "c")


def test_what_is_no_plain_file_of_the_run_is_not_pushed(tmp_path: Path, dataset: Dataset) -> None:
    store = ObjectStore.open(f"file://{tmp_path}/store")
    (tmp_path / "private").write_text("not the run's")
    for k, break_it in enumerate(
        (
            lambda run: (run / "episodes" / "x.jsonl").symlink_to(tmp_path / "private"),
            lambda run: (run / "episodes" / "x.jsonl").mkdir(),
            lambda run: (run / "schedule.jsonl").unlink(),
        )
    ):
        folder, _ = play(tmp_path / str(k) / "one", dataset, limit=4)
        break_it(folder.path)
        with pytest.raises(UserError, match="is missing or no plain file"):
            push_run(store, folder)
    assert store.names("runs") == []


def test_a_higher_limit_is_the_same_run_and_other_settings_are_not(
    store: ObjectStore, tmp_path: Path, dataset: Dataset
) -> None:
    push_run(store, play(tmp_path / "a" / "one", dataset, limit=4)[0])
    push_run(store, play(tmp_path / "b" / "one", dataset, limit=8)[0])
    assert len(pull_run(store, "one", tmp_path / "c").schedule) == 8
    other, _ = play(tmp_path / "d" / "one", dataset, limit=8, seed=1)
    with pytest.raises(UserError, match=r"runs/one is a run with seed = 0, not 1; give one"):
        push_run(store, other)
    refused = pytest.raises(UserError, match=r"runs/one is a run with seed = 0, not 1; give")
    with refused, taken_up(store, other.path):
        pytest.fail("said before work begins, not after")


def test_what_cannot_be_merged_is_named_as_it_was_given(tmp_path: Path, dataset: Dataset) -> None:
    store = ObjectStore.open(f"file://{tmp_path}/store")
    push_run(store, play(tmp_path / "a" / "one", dataset, limit=4)[0])
    url = f"{store.url}/runs/one"
    refused = pytest.raises(UserError, match=f"^{url} is not a shard: it was run without --shard$")
    with refused, gathered([url], tmp_path / "merged") as parts:
        merge(tmp_path / "merged", parts)


def test_a_run_that_was_brought_and_is_another_is_gone_again(
    store: ObjectStore, tmp_path: Path, dataset: Dataset
) -> None:
    push_run(store, play(tmp_path / "a" / "one", dataset, limit=4)[0])
    here = tmp_path / "b" / "one"
    refused = pytest.raises(UserError, match=rf"^{store.url}/runs/one already holds a run with ")
    with refused, taken_up(store, here):
        play(here, dataset, limit=4, seed=1)
    assert not here.exists()
    refused = pytest.raises(UserError, match="now the disk is full")
    with refused, taken_up(store, here):
        play(here, dataset, limit=4)
        raise UserError("now the disk is full")
    assert here.exists(), "what was worked on stays"


def test_of_a_damaged_run_nothing_is_pushed(tmp_path: Path, dataset: Dataset) -> None:
    for k, (damage, told) in enumerate(
        (
            (lambda run: _spoil(next((run / "episodes").iterdir())), "is not a valid event"),
            (lambda run: _spoil(BlobStore(run / "blobs").path(sha256_of(b"kept"))), "is damaged"),
            (lambda run: _spoil(run / "schedule.jsonl"), "schedule of .* was changed"),
        )
    ):
        store = ObjectStore.open(f"file://{tmp_path}/store{k}")
        folder, _ = play(tmp_path / str(k) / "one", dataset, limit=4)
        BlobStore(folder.path / "blobs").put(b"kept", "text/plain")
        damage(folder.path)
        with pytest.raises(UserError, match=f"{told}.*; nothing was pushed"):
            push_run(store, RunFolder.open(folder.path))
        assert store.names("runs") == store.names("blobs") == []


def _spoil(path: Path) -> None:
    path.write_bytes(b"#" + path.read_bytes()[1:])


def test_what_is_not_there_or_not_whole_is_said(
    store: ObjectStore, tmp_path: Path, dataset: Dataset
) -> None:
    with pytest.raises(UserError, match=r"nobody pushed a run 'one' to .*; it has none"):
        pull_run(store, "one", tmp_path / "c")
    folder, _ = play(tmp_path / "one", dataset, limit=4)
    push_run(store, folder)
    with pytest.raises(UserError, match=r"nobody pushed a run 'two' to .*; it has: one"):
        pull_run(store, "two", tmp_path / "c")
    with pytest.raises(UserError, match="exists already"):
        pull_run(store, "one", folder.path)
    with pytest.raises(UserError, match="is no pushed run; write its URL"):
        run_at(f"{store.url}/one")
    with pytest.raises(UserError, match="this URL is no pushed run"):
        run_at("s3://key:secret@bucket/one")
    (push,) = store.names("runs/one")
    store.put({push: b"{}"})
    with pytest.raises(InfrastructureError, match="is damaged; push the run again"):
        pull_run(store, "one", tmp_path / "c")


@pytest.mark.parametrize("path", ["../../evil", "/etc/evil", "episodes/../../evil", "evil.py"])
def test_a_push_cannot_write_outside_the_run(tmp_path: Path, dataset: Dataset, path: str) -> None:
    store = ObjectStore.open(f"file://{tmp_path}/store")
    push_run(store, play(tmp_path / "a" / "one", dataset, limit=4)[0])
    (name,) = store.names("runs/one")
    told = orjson.loads(store.get([name])[name])
    told["files"][path] = next(iter(told["files"].values()))
    data = orjson.dumps(told)
    store.put({f"runs/one/{sha256_of(data)}.json": data})
    with pytest.raises(UserError, match=r"no path below|which no run has"):
        pull_run(store, "one", tmp_path / "c" / "one")
    assert not list(tmp_path.glob("**/evil*"))


FILES = st.builds(
    PushedFile,
    sha256=st.sampled_from([str(k) * 64 for k in range(4)]),
    size=st.just(1),
    final=st.booleans(),
)
BOTH = dict.fromkeys(("run.json", "schedule.jsonl"), PushedFile(sha256="0" * 64, size=1))
PUSHES = st.lists(
    st.dictionaries(st.sampled_from("abc"), FILES).map(lambda some: Push(files=some | BOTH)),
    max_size=5,
)


@given(PUSHES, st.randoms(use_true_random=False))
def test_the_union_does_not_depend_on_who_came_first(pushes: list[Push], random: object) -> None:
    once = _union(pushes)
    shuffled = [*pushes, *pushes]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert _union(shuffled) == once
    for path, file in once.items():
        given_ = [push.files[path] for push in pushes if path in push.files]
        assert file in given_
        assert file.final == any(one.final for one in given_)

"""The cache of expert answers can be seen, emptied and left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from surveyor.benchmarks.run.config import RunConfig
from surveyor.cli.cache import app
from surveyor.compose.run import Job, perform
from surveyor.core.errors import UserError
from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset
from surveyor.services.launch import up
from surveyor.services.recording import Recording
from surveyor.tools.cache import ResultCache
from surveyor.tools.cache_use import cache_use

META = Path(__file__).parents[1] / "fixtures" / "vsi_meta"


def test_a_recording_is_made_where_the_cache_knows_everything(tmp_path: Path) -> None:
    dataset = tmp_path / "meta"
    make_vsi_meta_dataset(dataset, META)
    config = RunConfig(dataset=str(dataset), limit=2)
    cache, recording = tmp_path / "cache", tmp_path / "recording"
    with up(["scene"], [dataset], "perfect", tmp_path / "experts") as handle:
        perform(Job(dataset, tmp_path / "first", config, handle.endpoints_file, cache))
    assert cache_use(cache).answers["scene"][0] > 0
    with up(["scene"], [dataset], "perfect", tmp_path / "r", record=recording) as handle:
        perform(Job(dataset, tmp_path / "second", config, handle.endpoints_file, cache))
        assert not len(Recording(recording, "scene"))
        job = Job(dataset, tmp_path / "third", config, handle.endpoints_file, cache, cached=False)
        perform(job)
    assert len(Recording(recording, "scene"))


def test_show_and_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "surveyor"
    monkeypatch.setenv("SURVEYOR_CACHE", str(folder))
    assert "0 files" in told("show")
    cache = ResultCache(folder / "answers.sqlite")
    for number in range(3):
        cache.put(str(number), "detect", "1", b"x" * (1 << 20))
    (folder / "blobs" / "ab").mkdir(parents=True)
    (folder / "blobs" / "ab" / "c").write_bytes(b"x")
    (folder / "hub").mkdir()
    shown = told("show")
    assert str(folder) in shown
    assert "3 answers       3.0 MiB" in shown
    assert "1 files" in shown
    assert "0 answers left" in told("clear")
    assert cache.get("1") is None  # seen by whoever has it open
    assert (cache_use(folder).blobs, (folder / "hub").exists()) == (0, True)


def test_a_damaged_cache_can_be_cleared(tmp_path: Path) -> None:
    (tmp_path / "answers.sqlite").write_bytes(b"nonsense" * 1000)
    assert "0 answers left" in told("clear", "--at", str(tmp_path))
    ResultCache(tmp_path / "answers.sqlite").close()


def test_what_is_no_cache_is_not_cleared(tmp_path: Path) -> None:
    make_vsi_meta_dataset(tmp_path / "meta", META)
    kept = tmp_path / "meta" / "blobs" / "one"
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(b"a frame")
    (tmp_path / "file").touch()
    for verb in ("clear", "show"):
        for place in ("meta", "file", "nowhere"):
            done = CliRunner().invoke(app, [verb, "--at", str(tmp_path / place)])
            assert isinstance(done.exception, UserError)
            assert f"{place} is no cache" in str(done.exception)
    assert kept.read_bytes() == b"a frame"


def told(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, done.output
    return done.output

"""On every dataset there is: who is always right has 100, who says nothing has 0."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.registry import loader_named
from surveyor.benchmarks.scorers.per_type import METRIC_OF, metric_name_of
from surveyor.core.dataset import read_manifest
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from tests.benchmarks.published import download, with_fixtures
from tests.claims.benchmarks.predictors import perfect, score_dataset, silent

# Published IoU adds an epsilon to the union, so a perfect box or mask is just below 100.
JUST_BELOW = 1e-3


@pytest.mark.parametrize("name", with_fixtures())
def test_on_loaded_datasets(name: str, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    manifest = loader_named(name).load(download(name, tmp_path), out, frames=FrameRule())
    check(out, str(manifest.settings["metric"]))


def test_on_rooms_that_ask_everything(tmp_path: Path) -> None:
    out = tmp_path / "rooms"
    settings = RoomsSettings(
        n_frames=8, size=(160, 120), per_type=3, types=tuple(sorted(METRIC_OF)), balance=False
    )
    manifest = make_rooms_dataset(out, [8103], settings=settings)
    assert len(manifest.questions) > 15
    check(out, metric_name_of(manifest.questions))


def check(dataset: Path, metric: str) -> None:
    best = score_dataset(dataset, metric, perfect, "strict" if metric == "qa-em" else None)
    assert best.counts.failed == best.counts.incomplete == 0
    for value in best.overall.values():
        assert value == pytest.approx(100.0, abs=JUST_BELOW)
    nothing = score_dataset(dataset, metric, silent)
    assert set(nothing.overall.values()) == {0.0}
    assert read_manifest(dataset).questions

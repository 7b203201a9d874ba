"""`surveyor evolve` from the command line: what it refuses before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.compose.evolve import EvolveRequest, evolve_library
from surveyor.core.errors import UserError
from surveyor.training.evolution.records import EvolveSettings
from tests.benchmarks.bench import make_dataset


def request(tmp_path: Path, *datasets: Path, **changes: object) -> EvolveRequest:
    return EvolveRequest(datasets, tmp_path / "library", EvolveSettings(), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"planner": "chat"}, "name it with --model"),
        ({"distiller": "chat"}, "name it with --model"),
        ({"planner": "magic"}, "none of program, chat"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    with pytest.raises(UserError, match=why):
        evolve_library(request(tmp_path, tmp_path, **changes))
    with pytest.raises(UserError, match="name a dataset"):
        evolve_library(request(tmp_path))
    assert not (tmp_path / "library").exists()


def test_a_refused_evolution_makes_no_library(tmp_path: Path) -> None:
    train, run = make_dataset(tmp_path / "train", split="train"), tmp_path / "none"
    for changes, why in (
        ({}, "3 rooms are too few to learn and judge on"),
        ({"preset": "nope"}, "there is no preset 'nope'"),
        ({"experts": tmp_path / "none.json"}, "none.json does not exist"),
        ({"runs": (run,)}, "none is not a run"),
    ):
        with pytest.raises(UserError, match=why):
            evolve_library(request(tmp_path, train.path, **changes))
        assert not (tmp_path / "library").exists(), why

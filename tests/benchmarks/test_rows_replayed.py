"""Every file of rows under ``tests/fixtures/rows`` loads, or is refused by the sentence that says
what to mend, through what `surveyor load` runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from surveyor.cli.load import load
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.wording import many
from surveyor.scenes.datasets.truth import targets
from tests.benchmarks.published import picture, put

ROWS = Path(__file__).parents[1] / "fixtures" / "rows"
EXPECTED: Mapping[str, Mapping[str, Any]] = json.loads((ROWS / "expected.json").read_bytes())


def test_every_seed_is_replayed() -> None:
    seeds = {path.name for path in ROWS.iterdir()} - {"expected.json"}
    assert seeds == EXPECTED.keys()
    assert len(seeds) >= 40


@pytest.mark.parametrize("seed", EXPECTED)
def test_a_file_of_rows_loads_or_says_what_to_mend(
    seed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected, source, out = EXPECTED[seed], tmp_path / "source", tmp_path / "dataset"
    put(source / f"test{Path(seed).suffix}", (ROWS / seed).read_bytes())
    for scene in ("40000001", "客厅", "my room"):
        for k in range(2):
            put(source / "arkitscenes" / scene / f"{k}.jpg", picture(40 * k))
        put(source / "arkitscenes" / scene / "._0.jpg", b"\0\5\x16\7 what archives bring along")
    sentence = expected.get("sentence")
    if seed.endswith(".parquet") and find_spec("pyarrow") is None:
        sentence = "pip install pyarrow"
    if sentence is not None:
        with pytest.raises(UserError) as raised:
            load("vsi-bench", source, out)
        told = str(raised.value)
        assert sentence in told
        assert told.count("\n") == 0
        assert len(told) < 500
        assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]
        return
    load("vsi-bench", source, out)
    assert many(expected["questions"], "question") in capsys.readouterr().out
    dataset = Dataset.open(out)
    assert all(len(task.frames) == 2 for task in dataset.tasks())
    if "answers" in expected:
        assert [target.answer for target in targets(out)] == expected["answers"]

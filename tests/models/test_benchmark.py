"""The measuring script, on tiny models: it measures, and says clearly when it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from surveyor.services.neural.model_cards import CARDS
from tests.claims.experts.neural_speed import FULL, LEAST_RATIO, Row, main, measure, table

HERE = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")


def test_rows_tell_rates_and_grow_with_the_batch() -> None:
    rows = measure("orient", "v1", device="cpu", tiny=True, seconds=0.0)
    assert [row.batch for row in rows][:2] == [1, 2]
    for row in rows:
        assert row.rate > 0
        assert row.ratio == pytest.approx(row.rate / row.bare_rate)
        assert row.peak is None
        assert row.claim().ok is (row.ratio >= LEAST_RATIO)


def test_the_table_is_markdown_with_a_line_for_each_row() -> None:
    row = Row(
        expert="depth",
        route="da3",
        device="Some GPU",
        format="bfloat16",
        batch=4,
        rate=31.25,
        bare_rate=32.5,
        peak=2048,
    )
    head, rule, line = table([row]).splitlines()
    assert head.count("|") == rule.count("|") == line.count("|")
    assert line == "| depth | da3 | Some GPU | bfloat16 | 4 | 31.25 | 32.50 | 0.96 | 2048 |"


@HERE
def test_without_a_gpu_nothing_is_measured_and_that_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert "torch sees no GPU here, so no neural expert was measured" in error


def test_the_script_runs_on_tiny_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.json"
    arguments = ["--tiny", "--device", "cpu", "--seconds", "0", "--json", str(file)]
    assert main([*arguments, "--expert", "detect"]) == 0
    out, _ = capsys.readouterr()
    rows = json.loads(file.read_text())
    assert len(out.splitlines()) == 2 + len(rows)
    assert {row["expert"] for row in rows} == {"detect"}
    assert main([*arguments, "--expert", "nose"]) == 2


def test_every_route_with_a_network_of_this_project_has_a_full_size() -> None:
    own_installs = {"pi3", "pi3x", "vggt", "mapanything", "v2"}
    own_installs |= {"mm", "owlv2", "omdet", "rtdetr", "dfine"}  # their speed is not claimed
    routes = {(expert, route) for expert, cards in CARDS.items() for route in cards}
    assert set(FULL) == {
        key for key in routes if key[1] not in own_installs and key[0] != "render_view"
    }

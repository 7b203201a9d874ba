"""README's table of companion systems says what was measured."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "companions_table.py"))


def test_readme_is_what_the_script_writes() -> None:
    rows = json.loads((ROOT / "docs" / "companions.json").read_text(encoding="utf-8"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert SCRIPT["with_table"](readme, rows) == readme


def test_a_miss_is_told_with_its_number() -> None:
    rows = [
        {"name": "A1 programs that differ", "value": 0, "bound": "<= 0", "ok": True},
        {"name": "A4 gain by the swap", "value": -0.5, "bound": ">= 0", "ok": False},
    ]
    told = SCRIPT["table"](rows)
    assert "1 of 2 within bounds; **missed: A4 gain by the swap -0.5 (>= 0)**" in told


def test_a_readme_without_a_place_is_an_error() -> None:
    with pytest.raises(ValueError, match="companions"):
        SCRIPT["with_table"]("# Nothing", [])

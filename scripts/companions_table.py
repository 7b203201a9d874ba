#!/usr/bin/env python3
"""Write README's table of companion systems from what `make claims NAME=companions` measured.

    make claims NAME=companions JSON=docs/companions.json
    python scripts/companions_table.py

A test holds README against docs/companions.json, so the table says what was measured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- companions: written by scripts/companions_table.py -->", "<!-- end -->"
SYSTEMS = {
    "A": ("APEIRIA", "programs, told as reasoning; a perception step swapped in finished episodes"),
    "B": ("MLLM-For3D", "2D masks to consistent 3D masks without labels; segmentation tasks"),
    "C": ("VGGT-Qwen3 RoomPlan", "validated actions, geometry tokens, a projector"),
    "D": ("GPT4Scene", "top view and markers that a plain model can read; records"),
}


def table(rows: Sequence[Mapping[str, object]]) -> str:
    """A line a system: its proofs with what was measured, misses in bold."""
    lines = ["| system | what of it works here | proofs (measured, bound) |", "|---|---|---|"]
    for letter, (name, what) in SYSTEMS.items():
        own = [row for row in rows if re.match(rf"{letter}[\d-]", str(row["name"]))]
        missed = [_told(row) for row in own if not row["ok"]]
        held = f"{len(own) - len(missed)} of {len(own)} within bounds"
        proofs = f"{held}; **missed: {'; '.join(missed)}**" if missed else held
        lines.append(f"| {name} | {what} ([docs/companions.md](docs/companions.md)) | {proofs} |")
    return "\n".join(lines)


def _told(row: Mapping[str, object]) -> str:
    value = row["value"]
    shown = f"{value:.3g}" if isinstance(value, float) else str(value)
    return f"{row['name']} {shown} ({row['bound']})"


def with_table(readme: str, rows: Sequence[Mapping[str, object]]) -> str:
    """README with its table replaced; `ValueError` when it has no place for one."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{table(rows)}\n{END}{after}"


def main() -> None:
    """Rewrite README.md."""
    rows = json.loads((ROOT / "docs" / "companions.json").read_text(encoding="utf-8"))
    path = ROOT / "README.md"
    path.write_text(with_table(path.read_text(encoding="utf-8"), rows), encoding="utf-8")


if __name__ == "__main__":
    main()

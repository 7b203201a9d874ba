"""Bad input: one clear sentence, exit code 2, nothing half-written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.claims.claim import Claim

SURVEYOR = (sys.executable, "-m", "surveyor.cli.main")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that must be refused, and a word that its sentence must contain."""

    name: str
    arguments: tuple[str, ...]
    word: str


def refusals(folder: Path) -> Iterator[Claim]:
    """Must-show 6, as a user would type it. Requests to experts and misbehaving models are in
    ``tests/services`` and ``tests/agent``."""
    folder.mkdir(parents=True)
    truncated = folder / "truncated"
    truncated.mkdir()
    for name in ("scannet", "scannetpp", "arkitscenes"):
        (truncated / f"{name}_meta_info_val.json").write_text('{"scene0000_00": {"room_size": 3')
    cases = (
        Refusal("no metadata", ("run", "vsi-meta", "--meta", str(folder / "nowhere")), "nowhere"),
        Refusal("truncated metadata", ("run", "vsi-meta", "--meta", str(truncated)), "meta_info"),
        Refusal("unknown dataset", ("run", "atlantis"), "atlantis"),
        Refusal("unknown planner", ("run", "rooms", "--planner", "oracle"), "oracle"),
    )
    for case in cases:
        yield refused(case, folder)


def refused(case: Refusal, folder: Path) -> Claim:
    """Whether the command ends with one sentence that has the word, code 2, and leaves no file."""
    place = folder / "cwd" / case.name.replace(" ", "-")
    place.mkdir(parents=True)
    done = subprocess.run(
        [*SURVEYOR, *case.arguments], cwd=place, capture_output=True, text=True, check=False
    )
    sentence = done.stderr.strip()
    left = [path.name for path in place.rglob("*") if path.is_file()]
    ok = done.returncode == 2 and case.word in sentence and sentence.count("\n") == 0 and not left
    return Claim.holds(f"refused: {case.name}", ok, note=sentence[:140])

"""Documentation runs: every block that could be typed says where it runs, or what it needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from surveyor.benchmarks.run.config import RunConfig
from surveyor.services.config import ServeConfig

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"(?:<!-- ([^>]*) -->\n)?```(\w*)\n(.*?)```", re.DOTALL)
TYPED = re.compile(r"^(\$ )?(surveyor|make|pip|python|curl|\.venv/bin/)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block; ``marker`` is the comment above it."""

    page: str
    marker: str
    language: str
    text: str

    @property
    def runnable(self) -> bool:
        """Whether somebody could type or save it."""
        return self.language in {"bash", "python", "toml", "json"} or bool(TYPED.search(self.text))


BLOCKS = [
    Block(page.name, *(part or "" for part in found.groups()))
    for page in PAGES
    for found in BLOCK.finditer(page.read_text())
]
HERE = [block for block in BLOCKS if block.marker == "runs here"]


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.runnable], ids=lambda b: b.text[:40])
def test_every_block_says_where_it_runs_or_what_it_needs(block: Block) -> None:
    kind, _, where = block.marker.partition(" ")
    assert kind in {"runs", "needs"}, f"{block.page}: put <!-- runs ... --> or <!-- needs ... -->"
    if where.startswith("in "):
        assert (ROOT / where.removeprefix("in ")).exists(), where
    for named in re.findall(r"runs in (\S+)", block.marker):
        assert (ROOT / named).exists(), named


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a dataset of rooms where the pages have theirs, and this checkout's `surveyor`."""
    place = tmp_path_factory.mktemp("docs")
    make = "import surveyor; surveyor.make_rooms('out/rooms', rooms=1, n_frames=4, size=(160, 120))"
    subprocess.run([sys.executable, "-c", make], cwd=place, env=environment(place), check=True)
    program = place / "bin" / "surveyor"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m surveyor.cli.main "$@"\n')
    program.chmod(0o755)
    return place


def environment(place: Path) -> dict[str, str]:
    path = os.pathsep.join((str(place / "bin"), os.environ["PATH"]))
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("block", HERE, ids=lambda b: f"{b.page}: {b.text[:40]}")
def test_blocks_marked_so_run_in_order(block: Block, folder: Path) -> None:
    if block.language == "toml":
        data = tomllib.loads(block.text)
        assert ServeConfig.model_validate(data) if "experts" in data else configured(data)
        return
    if block.language == "json":
        (folder / "rows.jsonl").write_text(block.text)
        return
    tidy = "trap 'surveyor serve down >/dev/null 2>&1 || true' EXIT\n"
    done = subprocess.run(
        ["bash", "-euc", tidy + block.text],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (block.text, done.stdout[-1000:], done.stderr[-2000:])


def configured(data: dict[str, object]) -> RunConfig:
    return RunConfig.model_validate({"dataset": "out/rooms", **data})

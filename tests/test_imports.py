"""What may be imported, from where, and at what cost."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    "agent",
    "benchmarks",
    "memory",
    "scenes",
    "scripts",
    "services",
    "skills",
    "tools",
    "training",
    "viewer",
)
CORE = ("scenes", "memory", "tools", "skills", "agent", "benchmarks", "scripts")
HEAVY = ("torch", "transformers", "vllm", "ray", "trl")

IMPORT_CORE = """
import importlib, pkgutil, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {heavy!r}:
            raise ImportError(f"the core must not import {{name}}")
        return None

sys.meta_path.insert(0, Refuse())
for room in {core!r}:
    package = importlib.import_module(room)
    for module in pkgutil.walk_packages(package.__path__, room + "."):
        importlib.import_module(module.name)
print(len([name for name in sys.modules if name.split(".")[0] in {core!r}]))
"""


@pytest.mark.parametrize("room", ROOMS)
def test_top_level_names_resolve_to_this_repository(room: str) -> None:
    module = __import__(room)
    assert module.__file__ is not None
    assert Path(module.__file__).resolve().parent == ROOT / room


def test_no_installed_distribution_provides_a_room() -> None:
    owners = importlib.metadata.packages_distributions()
    strangers = {
        room: set(owners[room]) - {"surveyor"} for room in (*ROOMS, "tests") if room in owners
    }
    assert not {room: names for room, names in strangers.items() if names}


def test_core_loads_without_heavy_libraries() -> None:
    code = IMPORT_CORE.format(heavy=set(HEAVY), core=CORE)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 20


def test_the_refusal_in_the_import_test_bites() -> None:
    code = IMPORT_CORE.format(heavy={"orjson"}, core=CORE) + "\nimport orjson"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode != 0
    assert "must not import orjson" in done.stderr

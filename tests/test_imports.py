"""What may be imported, from where, and at what cost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import surveyor

ROOT = Path(__file__).resolve().parent.parent
CORE = ("core", "memory", "tools", "skills", "agent", "benchmarks")
HEAVY = ("torch", "transformers", "vllm", "ray", "trl")

IMPORT_CORE = """
import importlib, pkgutil, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {heavy!r}:
            raise ImportError(f"the core must not import {{name}}")
        return None

sys.meta_path.insert(0, Refuse())
for name in {core!r}:
    package = importlib.import_module("surveyor." + name)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
print(len([name for name in sys.modules if name.startswith("surveyor.")]))
"""


def test_the_package_is_this_checkouts() -> None:
    assert surveyor.__file__ is not None
    assert Path(surveyor.__file__).resolve().parent == ROOT / "surveyor"


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

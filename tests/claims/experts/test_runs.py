"""Claims that are whole test suites: the contract over every expert, schemathesis over every
OpenAPI, the neural adapters with tiny weights, and what a GPU would be needed for."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.claims.claim import Claim

ROOT = Path(__file__).resolve().parents[3]
MODELS = Path(".venv-models/bin/python")  # made by `make test-models`
_MODELS_SECONDS = 600.0
_HANG = 900.0  # seconds after which a test run counts as hanging


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of pytest came to; ``seconds`` of wall time, ``told`` its last line."""

    passed: int
    failed: int
    skipped: int
    seconds: float
    told: str = ""

    def claim(self, name: str) -> Claim:
        """All of it has to pass, and something has to have run."""
        ok = self.failed == 0 and self.passed > 0 and self.skipped == 0
        value = f"{self.passed} passed" + (f", {self.failed} failed" if self.failed else "")
        value += f", {self.skipped} skipped" if self.skipped else ""
        note = f"{self.seconds:.0f} s" + ("" if ok else f"; {self.told}")
        return Claim(name, value, "all", ok, note)


def contract_claims(root: Path = ROOT) -> Iterator[Claim]:
    """The rows; each says what is missing where it cannot be measured."""
    if not (root / "tests").is_dir():
        yield Claim.holds("contract suite and schemathesis", False, "no checkout", _NO_TESTS)
        return
    contract = pytest_outcome([sys.executable], ["tests/services/test_contract.py"], root)
    yield contract.claim("contract suite, every reference expert")
    schemas = pytest_outcome([sys.executable], ["tests/services/test_schemathesis.py"], root)
    yield schemas.claim("schemathesis over every reference expert's OpenAPI: no 5xx, no hang")
    yield from _tiny_claims(root)


def pytest_outcome(python: Sequence[str], tests: Sequence[str], root: Path) -> Outcome:
    """Run some tests in a process of their own; a run that hangs counts as one failure."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="surveyor-tests-") as folder:
        report = Path(folder) / "report.xml"
        command = [*python, "-m", "pytest", "-q", *tests, f"--junitxml={report}"]
        env = {**os.environ, "PYTHONPATH": str(root)}
        try:
            done = subprocess.run(
                command, cwd=root, env=env, capture_output=True, text=True, timeout=_HANG
            )
        except subprocess.TimeoutExpired:
            return Outcome(0, 1, 0, time.perf_counter() - began, f"no end after {_HANG:g} s")
        seconds = time.perf_counter() - began
        lines = (done.stdout + done.stderr).strip().splitlines() or ["pytest said nothing"]
        if not report.exists():
            return Outcome(0, 1, 0, seconds, lines[-1])
        (outcome,) = ElementTree.parse(report).getroot().iter("testsuite")
    counts = {key: int(outcome.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")}
    failed = counts["failures"] + counts["errors"]
    passed = counts["tests"] - failed - counts["skipped"]
    return Outcome(passed, failed, counts["skipped"], seconds, lines[-1])


def _tiny_claims(root: Path) -> Iterator[Claim]:
    name = "contract suite, every tiny expert"
    python = root / MODELS
    if not python.exists():
        yield Claim.holds(name, False, "not run", "`make test-models` makes the environment")
        return
    tiny = pytest_outcome([str(python)], ["tests/models", "-m", "models or not models"], root)
    yield tiny.claim(f"{name}, and the adapters' own tests")
    yield Claim.at_most("seconds for all of them", tiny.seconds, _MODELS_SECONDS)
    yield _gpu_claim(python, root)


def _gpu_claim(python: Path, root: Path) -> Claim:
    """Adapters beside their bare models, at real size on a GPU; without one, that is said."""
    command = [str(python), "-m", "tests.claims.experts.neural_speed"]
    env = {**os.environ, "PYTHONPATH": str(root)}
    full = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True)
    name = "neural adapters at real size: share of the bare model's speed"
    if full.returncode != 2:
        return Claim(name, "see note", ">= 0.9", full.returncode == 0, full.stdout)
    tiny = subprocess.run(
        [*command, "--tiny", "--device", "cpu", "--seconds", "0"],
        cwd=root,
        env=env,
        capture_output=True,
        text=True,
    )
    rows = max(0, len(tiny.stdout.splitlines()) - 2)
    note = f"{full.stderr.strip()}; the script itself runs on tiny models: {rows} rows"
    return Claim(name, "not measured", ">= 0.9", False, note)


_NO_TESTS = "these rows run the tests of a checkout; clone the repository to have them"

"""The command line: fast to start, clear when misused."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

SURVEYOR = [sys.executable, "-m", "surveyor.cli.main"]


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_help_costs_less_than_half_a_second_of_cpu() -> None:
    before = _children_cpu()
    done = subprocess.run([*SURVEYOR, "--help"], capture_output=True, text=True, check=True)
    assert _children_cpu() - before < 0.5
    assert "demo" in done.stdout


def test_unknown_verb_is_a_usage_error() -> None:
    done = subprocess.run([*SURVEYOR, "mesure"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "mesure" in done.stderr
    assert "Traceback" not in done.stderr


def test_names_of_earlier_versions_are_read_with_one_line_of_notice(tmp_path: Path) -> None:
    done = subprocess.run(
        [*SURVEYOR, "evolve", "--suite", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[0] == "surveyor: --suite is called --dataset now"
    assert "--suite" not in done.stderr.split("\n", 1)[1]
    done = subprocess.run([*SURVEYOR, "proofs"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "make claims" in done.stderr

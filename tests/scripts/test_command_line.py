"""The command line: fast to start, clear when misused."""

from __future__ import annotations

import resource
import subprocess
import sys

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

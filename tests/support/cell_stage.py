"""Where cells are tried: a secret that they must not reach, and who says whether they did."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from surveyor.agent.cells.host import CellBounds, CellCall, KernelLost, KernelProcess, Reply
from tests.support.escapes import Attempt

WALL = 0.5
_ENDED = 5.0
"""Seconds, beyond a cell's own, within which a kernel has to be gone on a machine that is busy."""
_MEMORY = 400_000


@dataclass(frozen=True, slots=True)
class CellStage:
    """A secret in a file, in the environment and in our memory; a port that listens; a file that is
    not to be made."""

    secret: str
    file: Path
    mark: Path
    listening: socket.socket

    def of(self, attempt: Attempt) -> str:
        """The attempt's code, with its places."""
        code = attempt.code.replace("SECRET", str(self.file)).replace("MARK", str(self.mark))
        return code.replace("PORT", str(self.listening.getsockname()[1]))

    async def escaped(self, attempt: Attempt) -> str:
        """What the attempt reached, in words; empty when it reached nothing."""
        calls = []

        async def carry(call: CellCall) -> Reply:
            calls.append(call.name)
            known = call.name == "probe"
            return {"status": "mistake", "text": "no" if known else f"no tool {call.name!r}"}

        bounds = CellBounds(wall=WALL)
        kernel = await KernelProcess.start([_PROBE], [], bounds)
        before, began, seen = _resident(), time.monotonic(), ""
        try:
            end = await kernel.run(self.of(attempt), carry)
            seen = f"{end.output}\n{end.value}"
        except KernelLost:
            pass
        finally:
            await kernel.aclose()
        if time.monotonic() - began > WALL + _ENDED:
            return "time"
        if _resident() - before > _MEMORY:
            return "memory of the host"
        return self._reached(seen)

    def bare(self, attempt: Attempt) -> bool:
        """Whether the attempt gets out where there is no wall."""
        program = (
            "import ast, numpy as np\ntree = ast.parse(CODE)\nlast = tree.body.pop()\n"
            "exec(compile(tree, 'a', 'exec'))\n"
            "if isinstance(last, ast.Expr):\n"
            "    print(eval(compile(ast.Expression(last.value), 'a', 'eval')))"
        ).replace("CODE", repr(self.of(attempt)))
        command = [sys.executable, "-c", program]
        env = {**os.environ, "H_SECRET": self.secret}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=env, timeout=120
        )
        reached = self._reached(done.stdout)
        self.mark.unlink(missing_ok=True)
        return bool(reached)

    def _reached(self, seen: str) -> str:
        if self.secret in seen:
            return "the secret"
        if self.mark.exists():
            return "a file of the host"
        with contextlib.suppress(BlockingIOError):
            self.listening.accept()[0].close()
            return "the network"
        return "what it tried" if "ESCAPED" in seen else ""


_PROBE = {"name": "probe", "arguments": [], "help": ""}


@contextlib.contextmanager
def cell_stage(folder: Path) -> Iterator[CellStage]:
    """A stage whose secret lies in ``folder`` and in the environment."""
    secret = secrets.token_hex(16)
    file = folder / "targets.jsonl"
    file.write_text(secret)
    os.environ["H_SECRET"] = secret
    try:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            yield CellStage(secret, file, folder / "mark.npy", listening)
    finally:
        del os.environ["H_SECRET"]


def _resident() -> int:
    """Resident memory of this process in kB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024

"""Negatives: frames of a capture that were filmed and are developed when somebody looks.

The blob of such a frame is a short line that names scene and frame; its hash is the frame's name
as ever. `surveyor.core.blobs.BlobStore.get` hands out the picture, which a process of its own
makes from the truth side at the first look and keeps beside the negative: who looks never holds
more than pixels.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
from pathlib import Path
from threading import Lock

import orjson

from surveyor.core.errors import InfrastructureError
from surveyor.core.workers import python_module

DARKROOM = "surveyor.scenes.datasets.darkroom"
"""The module that develops; it opens the truth side, which this one must not."""
_BEGINS = b'{"negative":'


def negative(scene_id: str, frame: int, salt: str) -> bytes:
    """The line for a frame; ``salt`` differs wherever the picture would."""
    return orjson.dumps({"negative": 1, "scene": scene_id, "frame": frame, "salt": salt})


def is_negative(data: bytes) -> bool:
    """Whether a blob is a negative; other bytes that only begin like one are not."""
    if not data.startswith(_BEGINS):
        return False
    try:
        return set(orjson.loads(data)) == {"negative", "scene", "frame", "salt"}
    except orjson.JSONDecodeError:
        return False


def picture_path(blob: Path) -> Path:
    """Where the picture of a negative is kept."""
    return blob.with_name(blob.name + ".picture")


def developed(root: Path, blob: Path, data: bytes) -> bytes:
    """The picture of the negative ``data``, which lies at ``blob`` in the store under ``root``.

    Raises `InfrastructureError` where the store is not a dataset's or nothing can be developed.
    """
    kept = picture_path(blob)
    if not kept.exists():
        named = orjson.loads(data)
        develop(root.parent, str(named["scene"]), int(named["frame"]))
    return kept.read_bytes()


def develop(dataset: Path, scene_id: str, frame: int) -> None:
    """Have one frame's picture and exact maps made, wherever they are missing."""
    _darkroom().develop(dataset, scene_id, frame)


class _Darkroom:
    """The child that develops, asked one frame at a time."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._child: subprocess.Popen[str] | None = None

    def develop(self, dataset: Path, scene_id: str, frame: int) -> None:
        with self._turn:
            if self._child is None or self._child.poll() is not None:
                self._child = subprocess.Popen(
                    python_module(DARKROOM),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            assert self._child.stdin is not None
            assert self._child.stdout is not None
            try:
                self._child.stdin.write(json.dumps([str(dataset), scene_id, frame]) + "\n")
                self._child.stdin.flush()
                said = self._child.stdout.readline()
            except OSError as error:
                raise InfrastructureError(f"the frame cannot be developed: {error}") from error
        if said.strip() != '""':
            why = json.loads(said) if said.strip() else "the process that does it has ended"
            raise InfrastructureError(f"frame {frame} of {scene_id} cannot be developed: {why}")

    def close(self) -> None:
        """End the child, if there is one."""
        if self._child is not None and self._child.stdin and self._child.stdout:
            self._child.stdin.close()
            self._child.stdout.close()
            self._child.wait()
            self._child = None


_open: dict[int, _Darkroom] = {}
_opening = Lock()


def _darkroom() -> _Darkroom:
    """This process's own: a forked one must not share its parent's pipes."""
    with _opening:
        mine = os.getpid()
        if mine not in _open:
            _open[mine] = _Darkroom()
            atexit.register(_open[mine].close)
        return _open[mine]

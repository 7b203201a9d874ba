"""Orient Anything version 1 on a DINOv2 of a few thousand random parameters."""

from __future__ import annotations

from pathlib import Path

from services.neural.orient import NeuralOrient
from services.neural.orient_nets import head
from services.neural.tiny.base import TinyExpert

_WIDTH, _OUTPUTS = 64, 902


class TinyOrient(TinyExpert, NeuralOrient):
    """Only version 1: version 2 is built from a package of the operator's."""

    def write(self, folder: Path) -> None:
        import torch
        from torch import nn
        from transformers import Dinov2Config, Dinov2Model

        config = Dinov2Config(
            hidden_size=_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=1,
            mlp_ratio=2,
            image_size=56,
            patch_size=14,
        )
        sizes = {
            "mlp.net1.0.weight": torch.empty(_OUTPUTS, _WIDTH),
            "mlp.net2.0.weight": torch.empty(_OUTPUTS, _OUTPUTS),
        }
        parts = nn.ModuleDict({"dinov2": Dinov2Model(config), "down_sampler": head(sizes, "mlp")})
        torch.save(parts.state_dict(), folder / Path(self.card.files[-1]).name)

"""Orient Anything version 1 on a DINOv2 of a few thousand random parameters."""

from __future__ import annotations

from pathlib import Path

from surveyor.services.neural.orient import NeuralOrient
from surveyor.services.neural.orient_nets import head
from surveyor.services.neural.tiny.base import TinyExpert

_OUTPUTS = 902


class TinyOrient(TinyExpert, NeuralOrient):
    """Only version 1: version 2 is built from a package of the operator's."""

    def write(self, folder: Path) -> None:
        save_v1(folder / Path(self.card.files[-1]).name, width=64, layers=2, heads=1, image=56)


def save_v1(file: Path, *, width: int, layers: int, heads: int, image: int) -> None:
    """A version 1 checkpoint with random weights."""
    import torch
    from torch import nn
    from transformers import Dinov2Config, Dinov2Model

    config = Dinov2Config(
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        image_size=image,
        patch_size=14,
    )
    sizes = {
        "mlp.net1.0.weight": torch.empty(_OUTPUTS, width),
        "mlp.net2.0.weight": torch.empty(_OUTPUTS, _OUTPUTS),
    }
    parts = nn.ModuleDict({"dinov2": Dinov2Model(config), "down_sampler": head(sizes, "mlp")})
    torch.save(parts.state_dict(), file)

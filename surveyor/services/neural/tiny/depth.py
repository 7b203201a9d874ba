"""Depth Anything 3 (ViT-S, small head) and V2 with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from surveyor.services.neural.depth import NeuralDepth
from surveyor.services.neural.model_cards import FOCAL_MODEL
from surveyor.services.neural.tiny.base import TinyExpert
from surveyor.services.neural.tiny.da3 import write_any_view, write_metric
from surveyor.services.neural.weights import Weights, find_weights

_FOCAL = "focal"


class TinyDepth(TinyExpert, NeuralDepth):
    """Estimates focal lengths with a random any-view network, as the real one may."""

    longest = 112

    def write(self, folder: Path) -> None:
        if self.route == "da2":
            _write_da2(folder)
        else:
            write_metric(folder)
            write_any_view(folder / _FOCAL)

    def focal_weights(self) -> Weights | None:
        return find_weights(self.name, FOCAL_MODEL, self.weights.path / _FOCAL)


def _write_da2(folder: Path) -> None:
    from transformers import DepthAnythingConfig, Dinov2Config

    config = DepthAnythingConfig(
        backbone_config=Dinov2Config(
            image_size=56,
            patch_size=14,
            hidden_size=32,
            num_hidden_layers=4,
            num_attention_heads=2,
            mlp_ratio=2,
            out_indices=[1, 2, 3, 4],
            reshape_hidden_states=False,
            apply_layernorm=True,
        ),
        reassemble_hidden_size=32,
        patch_size=14,
        neck_hidden_sizes=[8, 16, 24, 32],
        fusion_hidden_size=16,
        head_hidden_size=8,
        depth_estimation_type="metric",
        max_depth=20,
    )
    save_da2(folder, config, 56)


def save_da2(folder: Path, config: Any, side: int) -> None:
    """A checkpoint with random weights that sees images at ``side`` pixels."""
    from transformers import DepthAnythingForDepthEstimation, DPTImageProcessor

    DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    DPTImageProcessor(
        size={"height": side, "width": side},
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    ).save_pretrained(folder)

"""Checkpoints of the real architectures at their real size, with random weights.

For measuring speed and memory without any licence: the numbers depend on shapes, not on values.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from surveyor.services.neural.tiny.da3 import save_da3
from surveyor.services.neural.tiny.depth import save_da2
from surveyor.services.neural.tiny.detect import save_detector
from surveyor.services.neural.tiny.orient import save_v1
from surveyor.services.neural.tiny.restore import save_swinir
from surveyor.services.neural.tiny.segment import save_sam3
from surveyor.services.neural.tiny.words import write_clip_tokenizer

Write = Callable[[Path], None]


def _detect_base(folder: Path) -> None:
    """Swin-B at 384, BERT base, 900 queries."""
    from transformers import GroundingDinoConfig, SwinConfig

    backbone = SwinConfig(
        image_size=384,
        embed_dim=128,
        depths=[2, 2, 18, 2],
        num_heads=[4, 8, 16, 32],
        window_size=12,
        out_features=["stage2", "stage3", "stage4"],
    )
    save_detector(folder, GroundingDinoConfig(backbone_config=backbone), 800, 1333)


def _detect_tiny(folder: Path) -> None:
    """Swin-T; the library's default configuration."""
    from transformers import GroundingDinoConfig

    save_detector(folder, GroundingDinoConfig(), 800, 1333)


def _da2(folder: Path) -> None:
    """ViT-S with the metric head."""
    from transformers import DepthAnythingConfig, Dinov2Config

    backbone = Dinov2Config(
        image_size=518,
        patch_size=14,
        hidden_size=384,
        num_attention_heads=6,
        out_indices=[3, 6, 9, 12],
        reshape_hidden_states=False,
        apply_layernorm=True,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone, depth_estimation_type="metric", max_depth=20
    )
    save_da2(folder, config, 518)


def _sam3(folder: Path) -> None:
    """The library's default configuration is the published size."""
    from transformers import Sam3VideoConfig

    write_clip_tokenizer(folder)
    save_sam3(folder, Sam3VideoConfig())


# (expert, route) -> writer of a folder that the adapter loads as `weights`.
FULL: dict[tuple[str, str], Write] = {
    ("detect", "base"): _detect_base,
    ("detect", "tiny"): _detect_tiny,
    ("depth", "da3"): lambda folder: save_da3(folder, {"model_name": "da3metric-large"}),
    ("depth", "da2"): _da2,
    ("segment", "sam3"): _sam3,
    ("reconstruct", "da3"): lambda folder: save_da3(folder, {"model_name": "da3-small"}),
    ("reconstruct", "da3-base"): lambda folder: save_da3(folder, {"model_name": "da3-base"}),
    ("restore", "swinir"): lambda folder: save_swinir(
        folder / "003_realSR_BSRGAN_DFOWMFC_s64w8_SwinIR-L_x4_PSNR.pth",
        groups=9,
        blocks=6,
        heads=8,
        width=240,
    ),
    ("orient", "v1"): lambda folder: save_v1(
        folder / "dino_weight.pt", width=1024, layers=24, heads=16, image=518
    ),
}

"""A SAM 3 of two million random parameters, laid out as the published checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from surveyor.services.neural.segment import NeuralSegment
from surveyor.services.neural.tiny.base import TinyExpert
from surveyor.services.neural.tiny.words import write_clip_tokenizer

_SIDE, _PATCH = 112, 14
_WIDTH = 32
_SMALL: dict[str, Any] = {
    "hidden_size": _WIDTH,
    "num_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


class TinySegment(TinyExpert, NeuralSegment):
    """Sees pictures at 112 pixels."""

    def write(self, folder: Path) -> None:
        from transformers import Sam3VideoConfig

        words, ends = write_clip_tokenizer(folder)
        config = Sam3VideoConfig(detector_config=_detector(words, ends), tracker_config=_tracker())
        save_sam3(folder, config)


def save_sam3(folder: Path, config: Any) -> None:
    """Random weights, saved by hand: the library's own way writes one prefix twice (5.23)."""
    from safetensors.torch import save_file
    from transformers import Sam3VideoModel

    config.save_pretrained(folder)
    weights = Sam3VideoModel(config).state_dict()
    save_file({name: w.clone() for name, w in weights.items()}, folder / "model.safetensors")


def _vision() -> dict[str, Any]:
    grid = _SIDE // _PATCH
    backbone = {
        "model_type": "sam3_vit_model",
        "hidden_size": _WIDTH,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": _SIDE,
        "patch_size": _PATCH,
        "window_size": 4,
        "global_attn_indexes": [1],
        "pretrain_image_size": 56,
    }
    return {
        "model_type": "sam3_vision_model",
        "backbone_config": backbone,
        "fpn_hidden_size": _WIDTH,
        "backbone_feature_sizes": [[grid * scale, grid * scale] for scale in (4, 2, 1)],
    }


def _detector(words: int, ends: tuple[int, int]) -> dict[str, Any]:
    return {
        "vision_config": _vision(),
        "text_config": {
            "vocab_size": words,
            "bos_token_id": ends[0],
            "eos_token_id": ends[1],
            "hidden_size": _WIDTH,
            "intermediate_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "max_position_embeddings": 32,
            "projection_dim": _WIDTH,
        },
        "geometry_encoder_config": _SMALL,
        "detr_encoder_config": _SMALL,
        "detr_decoder_config": _SMALL | {"num_queries": 12},
        "mask_decoder_config": {"hidden_size": _WIDTH, "num_attention_heads": 2},
    }


def _tracker() -> dict[str, Any]:
    grid = _SIDE // _PATCH
    return {
        "vision_config": _vision(),
        "image_size": _SIDE,
        "prompt_encoder_config": {
            "hidden_size": _WIDTH,
            "image_size": _SIDE,
            "patch_size": _PATCH,
        },
        "mask_decoder_config": {
            "hidden_size": _WIDTH,
            "mlp_dim": 64,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": _WIDTH,
        },
        "memory_attention_hidden_size": _WIDTH,
        "memory_attention_num_layers": 1,
        "memory_attention_num_attention_heads": 1,
        "memory_attention_feed_forward_hidden_size": 64,
        "memory_attention_rope_feat_sizes": [grid, grid],
        "memory_encoder_hidden_size": _WIDTH,
        "memory_encoder_output_channels": 16,
        "mask_downsampler_embed_dim": _WIDTH,
        "memory_fuser_embed_dim": _WIDTH,
        "memory_fuser_intermediate_dim": 64,
    }

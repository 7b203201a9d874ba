"""Detectors of at most half a million random parameters with spelling tokenizers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from surveyor.services.neural.detect import NeuralDetect
from surveyor.services.neural.tiny.base import TinyExpert
from surveyor.services.neural.tiny.words import BERT_WORDS, bert_letters, write_clip_tokenizer
from surveyor.services.neural.weights import Weights
from surveyor.services.settings import Settings

CLASSES = ("chair", "table", "lamp", "sofa", "door", "window")
"""What the tiny detectors of fixed classes know."""
_SIDE = 64


class TinyDetect(TinyExpert, NeuralDetect):
    """Reads pictures of any size at 64 pixels; OmDet-Turbo has a backbone that is not timm's."""

    @contextmanager
    def located(self, settings: Settings) -> Iterator[Weights]:
        modules = tuple(name for name in self.card.modules if name != "timm")
        self.card = replace(self.card, modules=modules)
        with super().located(settings) as weights:
            yield weights

    def write(self, folder: Path) -> None:
        writers = {
            "mm": _write_mm,
            "owlv2": _write_owl,
            "omdet": _write_omdet,
            "rtdetr": _write_rtdetr,
            "dfine": _write_dfine,
        }
        writers.get(getattr(self, "route", ""), _write_dino)(folder)


def _write_dino(folder: Path) -> None:
    from transformers import GroundingDinoConfig

    save_detector(folder, GroundingDinoConfig(**_grounding()), shortest=64, longest=96)


def _write_mm(folder: Path) -> None:
    from transformers import MMGroundingDinoConfig, MMGroundingDinoForObjectDetection

    MMGroundingDinoForObjectDetection(MMGroundingDinoConfig(**_grounding())).save_pretrained(folder)
    _save_grounding_processor(folder, 64, 96)


def _grounding() -> dict[str, Any]:
    from transformers import BertConfig

    return {
        "backbone_config": _swin([2, 3, 4]),
        "text_config": BertConfig(
            vocab_size=BERT_WORDS,
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=64,
        ),
        "d_model": 32,
        "encoder_layers": 1,
        "decoder_layers": 2,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "encoder_ffn_dim": 64,
        "decoder_ffn_dim": 64,
        "num_queries": 20,
    }


def _swin(stages: list[int]) -> Any:
    from transformers import SwinConfig

    return SwinConfig(
        image_size=_SIDE,
        embed_dim=16,
        depths=[1, 1, 1, 1],
        num_heads=[1, 2, 2, 4],
        window_size=4,
        out_features=[f"stage{number}" for number in stages],
    )


def save_detector(folder: Path, config: Any, shortest: int, longest: int) -> None:
    """A GroundingDINO with random weights that sees images between two sizes."""
    from transformers import GroundingDinoForObjectDetection

    GroundingDinoForObjectDetection(config).save_pretrained(folder)
    _save_grounding_processor(folder, shortest, longest)


def _save_grounding_processor(folder: Path, shortest: int, longest: int) -> None:
    from transformers import BertTokenizer, GroundingDinoImageProcessor, GroundingDinoProcessor

    size = {"shortest_edge": shortest, "longest_edge": longest}
    words = BertTokenizer(vocab=bert_letters())
    GroundingDinoProcessor(GroundingDinoImageProcessor(size=size), words).save_pretrained(folder)


def _write_owl(folder: Path) -> None:
    from transformers import (
        CLIPTokenizer,
        Owlv2Config,
        Owlv2ForObjectDetection,
        Owlv2ImageProcessor,
        Owlv2Processor,
    )

    words, (start, end) = write_clip_tokenizer(folder)
    shared = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2}
    config = Owlv2Config(
        text_config={
            **shared,
            "vocab_size": words,
            "num_hidden_layers": 1,
            "max_position_embeddings": 40,
            "pad_token_id": end,
            "bos_token_id": start,
            "eos_token_id": end,
        },
        vision_config={**shared, "num_hidden_layers": 1, "image_size": _SIDE, "patch_size": 16},
        projection_dim=32,
    )
    Owlv2ForObjectDetection(config).save_pretrained(folder)
    images = Owlv2ImageProcessor(size={"height": _SIDE, "width": _SIDE})
    Owlv2Processor(images, CLIPTokenizer.from_pretrained(folder)).save_pretrained(folder)


def _write_omdet(folder: Path) -> None:
    from transformers import (
        CLIPTextConfig,
        CLIPTokenizer,
        DetrImageProcessor,
        OmDetTurboConfig,
        OmDetTurboForObjectDetection,
        OmDetTurboProcessor,
    )

    words, (start, end) = write_clip_tokenizer(folder)
    config = OmDetTurboConfig(
        text_config=CLIPTextConfig(
            vocab_size=words,
            hidden_size=64,
            intermediate_size=64,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=77,
            projection_dim=64,
            pad_token_id=end,
            bos_token_id=start,
            eos_token_id=end,
        ),
        backbone_config=_swin([2, 3, 4]),
        apply_layernorm_after_vision_backbone=False,  # that is for timm's order of axes
        image_size=_SIDE,
        text_projection_in_dim=64,
        text_projection_out_dim=64,
        task_encoder_hidden_dim=32,
        class_embed_dim=64,
        num_queries=20,
        encoder_hidden_dim=32,
        vision_features_channels=[32, 32, 32],
        encoder_in_channels=[32, 64, 128],
        encoder_attention_heads=2,
        encoder_dim_feedforward=64,
        decoder_hidden_dim=32,
        decoder_num_heads=2,
        decoder_num_layers=2,
        decoder_dim_feedforward=64,
    )
    OmDetTurboForObjectDetection(config).save_pretrained(folder)
    images = DetrImageProcessor(size={"height": _SIDE, "width": _SIDE}, do_pad=False)
    OmDetTurboProcessor(images, CLIPTokenizer.from_pretrained(folder)).save_pretrained(folder)


def _write_rtdetr(folder: Path) -> None:
    from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrResNetConfig

    backbone = RTDetrResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 16, 32, 64],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    config = RTDetrConfig(backbone_config=backbone, **_detr())
    RTDetrForObjectDetection(config).save_pretrained(folder)
    _save_detr_processor(folder)


def _write_dfine(folder: Path) -> None:
    from transformers import DFineConfig, DFineForObjectDetection, HGNetV2Config

    backbone = HGNetV2Config(
        stem_channels=[3, 8, 8],
        stage_in_channels=[8, 8, 16, 32],
        stage_mid_channels=[4, 4, 8, 8],
        stage_out_channels=[8, 16, 32, 64],
        stage_num_blocks=[1, 1, 1, 1],
        stage_numb_of_layers=[1, 1, 1, 1],
        hidden_sizes=[8, 16, 32, 64],
        depths=[1, 1, 1, 1],
        out_features=["stage2", "stage3", "stage4"],
    )
    config = DFineConfig(backbone_config=backbone, **_detr())
    DFineForObjectDetection(config).save_pretrained(folder)
    _save_detr_processor(folder)


def _detr() -> dict[str, Any]:
    return {
        "encoder_hidden_dim": 32,
        "encoder_in_channels": [16, 32, 64],
        "encoder_ffn_dim": 32,
        "encoder_attention_heads": 2,
        "d_model": 32,
        "num_queries": 20,
        "decoder_in_channels": [32, 32, 32],
        "decoder_ffn_dim": 32,
        "decoder_layers": 2,
        "decoder_attention_heads": 2,
        "num_denoising": 0,
        "id2label": dict(enumerate(CLASSES)),
        "label2id": {name: index for index, name in enumerate(CLASSES)},
    }


def _save_detr_processor(folder: Path) -> None:
    from transformers import RTDetrImageProcessor

    RTDetrImageProcessor(size={"height": _SIDE, "width": _SIDE}).save_pretrained(folder)

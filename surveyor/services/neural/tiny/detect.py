"""A GroundingDINO of half a million random parameters with a spelling tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from surveyor.services.neural.detect import NeuralDetect
from surveyor.services.neural.tiny.base import TinyExpert
from surveyor.services.neural.tiny.words import BERT_WORDS, bert_letters


class TinyDetect(TinyExpert, NeuralDetect):
    """Reads pictures of any size at 64 pixels."""

    def write(self, folder: Path) -> None:
        from transformers import BertConfig, GroundingDinoConfig, SwinConfig

        config = GroundingDinoConfig(
            backbone_config=SwinConfig(
                image_size=64,
                embed_dim=16,
                depths=[1, 1, 1, 1],
                num_heads=[1, 2, 2, 4],
                window_size=4,
                out_features=["stage2", "stage3", "stage4"],
            ),
            text_config=BertConfig(
                vocab_size=BERT_WORDS,
                hidden_size=32,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=64,
            ),
            d_model=32,
            encoder_layers=1,
            decoder_layers=2,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            num_queries=20,
        )
        save_detector(folder, config, shortest=64, longest=96)


def save_detector(folder: Path, config: Any, shortest: int, longest: int) -> None:
    """A checkpoint with random weights that sees images between two sizes."""
    from transformers import (
        BertTokenizer,
        GroundingDinoForObjectDetection,
        GroundingDinoImageProcessor,
        GroundingDinoProcessor,
    )

    GroundingDinoForObjectDetection(config).save_pretrained(folder)
    size = {"shortest_edge": shortest, "longest_edge": longest}
    words = BertTokenizer(vocab=bert_letters())
    GroundingDinoProcessor(GroundingDinoImageProcessor(size=size), words).save_pretrained(folder)

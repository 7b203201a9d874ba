"""Tiny random Qwen3 and Qwen3-VL checkpoints, for tests and for trying a recipe's road."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from surveyor.training.extras import need

_SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>",
    "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
_ADDED = (
    "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>",
)  # fmt: skip
_HEAD = 32  # smaller heads are not served by every engine's CPU kernels
_LENGTH = 8192


def make_tiny(folder: Path, texts: Iterable[str], *, vision: bool = False, seed: int = 0) -> Path:
    """Write a checkpoint of random weights whose tokenizer knows these texts' bytes."""
    torch = need("torch")
    torch.manual_seed(seed)
    tokenizer = _tokenizer(texts, "qwen3_vl" if vision else "qwen3_instruct_2507")
    model = _vision(tokenizer) if vision else _text(tokenizer)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if vision:
        pixels = need("transformers").Qwen2VLImageProcessorPil(
            patch_size=8,
            merge_size=2,
            temporal_patch_size=2,
            size={"shortest_edge": 256, "longest_edge": 4096},
        )
        pixels.save_pretrained(folder)
    return folder


def _tokenizer(texts: Iterable[str], template: str) -> Any:
    tokenizers, transformers, trl = need("tokenizers"), need("transformers"), need("trl")
    inner = tokenizers.Tokenizer(tokenizers.models.BPE())
    bytes_ = tokenizers.pre_tokenizers.ByteLevel
    inner.pre_tokenizer = bytes_(add_prefix_space=False)
    inner.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=1200,
        special_tokens=list(_SPECIAL),
        initial_alphabet=bytes_.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(texts, trainer)
    added = [tokenizers.AddedToken(text, special=False, normalized=False) for text in _ADDED]
    inner.add_tokens(added)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=_LENGTH,
        clean_up_tokenization_spaces=False,
    )
    shipped = Path(str(trl.__file__)).parent / "chat_templates" / f"{template}.jinja"
    tokenizer.chat_template = shipped.read_text(encoding="utf-8")
    return tokenizer


def _sizes(tokenizer: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": _HEAD,
        "max_position_embeddings": _LENGTH,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _text(tokenizer: Any) -> Any:
    transformers = need("transformers")
    return transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**_sizes(tokenizer)))


def _vision(tokenizer: Any) -> Any:
    transformers = need("transformers")
    ids = tokenizer.convert_tokens_to_ids
    rope = {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "mrope_section": [6, 5, 5],
        "mrope_interleaved": True,
    }
    config = transformers.Qwen3VLConfig(
        text_config={**_sizes(tokenizer), "rope_parameters": rope},
        vision_config={
            "depth": 2,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_heads": 2,
            "patch_size": 8,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "out_hidden_size": 64,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0],
        },
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
        tie_word_embeddings=True,
    )
    return transformers.Qwen3VLForConditionalGeneration(config)

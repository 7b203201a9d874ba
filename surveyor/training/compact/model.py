"""The compact agent's network: Qwen3's architecture at a size that a laptop trains in minutes.

Saved in transformers' own layout, so that anything that serves Qwen3 can load the weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from surveyor.core.errors import UserError
from surveyor.training.compact.vocabulary import END, PAD, UNKNOWN, Vocabulary
from surveyor.training.extras import need


class ModelShape(BaseModel):
    """Layers, widths and heads; the default has 0.9 million parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: int = Field(default=4, ge=1, le=64)
    width: int = Field(default=128, ge=32)
    heads: int = Field(default=4, ge=1)
    groups: int = Field(default=2, ge=1)
    inner: int = Field(default=384, ge=32)
    longest: int = Field(default=1024, ge=128)


def make_model(shape: ModelShape, vocabulary: Vocabulary, seed: int) -> Any:
    """A network with seeded random weights."""
    torch, transformers = need("torch"), need("transformers")
    torch.manual_seed(seed)
    ids = vocabulary.ids
    config = transformers.Qwen3Config(
        vocab_size=len(vocabulary.tokens),
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.groups,
        head_dim=max(32, shape.width // shape.heads),
        max_position_embeddings=shape.longest,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=ids[END],
        pad_token_id=ids[PAD],
    )
    return transformers.Qwen3ForCausalLM(config)


def load_model(folder: Path) -> Any:
    """The network of a folder; `UserError` when it is of another family or incomplete."""
    transformers = need("transformers")
    try:
        family = json.loads((folder / "config.json").read_text())["model_type"]
    except (OSError, ValueError, KeyError):
        raise UserError(f"{folder} holds no model: it has no readable config.json") from None
    if family != "qwen3":
        raise UserError(
            f"{folder} holds a {family} model; a compact agent is a qwen3 made by "
            "`surveyor train compact`"
        )
    try:
        return transformers.Qwen3ForCausalLM.from_pretrained(folder).eval()
    except Exception as error:  # the libraries' own, by what is cut or missing
        raise UserError(f"{folder} holds no whole model ({type(error).__name__})") from error


def begin_from(model: Any, vocabulary: Vocabulary, folder: Path) -> None:
    """Give a new network the weights of an earlier agent: what a token was there it is here, words
    that are new keep their random ones. `UserError` when the agent is of another shape."""
    torch = need("torch")
    known, weights = Vocabulary.load(folder).ids, load_model(folder).state_dict()
    tied = ("model.embed_tokens.weight", "lm_head.weight")
    own = model.state_dict()
    shapes = {name: value.shape for name, value in own.items() if name not in tied}
    if shapes != {name: value.shape for name, value in weights.items() if name not in tied}:
        raise UserError(f"{folder} is of another shape; give the --layers and --width it has")
    shared = [(ours, known[token]) for token, ours in vocabulary.ids.items() if token in known]
    here, there = torch.tensor(shared).T
    table = own[tied[0]].clone()
    table[here] = weights[tied[0]][there]
    model.load_state_dict({**weights, **dict.fromkeys(tied, table)})


def write_tokenizer(folder: Path, vocabulary: Vocabulary) -> None:
    """The vocabulary as a word-level tokenizer, for programs that know no slots."""
    tokenizers, transformers = need("tokenizers"), need("transformers")
    inner = tokenizers.Tokenizer(
        tokenizers.models.WordLevel(dict(vocabulary.ids), unk_token=UNKNOWN)
    )
    inner.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    whole = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token=END, pad_token=PAD, unk_token=UNKNOWN
    )
    whole.save_pretrained(folder)

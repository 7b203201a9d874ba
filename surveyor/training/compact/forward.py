"""A compact agent's network read token by token, in numpy.

The same arithmetic as transformers' Qwen3 with its cache, on the same weights: at this size that
library spends ten times as long on finding out what to do as on doing it. A test compares both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class TokenReader:
    """One conversation with a ``Qwen3ForCausalLM`` in float32; keys and values of what was read
    are kept. The weights are the model's own arrays: call it while they do not change."""

    def __init__(self, model: Any) -> None:
        config = model.config
        self._weights: dict[str, Floats] = {
            name: value.detach().numpy() for name, value in model.named_parameters()
        }
        self._heads, self._groups = config.num_attention_heads, config.num_key_value_heads
        self._size, self._small = config.head_dim, config.rms_norm_eps
        layers, longest = config.num_hidden_layers, config.max_position_embeddings
        self._keys = np.empty((layers, self._groups, longest, self._size), np.float32)
        self._values = np.empty_like(self._keys)
        self._read = 0
        base = float(config.rope_parameters["rope_theta"])
        self._cos, self._sin = _turns(self._size, longest, base)

    def __call__(self, ids: Sequence[int]) -> Floats:
        """Read on, and return the scores (vocabulary,) of what may follow the last id."""
        embedding = self._weights["model.embed_tokens.weight"]
        states = embedding[np.asarray(ids)]
        for layer in range(len(self._keys)):
            states = self._layer(layer, states)
        self._read += len(ids)
        last = self._norm(states[-1], "model.norm.weight")
        scores: Floats = self._weights.get("lm_head.weight", embedding) @ last
        return scores

    def _layer(self, number: int, states: Floats) -> Floats:
        name, weights = f"model.layers.{number}", self._weights
        states = states + self._attention(
            number, self._norm(states, f"{name}.input_layernorm.weight")
        )
        inner = self._norm(states, f"{name}.post_attention_layernorm.weight")
        gate = inner @ weights[f"{name}.mlp.gate_proj.weight"].T
        gate = gate / (1 + np.exp(-gate))
        up = inner @ weights[f"{name}.mlp.up_proj.weight"].T
        told: Floats = states + (gate * up) @ weights[f"{name}.mlp.down_proj.weight"].T
        return told

    def _attention(self, number: int, states: Floats) -> Floats:
        name, count = f"model.layers.{number}.self_attn", len(states)
        start, end = self._read, self._read + count
        query = self._turned(number, "q", self._heads, states, start)
        self._keys[number, :, start:end] = self._turned(number, "k", self._groups, states, start)
        values = states @ self._weights[f"{name}.v_proj.weight"].T
        split = values.reshape(count, self._groups, self._size).transpose(1, 0, 2)
        self._values[number, :, start:end] = split
        # Query heads (G, H/G, T, D) share the keys and values (G, 1, S, D) of their group.
        query = query.reshape(self._groups, -1, count, self._size) * np.float32(self._size**-0.5)
        scores = query @ self._keys[number, :, None, :end].transpose(0, 1, 3, 2)
        if count > 1:
            later = np.arange(end)[None, :] > np.arange(start, end)[:, None]
            scores[..., later] = -np.inf
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        seen = shares @ self._values[number, :, None, :end]
        joined = seen.reshape(self._heads, count, self._size).transpose(1, 0, 2)
        told: Floats = joined.reshape(count, -1) @ self._weights[f"{name}.o_proj.weight"].T
        return told

    def _turned(self, number: int, kind: str, heads: int, states: Floats, start: int) -> Floats:
        """Queries or keys (heads, T, D), normalised and turned by their positions."""
        name = f"model.layers.{number}.self_attn.{kind}"
        flat = states @ self._weights[f"{name}_proj.weight"].T
        each = flat.reshape(len(states), heads, self._size).transpose(1, 0, 2)
        each = self._norm(each, f"{name}_norm.weight")
        half = self._size // 2
        turned: Floats = np.concatenate([-each[..., half:], each[..., :half]], axis=-1)
        end = start + len(states)
        told: Floats = each * self._cos[start:end] + turned * self._sin[start:end]
        return told

    def _norm(self, states: Floats, name: str) -> Floats:
        spread = np.mean(np.square(states), axis=-1, keepdims=True)
        told: Floats = states / np.sqrt(spread + self._small) * self._weights[name]
        return told


@lru_cache(maxsize=4)
def _turns(size: int, longest: int, base: float) -> tuple[Floats, Floats]:
    """Cosines and sines (longest, size) of the angles by which positions turn."""
    speeds = base ** (-np.arange(0, size, 2, dtype=np.float64) / size)
    angles = np.outer(np.arange(longest), np.concatenate([speeds, speeds]))
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)

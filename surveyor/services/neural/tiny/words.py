"""Tokenizers that spell: enough for any text, and small enough to make on the spot."""

from __future__ import annotations

import string
from pathlib import Path

_CHARACTERS = string.ascii_lowercase + string.digits + string.punctuation
# The model finds the ends of phrases by these ids of BERT's vocabulary.
_BERT_IDS = {
    "[PAD]": 0,
    "[UNK]": 100,
    "[CLS]": 101,
    "[SEP]": 102,
    "[MASK]": 103,
    ".": 1012,
    "?": 1029,
}
BERT_WORDS = 1040


def bert_letters() -> dict[str, int]:
    """A WordPiece vocabulary: every letter and digit, at the start and inside of a word."""
    characters = string.ascii_lowercase + string.digits
    spelled = [*characters, *(f"##{one}" for one in characters)]
    known = _BERT_IDS | {piece: 200 + index for index, piece in enumerate(spelled)}
    taken = set(known.values())
    return known | {f"[unused{i}]": i for i in range(BERT_WORDS) if i not in taken}


def write_clip_tokenizer(folder: Path) -> tuple[int, tuple[int, int]]:
    """A byte-pair vocabulary without pairs; its size and the ids of start and end."""
    from transformers import CLIPTokenizer

    pieces = [*_CHARACTERS, *(f"{one}</w>" for one in _CHARACTERS)]
    words = {piece: index for index, piece in enumerate(pieces)}
    words |= {"<|startoftext|>": len(words), "<|endoftext|>": len(words) + 1}
    CLIPTokenizer(vocab=words, merges=[]).save_pretrained(folder)
    return len(words), (words["<|startoftext|>"], words["<|endoftext|>"])

"""BLEU, ROUGE-L and CIDEr for free-form answers, by pycocoevalcap, without Java.

pycocoevalcap is the code behind published ScanQA and SQA3D figures. Only its tokenizer needs
Java; `tokenize` stands in for it. METEOR and SPICE are jars and are not offered: asking for them
is an error, never another metric under their name.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from surveyor.core.errors import UserError

_TOKEN: Final = re.compile(
    r"n't\b|o'clock\b|'(?:s|m|d|re|ve|ll)\b"  # endings that stand alone
    r"|(?:[a-z]\.){2,}|(?:mr|mrs|ms|dr|st)\."  # abbreviations keep their full stop
    r"|can(?=not\b)|[^\W_]+?(?=n't\b)"
    r"|\d+(?:[.,:/]\d+)*[^\W_]*(?:-[^\W_]+)*"
    r"|[^\W_]+(?:[-./&][^\W_]+)*"
    r"|[?!]{2,}|[^\w\s]"
)
_PLAIN_QUOTES: Final = str.maketrans("‘’“”", "''\"\"")
_DROPPED: Final = frozenset("'`\".?!,:-;…")
_BRACKETS: Final = {
    "(": "-lrb-",
    ")": "-rrb-",
    "[": "-lsb-",
    "]": "-rsb-",
    "{": "-lcb-",
    "}": "-rcb-",
}
"""Their Treebank names, which the published list of punctuation misses in lower case."""


@dataclass(frozen=True, slots=True)
class CaptionScore:
    """One metric over a corpus: its published aggregate and the score of every row by id."""

    name: str
    overall: float
    rows: Mapping[str, float]


def tokenize(text: str) -> str:
    """Lower-case Penn Treebank tokens without punctuation, joined by single spaces."""
    tokens = _TOKEN.findall(text.lower().translate(_PLAIN_QUOTES))
    return " ".join(_BRACKETS.get(token, token) for token in tokens if token not in _DROPPED)


def caption_scores(
    references: Mapping[str, Sequence[str]],
    predictions: Mapping[str, str],
    metrics: Sequence[str] = ("BLEU", "ROUGE-L", "CIDEr"),
) -> tuple[CaptionScore, ...]:
    """Score predictions by id; a row that was scheduled but has no prediction counts as empty.

    "BLEU" gives BLEU-1 to BLEU-4. BLEU's aggregate is over the corpus and CIDEr's term weights
    come from all references, so a row's score depends on the dataset it is scored in. BLEU and
    ROUGE-L are 0..1; CIDEr is 0..10 and needs at least two rows to be more than 0. Raises
    `UserError` for an unknown metric, predictions to other ids, or without pycocoevalcap.
    """
    unknown = [name for name in metrics if name not in _METRICS]
    if unknown:
        raise UserError(
            f"There is no caption metric {unknown[0]!r}; choose from: {', '.join(_METRICS)}."
        )
    strangers = sorted(predictions.keys() - references.keys())
    if strangers:
        raise UserError(f"Prediction {strangers[0]!r} belongs to no row of this dataset.")
    truths = {key: [tokenize(text) for text in texts] for key, texts in references.items()}
    replies = {key: [tokenize(predictions.get(key, ""))] for key in references}
    return tuple(score for name in metrics for score in _METRICS[name](truths, replies))


_Corpus = dict[str, list[str]]


def _bleu(truths: _Corpus, replies: _Corpus) -> list[CaptionScore]:
    overall, rows = _scorer("bleu.bleu", "Bleu")(4).compute_score(truths, replies, verbose=0)
    return [
        _score(f"BLEU-{order}", value, truths, per_row)
        for order, (value, per_row) in enumerate(zip(overall, rows, strict=True), start=1)
    ]


def _rouge(truths: _Corpus, replies: _Corpus) -> list[CaptionScore]:
    overall, rows = _scorer("rouge.rouge", "Rouge")().compute_score(truths, replies)
    return [_score("ROUGE-L", overall, truths, rows)]


def _cider(truths: _Corpus, replies: _Corpus) -> list[CaptionScore]:
    overall, rows = _scorer("cider.cider", "Cider")().compute_score(truths, replies)
    return [_score("CIDEr", overall, truths, rows)]


_METRICS: Final[Mapping[str, Callable[[_Corpus, _Corpus], list[CaptionScore]]]] = {
    "BLEU": _bleu,
    "ROUGE-L": _rouge,
    "CIDEr": _cider,
}


def _score(name: str, overall: Any, truths: _Corpus, rows: Any) -> CaptionScore:
    by_id = dict(zip(truths, map(float, rows), strict=True))
    return CaptionScore(name=name, overall=float(overall), rows=by_id)


def _scorer(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(f"pycocoevalcap.{module}"), name)
    except ImportError as error:
        raise UserError(
            "BLEU, ROUGE-L and CIDEr need pycocoevalcap: pip install '.[captions]'."
        ) from error

"""Blind readers: learners that answer questions from their text alone, cross-validated by scene.

Two of them: the commonest answer, and a random forest over words, word pairs, and (for choices)
pairs of a question's and an option's words. The idea is the test-set stress test made for
VSI-Bench; the forest and the features are our own.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from surveyor.scenes.audit.forest import Features, Float, Forest, Rows

FOLDS = 5
MAX_WORDS = 300
TOLERANCES = 1 - np.linspace(0.5, 0.95, 10)
_WORD = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class BlindItem:
    """A question as a blind reader gets it, and its answer for scoring.

    ``options`` are the choices' texts with ``answer`` the index of the right one; for numbers
    ``options`` is empty and ``answer`` the value.
    """

    scene_id: str
    text: str
    options: tuple[str, ...]
    answer: float


class BlindTest:
    """Questions of one type, encoded once, answered blind as often as wanted."""

    def __init__(self, items: Sequence[BlindItem]) -> None:
        self.items = tuple(items)
        self.choices = bool(items[0].options)
        widths = [max(len(item.options), 1) for item in items]
        self._first = np.concatenate([[0], np.cumsum(widths)]).astype(np.intp)
        if self.choices:
            rows = [_pair_words(item, option) for item in items for option in item.options]
        else:
            rows = [_words(item.text) for item in items]
        self._features = _encode(rows)
        self._answers = np.array([item.answer for item in items], np.float64)

    def scores(self, subset: Rows, seed: int) -> tuple[Float, Float]:
        """(len(subset),) scores 0..1 of the commonest answer and of the forest."""
        names = [self.items[int(k)].scene_id for k in subset]
        fold = np.array([zlib.crc32(f"{seed}/{name}".encode()) % FOLDS for name in names])
        frequency, forest = np.zeros(len(subset)), np.zeros(len(subset))
        score = self._score_choices if self.choices else self._score_numbers
        for k in range(FOLDS):
            held = fold == k
            if held.any() and not held.all():
                rng = np.random.default_rng([seed, k])
                frequency[held], forest[held] = score(subset[~held], subset[held], rng)
        return frequency, forest

    def mean_scores(self, subset: Rows, seeds: Sequence[int]) -> tuple[Float, Float]:
        """`scores` averaged over ways of folding."""
        each = [self.scores(subset, seed) for seed in seeds]
        frequency, forest = (np.mean(part, axis=0) for part in zip(*each, strict=True))
        return frequency, forest

    def chance(self, subset: Rows, frequency: Float) -> Float:
        """Guessing among the options, or for numbers the commonest answer."""
        if not self.choices:
            return frequency
        return np.array([1 / len(self.items[int(k)].options) for k in subset], np.float64)

    def _score_numbers(
        self, train: Rows, test: Rows, rng: np.random.Generator
    ) -> tuple[Float, Float]:
        known, truth = self._answers[train], self._answers[test]
        guesses = np.unique(known)
        gain = relative_accuracy(guesses[None, :], known[:, None])
        constant = float(guesses[int(gain.mean(axis=0).argmax())])
        # Leaves hold the expected score of every guess, so the best one can be picked.
        forest = Forest.fit(self._features[train], np.log(np.maximum(known, 1e-3)), gain, rng)
        best = guesses[forest.predict(self._features[test]).argmax(axis=1)]
        return relative_accuracy(np.full_like(truth, constant), truth), relative_accuracy(
            best, truth
        )

    def _score_choices(
        self, train: Rows, test: Rows, rng: np.random.Generator
    ) -> tuple[Float, Float]:
        right = Counter(self.items[int(k)].options[int(self._answers[k])] for k in train)
        rows = self._rows(train)
        is_right = np.concatenate(
            [np.arange(self._width(k)) == self._answers[k] for k in train]
        ).astype(np.float64)
        forest = Forest.fit(self._features[rows], is_right, is_right[:, None], rng)
        belief = forest.predict(self._features[self._rows(test)])[:, 0]
        ends = np.cumsum([self._width(k) for k in test])[:-1]
        chosen = np.array([int(part.argmax()) for part in np.split(belief, ends)])
        common = [max(self.items[int(k)].options, key=right.__getitem__) for k in test]
        frequent = [
            option == self.items[int(k)].options[int(self._answers[k])]
            for option, k in zip(common, test, strict=True)
        ]
        hits = chosen == self._answers[test]
        return np.array(frequent, np.float64), hits.astype(np.float64)

    def _width(self, k: int) -> int:
        return int(self._first[k + 1] - self._first[k])

    def _rows(self, subset: Rows) -> Rows:
        return np.concatenate([np.arange(self._first[k], self._first[k + 1]) for k in subset])


def relative_accuracy(guess: Float, truth: Float) -> Float:
    """Mean relative accuracy at VSI-Bench's ten thresholds; arguments broadcast."""
    error = np.abs(guess - truth) / np.maximum(np.abs(truth), 1e-9)
    accuracy: Float = (error[..., None] <= TOLERANCES + 1e-12).mean(axis=-1)
    return accuracy


def _words(text: str) -> set[str]:
    """The words of a text, and each with its neighbour, so that roles can be told apart."""
    words = _WORD.findall(text.lower())
    return set(words) | {f"{a} {b}" for a, b in pairwise(words)}


def _pair_words(item: BlindItem, option: str) -> set[str]:
    asked = _WORD.findall(item.text.lower())
    chosen = {f"={option.lower()}"} | {f"={word}" for word in _WORD.findall(option.lower())}
    pairs = {f"{a} {b}" for a in set(asked) for b in chosen}
    return {f"{a} {b}" for a, b in pairwise(asked)} | set(asked) | chosen | pairs


def _encode(rows: Sequence[set[str]]) -> Features:
    """Binary features: the commonest words that are neither in all rows nor in next to none."""
    counts = Counter(word for row in rows for word in row)
    useful = [(n, word) for word, n in counts.items() if 4 <= n < len(rows)]
    useful.sort(key=lambda pair: (-min(pair[0], len(rows) - pair[0]), pair[1]))
    vocabulary = {word: k for k, (_, word) in enumerate(useful[:MAX_WORDS])}
    features = np.zeros((len(rows), max(len(vocabulary), 1)), np.float32)
    for k, row in enumerate(rows):
        features[k, [vocabulary[word] for word in row if word in vocabulary]] = 1
    return features

"""Taking the leak out of generated questions: drop what a blind reader finds too easy.

In rounds, every candidate is answered blind by cross-validation; while the best blind reader beats
chance by more than the bound, just enough of the candidates that it got right are dropped. What
is left is judged afresh with other folds, because the next habit may only show then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

import numpy as np

from surveyor.core.tasks import AnswerKind
from surveyor.scenes.audit.blind_readers import BlindItem, BlindTest
from surveyor.scenes.audit.forest import Float, Rows
from surveyor.scenes.questions.draft import CHOICES, Draft, Placement

# Aim lower than the promised five points: folds differ from audit to audit.
AIM = 0.0
MIN_QUESTIONS = 200
MIN_LEFT = 40
ROUNDS = 30
MAX_DROP = 0.2
LOOKED_AT = 4
FOLDINGS, CONFIRMING = 2, 6


@dataclass(frozen=True, slots=True)
class PlacedDraft:
    """A draft with the place that it would take in a dataset."""

    draft: Draft
    place: Placement
    evidence: tuple[int, ...]


def balanced(candidates: Sequence[PlacedDraft], seed: int) -> list[PlacedDraft]:
    """The candidates without those that give their type away, in the same order.

    Types with fewer than two hundred candidates, and answers that are neither choices nor numbers,
    are kept as they are: too little can be said about them.
    """
    rng = np.random.default_rng([seed, 51])
    by_type: dict[str, list[int]] = defaultdict(list)
    for index, candidate in enumerate(candidates):
        by_type[candidate.draft.question_type].append(index)
    kept: list[int] = []
    for indices in by_type.values():
        items = [_blind(candidates[k], rng) for k in indices]
        known = [item for item in items if item is not None]
        if len(known) == len(items) >= MIN_QUESTIONS:
            kept += [indices[k] for k in prune(known, rng)]
        else:
            kept += indices
    return [candidates[k] for k in sorted(kept)]


def prune(items: Sequence[BlindItem], rng: np.random.Generator, aim: float = AIM) -> list[int]:
    """Indices of items to keep so that blind reading beats chance by no more than ``aim``."""
    test = BlindTest(items)
    kept = np.arange(len(items))
    constant = 0.0
    for round_ in range(ROUNDS):
        gain, frequency = _gains(test, kept, constant, 10 * round_, FOLDINGS)
        constant = constant or frequency
        if gain.mean() <= aim:
            # A clean look at one moment may be luck; more ways of folding must agree.
            gain, _ = _gains(test, kept, constant, 10 * round_ + FOLDINGS, CONFIRMING)
        excess = float(gain.mean()) - aim
        if excess <= 0 or len(kept) < MIN_LEFT:
            break
        # Dropping an item with gain g takes (g - aim) off the sum that is too large.
        order = np.lexsort((rng.random(len(kept)), -gain))
        # Half of that at a time: the readers learn less from what is left.
        goal = excess * len(kept) / 2
        enough = int(np.searchsorted(np.cumsum(gain[order] - aim), goal)) + 1
        n_dropped = min(enough, max(1, int(MAX_DROP * len(kept))), int((gain > 0).sum()))
        kept = np.sort(np.delete(kept, order[:n_dropped]))
    return [int(k) for k in kept]


def _gains(
    test: BlindTest, kept: Rows, constant: float, first: int, foldings: int
) -> tuple[Float, float]:
    """What the better blind reader gains over chance on each item, averaged over ways of folding
    to chase habits rather than luck; and the score of the commonest answer.

    ``constant``: what the commonest number scored before anything was dropped (0: this is that
    time). It may not grow more useful either: answers must not just be narrowed.
    """
    frequency, forest = test.mean_scores(kept, range(1000 + first, 1000 + first + foldings))
    chance = test.chance(kept, frequency)
    common = frequency - (chance if test.choices else constant or float(frequency.mean()))
    gain = max((common, forest - chance), key=lambda g: float(g.mean()))
    return gain, float(frequency.mean())


def varied(drafts: Iterable[Draft], limit: int | None) -> Iterator[Draft]:
    """Up to ``limit`` drafts of one type and scene, answers taken in turn so that none prevails."""
    if limit is None:
        yield from drafts
        return
    by_answer: dict[str, list[Draft]] = defaultdict(list)
    for draft in islice(drafts, limit * LOOKED_AT):
        by_answer[draft.correct].append(draft)
    in_turn = chain.from_iterable(zip_longest(*by_answer.values()))
    yield from islice((draft for draft in in_turn if draft is not None), limit)


def _blind(candidate: PlacedDraft, rng: np.random.Generator) -> BlindItem | None:
    draft, scene_id = candidate.draft, candidate.place.scene_id
    if draft.kind is AnswerKind.NUMBER:
        return BlindItem(scene_id, draft.question, (), float(draft.correct))
    if draft.kind is not AnswerKind.CHOICE:
        return None
    # Where the right option stands must say nothing, or ties would be broken in its favour.
    options = (draft.correct, *draft.wrong)
    order = rng.permutation(len(options))
    shuffled = tuple(options[k] for k in order)
    text = draft.question.replace(CHOICES, ", ".join(shuffled))
    return BlindItem(scene_id, text, shuffled, float(np.flatnonzero(order == 0)[0]))
